"""What errors could change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.bounded import Bounds, bounds_of
from stepwell.evals.ends import Ends
from stepwell.evals.entries import Outcome
from stepwell.evals.report import by_arm, make_report
from stepwell.evals.verdict.fixed import compare

SCORES = st.one_of(st.none(), st.sampled_from([0.0, 0.25, 1.0]))
# rows of two arms with two repeats each
TABLES = st.lists(st.tuples(SCORES, SCORES, SCORES, SCORES), min_size=1, max_size=12)
Table = list[tuple[float | None, ...]]


def outcomes(table: Table) -> list[Outcome]:
    return [
        Outcome(
            f"{r}.{k}",
            "",
            f"r{r:02}",
            "ab"[k // 2],
            k % 2,
            score,
            None if score is not None else "tier_timeout",
        )
        for r, row in enumerate(table)
        for k, score in enumerate(row)
    ]


def bounds(table: Table) -> tuple[Bounds, ...]:
    arms = by_arm(Ends.of(outcomes(table)), "ab")
    return bounds_of(arms, compare({"a": {"r": 1.0}, "b": {"r": 1.0}}))


@given(table=TABLES, data=st.data())
def test_whatever_errors_would_have_scored_lies_between(table: Table, data: st.DataObject) -> None:
    found = bounds(table)
    if not any(score is None for row in table for score in row):
        assert found == ()
        return
    (of,) = found
    told = [row for row in table if row != (None,) * 4]
    full = [
        tuple(data.draw(st.sampled_from([0.0, 0.5, 1.0])) if s is None else s for s in row) for row in told
    ]
    gaps = [(row[0] + row[1] - row[2] - row[3]) / 2 for row in full]
    mean = sum(gaps) / len(gaps) if gaps else 0.0
    assert of.worst.n_rows == of.best.n_rows == len(told)
    assert of.worst.difference - 1e-9 <= mean <= of.best.difference + 1e-9


@given(table=TABLES)
def test_they_turn_with_the_pair(table: Table) -> None:
    swapped = bounds([(*row[2:], *row[:2]) for row in table])
    for one, other in zip(bounds(table), swapped, strict=True):
        turned = one.seen_from("b")
        assert turned.seen_from("a") == one
        assert turned.worst.difference == pytest.approx(other.worst.difference)
        assert turned.best.word == other.best.word


def test_only_pairs_that_lack_scores_have_bounds() -> None:
    lost = [Outcome(f"{arm}{i}", "", f"r{i}", arm, score=1.0) for arm in "abc" for i in range(9)]
    lost.append(Outcome("c9", "", "r9", "c", error="tier_timeout"))
    found = make_report(None, lost).bounds
    assert [(b.worst.a, b.worst.b) for b in found] == [("a", "c"), ("b", "c")]
    # nobody else was asked that row
    assert [b.worst.n_rows for b in found] == [9, 9]
