"""Verdicts in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stepwell.evals.entries import Compared
from stepwell.evals.page.model import ArmFigures, Figures, Span
from stepwell.evals.page.words import details, headline, preferred, round_up, said
from stepwell.evals.scoring.graded.preferences import preferences
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
    assert headline(broken) == "No verdict: 80.0% of the samples ended as errors"


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


def test_a_judge_that_is_not_believed_leaves_no_verdict() -> None:
    reason = "judge big accepts 39.2% of vague wrong answers (30.9% to 48.1%): refused, the limit is 15%"
    refused = replace(figures(pair("a", "b", "better"), gate="inconclusive"), reasons=(reason,))
    assert headline(refused) == "No verdict: judge big accepts 39.2% of vague wrong answers"
    still_open = replace(refused, pairs=(pair("a", "b", "need more", 0.01),))
    assert headline(still_open).startswith("a against b is open")


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
