"""Lower bounds: their coverage by simulation, and what must hold for any data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stepwell.evals.tune.bounds import N_NORMAL, exceeds, lower_bound, z_of


@pytest.mark.parametrize(("n", "n_draws"), [(30, 400), (100, 400), (N_NORMAL, 1500), (1000, 1500)])
@pytest.mark.parametrize("p_loss", [0.01, 0.02, 0.1])
def test_a_false_claim_passes_in_at_most_a_twentieth(n: int, n_draws: int, p_loss: float) -> None:
    random = np.random.default_rng(n)
    draws = 0.04 - (
        random.random((n_draws, n)) < p_loss
    )  # few large losses: the case that fools a normal bound
    passed = [exceeds(v, 0.04 - p_loss + 1e-9, low=-1, high=1) for v in draws]
    assert np.mean(passed) <= 0.075  # at .05 the sd is .0056 of 1,500 draws, .011 of 400


def test_with_many_rows_it_is_tight() -> None:
    v = np.random.default_rng(3).normal(0.5, 0.1, 4000)
    bound = lower_bound(v, low=-1, high=2)
    assert v.mean() - bound == pytest.approx(z_of(0.05) * 0.1 / np.sqrt(4000), rel=0.05)


def test_no_rows_bound_nothing() -> None:
    assert lower_bound(np.zeros(0), low=-1, high=1) == -1


def test_the_same_rows_give_the_same_bound() -> None:
    v = np.random.default_rng(1).random(80)
    assert lower_bound(v, low=0, high=1) == lower_bound(v, low=0, high=1)


@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(-1, 1, width=32)))
def test_it_lies_in_the_range_and_under_the_mean(v: np.ndarray) -> None:
    bound = lower_bound(v, low=-1, high=1)
    assert -1 <= bound <= v.mean() + 1e-9
    assert lower_bound(v, low=-1, high=1, alpha=0.01) <= bound + 1e-6


@given(arrays(np.float64, st.integers(2, 60), elements=st.floats(0, 1, width=32)))
def test_exceeds_agrees_with_the_bound(v: np.ndarray) -> None:
    bound = lower_bound(v, low=0, high=1)
    assert not exceeds(v, bound + 1e-6, low=0, high=1)
    assert exceeds(v, bound - 1e-6, low=0, high=1)
