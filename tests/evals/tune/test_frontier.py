"""The frontier against what is known of it: hulls, shares, bands, and the router's own rule."""

import json

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stepwell.base.errors import BadRequest
from stepwell.evals.tune import measures, sweep
from stepwell.evals.tune.frontier import Floor, Frontier, frontier
from stepwell.router.choose import Look, best_by_price
from stepwell.router.tierinfo import TierInfo

Floats = NDArray[np.float64]
TIERS = ("small", "middle", "large")


def made(
    n: int = 400, k: int = 3, seed: int = 0, noise: float = 0.2
) -> tuple[Floats, Floats, Floats, Floats]:
    """Scores that dear tiers win on hard questions, costs that grow with the tier, and a noisy guess of p_ok."""
    random = np.random.default_rng(seed)
    hard = random.random(n)
    p = np.clip(1.1 - hard[:, None] * np.linspace(1.1, 0.3, k), 0, 1)
    scores = (random.random((n, k)) < p).astype(float)
    costs = np.geomspace(1e-4, 1e-2, k) * (0.5 + random.random((n, 1)))
    p_ok = np.clip(p + noise * random.normal(size=(n, k)), 0, 1)
    return scores, costs, p_ok, 100 + 900 * random.random(n)


def drawn(n: int = 400, noise: float = 0.2) -> Frontier:
    scores, costs, p_ok, n_chars = made(n=n, noise=noise)
    return frontier(TIERS[: scores.shape[1]], scores, costs, p_ok, n_chars=n_chars, n_resamples=100)


def a_tier(name: str) -> TierInfo:
    return TierInfo(name, (), 0.5, None, None, frozenset(), None, None, None, None, is_local=False)


def test_singles_are_the_means() -> None:
    scores, costs, p_ok, _ = made()
    made_of = frontier(TIERS, scores, costs, p_ok, n_resamples=50)
    for j, point in enumerate(made_of.singles):
        assert point.cost_usd == pytest.approx(costs[:, j].mean())
        assert point.quality == pytest.approx(scores[:, j].mean())
        assert point.shares == tuple(float(i == j) for i in range(3))
    assert made_of.curve("length") is None


def test_every_point_is_sound() -> None:
    found = drawn()
    assert [c.name for c in found.curves] == ["router", "mix", "length", "oracle"]
    for curve in found.curves:
        costs = [p.cost_usd for p in curve.points]
        assert costs == sorted(costs)
        for p in curve.points:
            assert p.low <= p.quality <= p.high
            assert sum(p.shares) == pytest.approx(1)


def test_the_mix_lies_on_the_hull_of_single_tiers() -> None:
    scores, costs, p_ok, _ = made()
    mix = frontier(TIERS, scores, costs, p_ok, n_resamples=50).curve("mix")
    assert mix is not None
    xs, ys = measures.hull(*measures.zero_router(costs, scores))
    for p in mix.points:
        assert p.quality == pytest.approx(np.interp(p.cost_usd, xs, ys))


def test_a_router_that_knows_beats_the_mix_and_says_so() -> None:
    router = drawn(noise=0.0, n=1500).curve("router")
    assert router is not None
    middle = router.points[len(router.points) // 2]
    assert middle.over_mix is not None
    assert middle.over_mix[1] > 0


def test_a_router_that_guesses_claims_nothing() -> None:
    scores, costs, _, _ = made(n=1500)
    p_ok = np.random.default_rng(5).random(scores.shape)
    router = frontier(TIERS, scores, costs, p_ok, n_resamples=200).curve("router")
    assert router is not None
    assert all(p.over_mix is not None and p.over_mix[1] <= 1e-9 for p in router.points)


def test_the_oracle_is_never_under_another_curve() -> None:
    found = drawn()
    oracle = found.curve("oracle")
    assert oracle is not None
    xs, ys = measures.hull(
        np.array([p.cost_usd for p in oracle.points]), np.array([p.quality for p in oracle.points])
    )
    for curve in found.curves:
        for p in curve.points:
            assert p.quality <= np.interp(p.cost_usd, xs, ys) + 1e-6


def test_length_sends_the_longest_to_the_dearest() -> None:
    n = 200
    scores = np.column_stack([np.zeros(n), np.arange(n) >= n // 2]).astype(float)
    costs = np.tile([0.0, 1.0], (n, 1))
    length = frontier(
        ("a", "b"), scores, costs, scores, n_chars=np.arange(n, dtype=float), n_resamples=20
    ).curve("length")
    assert length is not None
    half = min(length.points, key=lambda p: abs(p.cost_usd - 0.5))
    assert half.quality == pytest.approx(half.cost_usd, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(
    p_ok=st.lists(st.floats(0, 1), min_size=2, max_size=5),
    price=st.floats(0, 10),
    seed=st.integers(0, 1000),
)
def test_chooses_as_the_router_does(p_ok: list[float], price: float, seed: int) -> None:
    costs = np.sort(np.random.default_rng(seed).random(len(p_ok)) + 0.01)
    looks = [
        Look(a_tier(f"t{i}"), p, float(c), None) for i, (p, c) in enumerate(zip(p_ok, costs, strict=True))
    ]
    counted = sweep.shares_of_dearest(costs[None, :])
    assert sweep.chosen(np.array([p_ok]), counted, price)[0] == best_by_price(looks, price, float(costs[-1]))


@settings(max_examples=25, deadline=None)
@given(n=st.integers(2, 40), k=st.integers(1, 4), seed=st.integers(0, 10_000))
def test_the_sweep_ends_at_the_cheapest(n: int, k: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    p_ok, cost = random.random((n, k)), np.sort(random.random((n, k)), axis=1)
    counted = sweep.shares_of_dearest(cost)
    found = sweep.prices(p_ok, counted)
    assert found[0] == 0
    assert np.all(np.diff(found) > 0)
    assert np.all(sweep.chosen(p_ok, counted, 0.0) == p_ok.argmax(axis=1))
    assert np.all(sweep.chosen(p_ok, counted, float(found[-1])) == 0)


def test_bands_shrink_with_rows() -> None:
    few, many = drawn(n=100).singles[1], drawn(n=1600).singles[1]
    assert (many.high - many.low) < 0.5 * (few.high - few.low)


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert msgspec.json.encode(drawn()) == msgspec.json.encode(drawn())


def test_goes_to_json_and_back() -> None:
    found = drawn()
    raw = msgspec.json.encode(found)
    assert json.loads(raw)["n_rows"] == 400
    assert msgspec.json.decode(raw, type=Frontier) == found


def test_finds_the_floor_asked_for() -> None:
    scores, costs, p_ok, _ = made()
    floors = [Floor(q, True, "router", 0.1, 0.8, q, 1e-3, (0.5, 0.2, 0.3), 0.4) for q in (0.95, 0.9, 0.85)]
    found = frontier(TIERS, scores, costs, p_ok, floors=floors, n_resamples=20)
    assert [f.q for f in found.floors] == [0.85, 0.9, 0.95]
    assert found.at(0.9).q == 0.9
    assert found.at(0.91).q == 0.95
    with pytest.raises(BadRequest, match=r"0\.97"):
        found.at(0.97)


def test_refuses_what_is_not_known_of_every_tier() -> None:
    scores, costs, p_ok, _ = made()
    scores[3, 1] = np.nan
    with pytest.raises(BadRequest, match="Every tier"):
        frontier(TIERS, scores, costs, p_ok)
    with pytest.raises(BadRequest, match="one column for each of small, middle"):
        frontier(TIERS[:2], scores, costs, p_ok)
