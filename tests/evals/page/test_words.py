"""Verdicts in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.entries import Compared, Planted
from stepwell.evals.page.model import ArmFigures, Figures, Span
from stepwell.evals.page.text import usd
from stepwell.evals.page.words import details, headline, looked, preferred, said
from stepwell.evals.scoring.graded.judge_report import judge_reports, why_refused
from stepwell.evals.scoring.graded.preferences import preferences
from stepwell.evals.verdict.needed import round_up
from stepwell.evals.verdict.pair import Pair, Word


def arm(name: str, quality: float | None = 0.7, **more: object) -> ArmFigures:
    of = None if quality is None else Span(quality, quality - 0.02, quality + 0.02)
    return replace(ArmFigures(name, False, of, 100, 100, 0.001, {}, 1, 1, {}, {}, {}, {}), **more)  # type: ignore[arg-type]


def pair(a: str, b: str, word: Word, difference: float = 0.1, **more: object) -> Pair:
    given = Pair(a, b, 100, difference, difference - 0.02, difference + 0.02, 20, 10, 0.01, word, None)
    return replace(given, **more)  # type: ignore[arg-type]


def figures(*pairs: Pair, gate: str = "pass", baseline: str | None = None, n_errors: int = 0) -> Figures:
    names = dict.fromkeys(name for p in pairs for name in (p.a, p.b))
    arms = tuple(arm(n, errors={"tier_timeout": n_errors} if n_errors else {}) for n in names) or (
        arm("solo"),
    )
    return Figures("suite", "ab" * 32, 200, 200, gate, arms, pairs, baseline, 0.1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (pair("good", "cheap", "better"), "good is better than cheap by 10.0 points (8.0 to 12.0)"),
        (pair("cheap", "good", "worse", -0.1), "cheap is worse than good by 10.0 points (8.0 to 12.0)"),
        (
            pair("a", "b", "tied", 0.001, margin=0.03),
            "a and b are tied within 3 points: +0.1 points (−1.9 to 2.1)",
        ),
        (pair("a", "b", "need more", 0.01, n_more=1234), "about 1,300 more rows would settle it"),
        (pair("a", "b", "need more", 0.01, n_more=1), "about 1 more row would settle it"),
        (
            replace(pair("a", "b", "need more", -0.00001), low=-0.02, high=-0.0),
            "a against b is open: +0.0 points (−2.0 to 0.0)",
        ),
        (pair("a", "b", "need more", 0.01), "a against b is open: +1.0 points (−1.0 to 3.0)"),
    ],
)
def test_a_pair_is_said_with_its_size(given: Pair, words: str) -> None:
    assert said(given).endswith(words)


def test_one_arm_alone_is_said_with_its_interval() -> None:
    assert headline(figures()) == "solo scores 0.700, between 0.680 and 0.720"


def test_nothing_scored_is_no_verdict() -> None:
    none = replace(figures(), arms=(arm("solo", None),))
    assert headline(none) == "No verdict: nothing was scored"


def test_too_many_errors_are_said_first() -> None:
    broken = figures(pair("a", "b", "better"), gate="infrastructure", n_errors=80)
    broken = replace(broken, arms=(arm("a"), *broken.arms[1:]))
    assert headline(broken) == "No verdict: 80.0% of b's samples ended as errors"


def test_against_a_baseline_worse_goes_before_better() -> None:
    three = figures(
        pair("base", "x", "better"), pair("y", "base", "better"), pair("x", "y", "worse"), baseline="base"
    )
    assert headline(three) == "x is worse than base"
    assert details(three) == [
        "x is worse than base by 10.0 points (8.0 to 12.0).",
        "y is better than base by 10.0 points (8.0 to 12.0).",
    ]


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ((pair("a", "b", "better"), pair("a", "c", "better"), pair("b", "c", "better")), "a is best of 3"),
        (
            (pair("a", "b", "better"), pair("a", "c", "need more", 0.01), pair("b", "c", "worse", -0.1)),
            "a is better than b, and not shown to be better than c",
        ),
        (
            (pair("a", "b", "tied", 0.01), pair("a", "c", "need more", 0.01), pair("b", "c", "tied", 0.0)),
            "a leads, but is not shown to be better than b and c",
        ),
    ],
)
def test_without_a_baseline_the_best_arm_leads(pairs: tuple[Pair, ...], words: str) -> None:
    assert headline(figures(*pairs)) == words


def test_what_is_missing_is_said() -> None:
    early = replace(
        figures(pair("a", "b", "better", look=3, n_looks=10, is_early=True), n_errors=2),
        n_ended=60,
        n_planned=200,
    )
    lines = " ".join(details(early))
    assert "at look 3 of 10" in lines
    assert "60 of 200 samples" in lines
    assert "4 samples ended as errors" in lines


@pytest.mark.parametrize(("n", "about"), [(1, 1), (99, 99), (101, 110), (1234, 1300), (98_765, 99_000)])
def test_a_count_to_come_has_two_figures(n: int, about: int) -> None:
    assert round_up(n) == about


def planted(style: str, n: int, n_accepted: int) -> list[Planted]:
    return [
        Planted(key=f"{style}{i}", case=str(i), style=style, is_accepted=i < n_accepted, judge="judge")
        for i in range(n)
    ]


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (planted("vague", 50, 25), "the judge accepts too many wrong answers"),
        (
            planted("vague", 50, 5) + planted("right", 50, 5),
            "the judge can't tell right answers from wrong ones",
        ),
        ([], "the judge was not measured"),
    ],
)
def test_a_judge_that_is_not_believed_leaves_no_verdict(shown: list[Planted], words: str) -> None:
    reasons = why_refused(judge_reports(shown))
    refused = replace(figures(pair("a", "b", "better"), gate="inconclusive"), reasons=reasons)
    assert headline(refused) == f"No verdict: {words}"
    # more rows settle nothing while nobody can grade them
    still_open = replace(refused, pairs=(pair("a", "b", "need more", 0.01),))
    assert headline(still_open) == headline(refused)


@pytest.mark.parametrize("reason", ["solo (new) has no score", "60 of 200 samples ended"])
def test_what_else_stands_against_a_verdict_is_said_whole(reason: str) -> None:
    stopped = replace(figures(pair("a", "b", "better"), gate="inconclusive"), reasons=(reason,))
    assert headline(stopped) == f"No verdict: {reason}"


def test_many_pairs_are_not_all_said_in_the_head() -> None:
    names = [f"arm{n}" for n in range(6)]
    pairs = [pair(a, b, "better") for n, a in enumerate(names) for b in names[n + 1 :]]
    lines = details(figures(*pairs))
    assert len(lines) == 9
    assert lines[-1] == "7 more pairs below."


@pytest.mark.parametrize(
    ("score", "word", "words"),
    [
        (0.62, "better", "prefers a to b: 62.0% (57.0 to 67.0), ties as half."),
        (0.38, "worse", "prefers b to a: 62.0% (57.0 to 67.0), ties as half."),
        (0.51, "need more", "does not clearly prefer a to b: 51.0% (46.0 to 56.0), ties as half."),
    ],
)
def test_a_preference_is_said_from_the_arm_that_was_liked(score: float, word: Word, words: str) -> None:
    lines = [
        Compared(key=str(n), row=str(n), a="a", b="b", score=1.0 if n < 100 * score else 0.0)
        for n in range(100)
    ]
    (found,) = preferences(lines)
    as_if = replace(found, score=score, low=score - 0.05, high=score + 0.05, pair=pair("a", "b", word))
    assert preferred(as_if).endswith(words)


@pytest.mark.parametrize(
    ("cost_usd", "words"),
    [(0, "$0"), (4.3e-6, "$0.0000043"), (1.25e-9, "$0.00000000125"), (0.00123, "$0.00123"), (3.376, "$3.38")],
)
def test_small_sums_keep_their_digits(cost_usd: float, words: str) -> None:
    assert usd(cost_usd) == words


@given(st.floats(1e-9, 0.999), st.floats(1e-9, 0.999))
def test_a_dearer_sum_never_reads_as_a_cheaper_one(a: float, b: float) -> None:
    shown_a, shown_b = (float(usd(v)[1:]) for v in (a, b))
    assert shown_a > 0
    assert (a <= b) <= (shown_a <= shown_b)


def test_how_a_run_that_looked_on_the_way_was_judged_is_said() -> None:
    stopped = pair("a", "b", "better", look=3, n_looks=10, is_early=True)
    found = replace(figures(stopped), n_rows_planned=1000)
    text = looked(found)
    assert "look 3 of 10, after 100 of 1,000 planned rows" in text
    assert "stagewise" in text
    assert looked(figures(pair("a", "b", "better"))) == ""
