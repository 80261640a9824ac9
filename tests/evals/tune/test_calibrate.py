"""Raw scores become probabilities that rise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.tune.calibrate import calibration_error, fit_curves, isotonic, reliability


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 1)), min_size=1, max_size=40))
def test_isotonic_regression_rises_and_keeps_the_mean(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs, dtype=float).T
    at = np.linspace(-1, 21, 50)
    stairs = isotonic(x, y, at)
    assert (np.diff(stairs) >= -1e-9).all()
    assert y.min() - 1e-9 <= stairs.min() <= stairs.max() <= y.max() + 1e-9


def test_isotonic_regression_pools_what_falls() -> None:
    x = np.arange(4.0)
    assert isotonic(x, np.array([0.0, 1.0, 0.0, 1.0]), x) == pytest.approx([0, 1 / 3, 2 / 3, 1])


@pytest.mark.parametrize("n", [150, 2000])
def test_curves_undo_what_is_too_sure(n: int) -> None:
    rng = np.random.default_rng(n)
    true = rng.random((n, 1))
    scores = (rng.random((n, 1)) < true).astype(float)
    raw = 0.5 + 2.0 * (true - 0.5)
    p_ok = fit_curves(raw, scores).of(raw.astype(np.float32))
    assert np.abs(p_ok - true).mean() < 0.65 * np.abs(np.clip(raw, 0, 1) - true).mean()
    order = np.argsort(raw[:, 0])
    inner = p_ok[order, 0][(p_ok[order, 0] > 0) & (p_ok[order, 0] < 1)]
    assert (np.diff(inner) > 0).all()


def test_one_score_for_all_and_none_at_all_give_sound_curves() -> None:
    flat = fit_curves(np.full((30, 2), 0.7), np.column_stack([np.full(30, 0.4), np.full(30, np.nan)]))
    p_ok = flat.of(np.array([[0.7, 0.7], [9, 9], [-9, -9]], dtype=np.float32))
    assert np.isfinite(p_ok).all()
    assert p_ok[0] == pytest.approx([0.4, 0.7], abs=0.02)
    assert (p_ok[1] >= p_ok[2]).all()


def test_reliability_counts_tenths() -> None:
    p_ok, scores = np.linspace(0, 1, 100), np.where(np.arange(100) < 50, 0.0, 1.0)
    bins = reliability(p_ok, scores)
    assert [n for *_, n in bins] == [10] * 10
    assert [mean for _, mean, _ in bins] == [0] * 5 + [1] * 5
    assert calibration_error(p_ok, scores) == pytest.approx(0.25, abs=0.01)
    assert calibration_error(p_ok, p_ok) == pytest.approx(0)
