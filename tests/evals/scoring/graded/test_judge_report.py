"""What planted answers say of a judge."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.entries import Planted
from stepwell.evals.scoring.graded.judge_report import (
    judge_report,
    judge_reports,
    why_refused,
)


def lines(style: str, n: int, n_accepted: int, judge: str = "j") -> list[Planted]:
    return [
        Planted(f"{judge}-{style}-{i}", f"case-{i}", style, i < n_accepted, 10, judge=judge) for i in range(n)
    ]


@pytest.mark.parametrize(
    ("vague", "specific", "trust"),
    [
        (0, 0, "trusted"),
        (3, 0, "trusted"),
        (4, 0, "not shown to be below"),
        (9, 0, "not shown to be below"),
        (10, 0, "refused"),
        (0, 10, "refused"),
        (60, 60, "refused"),
    ],
)
def test_the_worse_style_counts(vague: int, specific: int, trust: str) -> None:
    report = judge_report(
        [*lines("vague", 60, vague), *lines("specific", 60, specific), *lines("right", 60, 60)]
    )
    assert report.trust() == trust
    assert trust.split(" ", maxsplit=1)[0] in report.said() or trust == "trusted"
    assert bool(why_refused([report])) == (trust == "refused")
    assert report.is_believed() == (trust != "refused")


def test_a_limit_of_ones_own_counts() -> None:
    report = judge_report(lines("vague", 60, 10))
    assert report.trust(0.5) == "trusted"
    assert "below 50%" in report.said(0.5)


def test_what_was_not_measured_is_not_believed() -> None:
    only_right = judge_report(lines("right", 60, 60))
    failed = judge_report([Planted(f"{n}", "c", "vague", None, error="rate_limited") for n in range(5)])
    assert only_right.trust() == failed.trust() == judge_report([]).trust() == "not measured"
    assert (failed.n_errors, failed.n_shown) == (5, 0)
    assert all(why_refused(reports) for reports in ([], [only_right], [failed]))


def test_false_rejects_and_kinds() -> None:
    kinds = {f"case-{i}": "even" if i % 2 == 0 else "odd" for i in range(20)}
    report = judge_report([*lines("vague", 20, 10), *lines("right", 20, 15)], kinds=kinds)
    assert report.false_reject_share == 0.25
    assert {(r.kind, r.n, r.n_accepted) for r in report.by_kind} == {("even", 10, 5), ("odd", 10, 5)}
    assert report.nano_usd == 400


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abr"), st.booleans() | st.none())), st.randoms()
)
def test_the_order_of_lines_does_not_matter(
    said: list[tuple[int, str, bool | None]], rng: random.Random
) -> None:
    styles = {"a": "vague", "b": "specific", "r": "right"}
    planted = list(
        {f"{n}{s}": Planted(f"{n}{s}", str(n), styles[s], is_it, 1) for n, s, is_it in said}.values()
    )
    shuffled = rng.sample(planted, len(planted))
    assert judge_report(planted) == judge_report(shuffled)
    report = judge_report(planted)
    assert report.n_shown + report.n_errors == len(planted)
    for rate in report.wrong:
        assert rate.share is None or rate.low <= rate.share <= rate.high


def test_judges_are_reported_apart() -> None:
    both = judge_reports([*lines("vague", 60, 50, "lax"), *lines("vague", 60, 0, "strict")])
    assert [(r.judge, r.trust()) for r in both] == [("lax", "refused"), ("strict", "trusted")]
    assert len(why_refused(both)) == 1


def test_a_judge_that_cant_tell_right_from_wrong_is_refused_however_strict() -> None:
    report = judge_report([*lines("vague", 60, 1), *lines("right", 60, 1)])
    assert report.trust() == "refused"
    assert "can't tell them apart" in report.said()
    assert judge_report([*lines("vague", 60, 1), *lines("right", 60, 2)]).trust() == "trusted"


def test_every_style_is_said() -> None:
    said = judge_report([*lines("vague", 60, 20), *lines("specific", 60, 3), *lines("right", 60, 57)]).said()
    assert "33.3% of vague wrong answers" in said
    assert "5.0% of specific wrong answers" in said
    assert "refuses 5.0% of right ones" in said
