"""The bootstrap of rankings: agrees with the plain measures, and its intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.tune.measures import apgr, cpt
from stepwell.evals.tune.resample import compare_rankings, resampled
from stepwell.evals.tune.sweep import resamples


def rows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    hard = random.random(n)
    weak = (random.random(n) > 0.8 * hard).astype(float)
    strong = (random.random(n) > 0.3 * hard).astype(float)
    return hard, weak, strong


@given(st.integers(0, 1000), st.booleans())
def test_each_resample_is_what_the_measures_say_of_it(seed: int, has_ties: bool) -> None:
    random = np.random.default_rng(seed)
    need, weak = random.random((2, 60))
    strong = weak + 0.3 * need + random.normal(0, 0.3, 60)
    need = np.round(need, 1) if has_ties else need
    made = resampled(need, weak, strong, 3, seed)
    counts = np.concatenate(list(resamples(60, 3, seed))).astype(int)
    for got, count in zip(made, counts, strict=True):
        n, w, s = (np.repeat(x, count) for x in (need, weak, strong))
        if (s - w).sum() > 0:
            expected = [apgr(n, w, s), cpt(n, w, s, pgr=0.5), cpt(n, w, s, pgr=0.8)]
            np.testing.assert_allclose(got, expected, atol=1e-9)


def test_intervals_hold_the_value_and_differences_are_paired() -> None:
    need, weak, strong = rows(2000, 1)
    noisy = need + np.random.default_rng(0).normal(0, 0.05, 2000)
    found = compare_rankings(
        {"ours": need, "nearly": noisy, "constant": np.zeros(2000)}, weak, strong, n_resamples=300
    )
    ours, nearly, constant = found["ours"], found["nearly"], found["constant"]
    assert ours.apgr.low < ours.apgr.value < ours.apgr.high
    assert ours.cpt50.low < ours.cpt50.value < ours.cpt50.high < ours.cpt80.value
    assert (ours.behind.low, ours.behind.value, ours.behind.high) == (0, 0, 0)
    assert constant.apgr.value == pytest.approx(0.5)
    assert constant.cpt80.value == pytest.approx(0.8)
    assert constant.behind.low > 0
    # paired: far narrower than what two intervals of their own would give
    assert nearly.behind.high - nearly.behind.low < 0.3 * (ours.apgr.high - ours.apgr.low)


def test_ninety_five_percent_cover() -> None:
    need, weak, strong = rows(200_000, 7)
    truth = apgr(need, weak, strong)
    inside = []
    for seed in range(100):
        some = slice(seed * 800, (seed + 1) * 800)
        span = compare_rankings({"ours": need[some]}, weak[some], strong[some], n_resamples=200)["ours"].apgr
        inside.append(span.low <= truth <= span.high)
    assert np.mean(inside) >= 0.88  # 100 draws at .95: sd .022


def test_the_same_seed_gives_the_same_interval() -> None:
    need, weak, strong = rows(300, 2)
    assert compare_rankings({"a": need}, weak, strong) == compare_rankings({"a": need}, weak, strong)


def test_without_a_gap_there_is_no_interval() -> None:
    need, weak, _ = rows(100, 3)
    span = compare_rankings({"a": need}, weak, weak)["a"].apgr
    assert np.isnan([span.value, span.low, span.high]).all()
