"""The planted answers that ship."""

from __future__ import annotations

from collections import Counter

import pytest

from stepwell.evals.scoring.graded.planted import STYLES, drawn, shipped_cases


def test_the_set_is_whole_and_even() -> None:
    cases = shipped_cases()
    assert len({c.id for c in cases}) == len({c.question for c in cases}) == 120
    assert set(Counter(c.kind for c in cases).values()) == {15}
    for case in cases:
        texts = [case.question, case.gold, *map(case.answer, STYLES)]
        assert all(t.strip() == t and t for t in texts)
        assert len(set(texts)) == 5
        assert case.gold not in case.vague or len(case.gold) < 3


def test_a_wrong_answer_can_be_told_by_no_length_alone() -> None:
    cases = shipped_cases()
    longer = sum(len(c.specific) > len(c.right) for c in cases)
    assert 0.05 < longer / len(cases) < 0.95


@pytest.mark.parametrize("n", [8, 20, 60, 120])
def test_a_draw_is_even_and_grows_into_a_larger_one(n: int) -> None:
    cases = shipped_cases()
    picked = drawn(cases, n, seed=3)
    by_kind = Counter(c.kind for c in picked)
    assert (len(set(picked)), len(by_kind)) == (n, 8)
    assert max(by_kind.values()) - min(by_kind.values()) <= 1
    assert drawn(cases, 120, seed=3)[:n] == picked == drawn(cases, n, seed=3)
    assert n == 120 or drawn(cases, n, seed=4) != picked
