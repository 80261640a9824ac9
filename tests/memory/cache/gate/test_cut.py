"""The lowest P that keeps the budget."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stepwell.memory.cache.gate.cut import NEVER, Told, above, lowest_cut

Floats = NDArray[np.float64]
NOTHING = Told(np.zeros(0), np.zeros(0), np.zeros(0))
chances = st.lists(st.floats(0, 1), min_size=1, max_size=40).map(np.array)


def told(p: Floats, wrong_share: float, judge_error: float = 0.0) -> Told:
    """Verdicts that turn out as foretold, times a factor."""
    rng = np.random.default_rng(0)
    is_wrong = rng.random(len(p)) < (1 - p) * wrong_share
    is_wrong ^= rng.random(len(p)) < judge_error
    return Told(p, (~is_wrong).astype(np.float64), np.ones(len(p)), judge_error)


def cut(p: Floats, seen: Told = NOTHING, max_error: float = 0.05, caution: float = 0.0) -> float:
    return lowest_cut(p, seen, max_error=max_error, trust=10.0, reach=4.0, caution=caution).p_same


@given(chances, st.floats(0.001, 0.5))
def test_without_verdicts_it_is_the_lowest_p_whose_mean_error_keeps_the_budget(
    p: Floats, max_error: float
) -> None:
    kept = [x for x in p if float((1 - p[p >= x]).mean()) <= max_error]

    assert cut(p, max_error=max_error + 1e-9) == min(kept, default=NEVER)


@given(chances, st.floats(0.001, 0.2))
def test_a_larger_budget_never_serves_less(p: Floats, max_error: float) -> None:
    assert cut(p, max_error=2 * max_error) <= cut(p, max_error=max_error)


def test_errors_are_counted_over_all_hits_not_one_by_one() -> None:
    p = np.array([0.99] * 9 + [0.7])

    assert cut(p) == 0.7


def test_worse_than_foretold_raises_the_cut_and_better_lowers_it() -> None:
    p = np.random.default_rng(1).uniform(0.7, 1.0, 3000)

    as_foretold, worse, better = (cut(p, told(p, share)) for share in (1.0, 2.0, 0.4))
    assert better < as_foretold < worse


def test_a_few_verdicts_do_not_overturn_the_model() -> None:
    p = np.random.default_rng(1).uniform(0.7, 1.0, 3000)

    assert abs(cut(p, told(p[:20], 1.5)) - cut(p)) < 0.03


def test_caution_costs_less_the_more_was_judged() -> None:
    p = np.random.default_rng(1).uniform(0.7, 1.0, 3000)

    few, many = (cut(p, told(p[:n], 1.0), caution=1.64) - cut(p, told(p[:n], 1.0)) for n in (30, 3000))
    assert few > 2 * many > 0


def test_the_judge_s_own_errors_are_taken_out() -> None:
    p = np.full(20_000, 0.97)
    seen = above(np.array([0.9]), told(p, 1.0, judge_error=0.05))

    assert seen.n_wrong[0] / seen.n[0] == pytest.approx(0.03, abs=0.006)
    assert seen.expected_wrong[0] / seen.n[0] == pytest.approx(0.03)


def test_no_requests_no_cut() -> None:
    assert cut(np.zeros(0)) == NEVER
