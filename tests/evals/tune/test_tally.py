"""Figures agree with `measures`, their intervals cover, and shares, reliability and floors add up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stepwell.evals.tune import measures, tally
from stepwell.evals.tune.floors import floors
from stepwell.evals.tune.report import LENGTH, MIX, ORACLE, ROUTER

Floats = NDArray[np.float64]


def two(n: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Need, weak and strong scores: the needier, the more strong gains."""
    random = np.random.default_rng(seed)
    need = random.random(n)
    weak = (random.random(n) < 0.9 - 0.6 * need).astype(float)
    strong = (random.random(n) < 0.9 - 0.1 * need).astype(float)
    return need, weak, strong


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(40, 300), n_levels=st.integers(1, 30))
def test_ranking_figures_are_the_measures(seed: int, n: int, n_levels: int) -> None:
    need, weak, strong = two(n, seed)
    need = np.round(need * n_levels)
    if strong.sum() <= weak.sum():
        return
    found = tally.ranking_figures("r", need, weak, strong, n_resamples=20)
    assert [f.measure for f in found] == ["APGR", "CPT50", "CPT80"]
    assert found[0].value == pytest.approx(measures.apgr(need, weak, strong))
    assert found[2].value == pytest.approx(measures.cpt(need, weak, strong, pgr=0.8))


def test_resampling_weights_count_rows_as_often_as_they_were_drawn() -> None:
    need, weak, strong = two(60, 3)
    gain = strong - weak
    seen = tally._resampled_ranking(np.round(need * 9), gain, n_resamples=5, seed=11)
    random = np.random.default_rng(11)
    for row, drawn in zip(seen, random.integers(0, 60, size=(5, 60)), strict=True):
        w, s, r = weak[drawn], strong[drawn], np.round(need * 9)[drawn]
        expected = [measures.apgr(r, w, s), *(measures.cpt(r, w, s, pgr=p) for p in (0.5, 0.8))]
        assert row.tolist() == pytest.approx(expected)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    need, weak, strong = two(60_000, 0)
    truth = measures.apgr(need, weak, strong)
    covered = 0
    for i in range(60):
        rows = slice(1000 * i, 1000 * (i + 1))
        f = tally.ranking_figures("r", need[rows], weak[rows], strong[rows], n_resamples=200, seed=i)[0]
        assert f.low is not None
        assert f.high is not None
        covered += f.low <= truth <= f.high
    assert covered >= 52


def test_too_few_rows_give_no_interval() -> None:
    weak, strong = np.array([1.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0])
    strong[0] = 1.0
    found = tally.ranking_figures("r", np.arange(3.0), weak * 0.5, strong, n_resamples=200)
    assert all(f.low is None and f.high is None for f in found)


def three(n: int = 600, seed: int = 0) -> tuple[Floats, Floats, Floats, Floats]:
    random = np.random.default_rng(seed)
    hard = random.random(n)
    p = np.clip(1.1 - hard[:, None] * np.array([1.1, 0.7, 0.3]), 0, 1)
    scores = (random.random((n, 3)) < p).astype(float)
    costs = np.array([1e-4, 1e-3, 1e-2]) * (0.5 + random.random((n, 1)))
    return scores, costs, p, random.random(n)


def test_two_tiers_are_told_by_apgr_and_more_by_aiq() -> None:
    scores, costs, p, n_chars = three()
    pair = tally.figures(scores[:, :2], costs[:, :2], p[:, :2], costs[:, :2], n_chars, n_resamples=30)
    assert {f.measure for f in pair} == {"APGR", "CPT50", "CPT80"}
    assert [f.router for f in pair][::3] == [ROUTER, LENGTH, MIX, ORACLE]
    more = tally.figures(scores, costs, p, costs, n_chars, n_resamples=30)
    value = {(f.router, f.measure): f for f in more}
    aiq = [value[r, "AIQ"].value for r in (MIX, ROUTER, ORACLE)]
    assert aiq == sorted(aiq)
    mix = value[MIX, "AIQ"]
    single_costs, single_scores = costs.mean(axis=0), scores.mean(axis=0)
    assert mix.value == pytest.approx(
        measures.aiq(single_costs, single_scores, lo_usd=single_costs.min(), hi_usd=single_costs[-1])
    )
    for f in more:
        assert f.low is not None
        assert f.high is not None
        assert f.low <= f.high


def test_one_tier_that_is_cheapest_and_best_leaves_no_range() -> None:
    scores, costs, p, n_chars = three(50)
    scores[:, 0] = 1.0
    found = tally.figures(scores, costs, p, costs, n_chars, n_resamples=10)
    assert all(np.isfinite(f.value) for f in found)


def test_reliability_finds_the_overconfident_tier() -> None:
    random = np.random.default_rng(0)
    p_ok = random.random((4000, 2))
    honest = random.random(4000) < p_ok[:, 0]
    boasting = random.random(4000) < 0.5 * p_ok[:, 1]
    scores = np.column_stack([honest, boasting]).astype(float)
    scores[:7, 1] = np.nan
    a, b = tally.reliability(("honest", "boasting"), p_ok, scores)
    assert a.error < 0.04 < 0.2 < b.error
    assert len(a.bins) == 10
    assert sum(x.n for x in b.bins) == 3993
    assert [x.predicted for x in a.bins] == sorted(x.predicted for x in a.bins)
    assert all(x.low <= x.observed <= x.high for x in (*a.bins, *b.bins))


def test_domains_add_up() -> None:
    scores, _, p, _ = three()
    names = ["law", "sums", ""] * 200
    answers = np.eye(3)[p.argmax(axis=1)]
    found = tally.by_domain(names, scores, answers)
    assert {d.name for d in found} == {"law", "sums", ""}
    assert sum(d.n for d in found) == 600
    total = np.array([d.shares for d in found]).T @ np.array([d.n / 600 for d in found])
    assert total.tolist() == pytest.approx(answers.mean(axis=0).tolist())
    assert sum(d.n * d.quality for d in found) / 600 == pytest.approx((scores * answers).sum(axis=1).mean())


def test_a_higher_floor_never_costs_less() -> None:
    scores, costs, p, _ = three()
    found = floors(p, costs, scores, qs=(0.95, 0.8, 0.9, 0.9, 1.0))
    assert [f.q for f in found] == [0.8, 0.9, 0.95, 1.0]
    spent = [f.cost_usd for f in found]
    assert spent == sorted(spent)
    assert all(f.kept_low >= f.q for f in found)
