"""Looks at means, against published bounds and by simulation."""

from __future__ import annotations

import random

import pytest

from stepwell.evals.verdict.brownian import chance_above, stages, stagewise_p
from stepwell.evals.verdict.looks import Looks
from stepwell.evals.verdict.roots import root
from stepwell.evals.verdict.spending import SpendingName, spending
from stepwell.evals.verdict.student import normal_tail

FIFTHS = tuple(k / 5 for k in range(1, 6))


def test_bounds_of_lan_and_demets() -> None:
    # two-sided 0.05, five equal looks, O'Brien-Fleming spending: as in their paper and in every package since
    late = stages(FIFTHS, tuple(map(spending("late", 0.05), FIFTHS)))
    assert [s.z for s in late] == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-4)


@pytest.mark.parametrize("name", ["even", "early", "late"])
def test_crossing_by_scipy(name: SpendingName) -> None:
    stats = pytest.importorskip("scipy.stats")
    shares = (0.1, 0.3, 0.6, 1.0)
    looked = stages(shares, tuple(map(spending(name, 0.05), shares)))
    covariance = [[min(s, t) for s in shares] for t in shares]
    places = stats.multivariate_normal([0] * 4, covariance, seed=0, abseps=1e-6, maxpts=400_000)
    bounds = [s.z * s.share**0.5 for s in looked]
    inside = places.cdf(bounds, lower_limit=[-b for b in bounds])
    assert 1 - inside == pytest.approx(0.05, abs=2e-4)


def test_one_look_is_the_fixed_test() -> None:
    (only,) = stages((1.0,), (0.05,))
    assert only.z == pytest.approx(1.95996, abs=1e-5)
    assert stagewise_p([only], 2.5) == pytest.approx(normal_tail(2.5))
    assert chance_above([only], 1.0, drift=1.0) == pytest.approx(0.5)


def test_p_at_the_bound_is_what_was_spent() -> None:
    looks = Looks(500)
    looked = stages(looks.shares(), looks.spent(0.05))
    for k in (1, 5, 12, 20):
        assert stagewise_p(looked[:k], looked[k - 1].z) == pytest.approx(looks.spent(0.05)[k - 1], abs=1e-6)


def test_crossing_under_a_drift_by_simulation() -> None:
    looked = stages(FIFTHS, tuple(map(spending("early", 0.05), FIFTHS)))
    rng, n_crossed = random.Random(8), 0
    for _ in range(6000):
        place = 0.0
        for stage in looked:
            place += rng.gauss(2.0 / 5, 0.2**0.5)
            if place >= stage.z * stage.share**0.5:
                n_crossed += 1
                break
            if place <= -stage.z * stage.share**0.5:
                break
    assert chance_above(looked, looked[-1].z, drift=2.0) == pytest.approx(n_crossed / 6000, abs=0.02)


def test_roots() -> None:
    assert root(lambda x: x**3 - 2, 0, 2) == pytest.approx(2 ** (1 / 3), abs=1e-6)
    assert root(lambda x: x + 1, 0, 2) == 0
    assert root(lambda x: x - 3, 0, 2) == 2
