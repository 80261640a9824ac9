"""The promise: kept where it is given, and refused where labels can't carry it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.mixing import mix_at, mixes
from stepwell.evals.tune.promise import keep_promise, kept_at_least
from stepwell.evals.tune.wording import floor_of, verdict_of

Floats = NDArray[np.float64]


class World(NamedTuple):
    """Questions whose difficulty a router sees with some noise."""

    p_ok: Floats
    cost: Floats
    scores: Floats


def world(n: int, seed: int, *, noise: float = 0.2, abilities: tuple[float, ...] = (0.55, 0.95)) -> World:
    random = np.random.default_rng(seed)
    hard = random.random(n)[:, None]
    true = np.clip(1.3 * np.array(abilities) - hard * np.array([0.7, 0.2, 0.1])[: len(abilities)], 0, 1)
    scores = (random.random(true.shape) < true).astype(np.float64)
    seen = np.clip(hard + noise * random.normal(size=hard.shape), 0, 1)
    p_ok = np.clip(1.3 * np.array(abilities) - seen * np.array([0.7, 0.2, 0.1])[: len(abilities)], 0, 1)
    cost = np.tile(np.array([0.1, 1.0, 3.0])[: len(abilities)], (n, 1)) * 1e-3
    return World(p_ok, cost, scores)


def test_a_good_ranking_keeps_the_promise_cheaper_than_a_mix() -> None:
    made = keep_promise(*world(1000, 0), min_quality=0.9)
    assert made.by == "router"
    assert made.price is not None
    assert made.cost_usd < made.mix_cost_usd < made.premium_cost_usd
    assert 0.9 <= made.kept_low <= made.kept
    assert sum(made.shares) == pytest.approx(1)
    assert made.n_labels_needed is None


def test_it_breaks_in_at_most_a_twentieth() -> None:
    p_ok, cost, scores = world(40_000, 99)
    share = cost / cost.max(axis=1, keepdims=True)
    broken, by = [], []
    for seed in range(100):
        made = keep_promise(*world(400, seed), min_quality=0.9)
        by.append(made.by)
        chosen = np.argmax(p_ok - (made.price or 0) * share, axis=1)
        routed = scores[np.arange(len(chosen)), chosen]
        if made.by != "router":
            routed = scores @ np.array(made.shares)
        broken.append(routed.mean() < 0.9 * scores[:, -1].mean())
    assert np.mean(broken) <= 0.09  # 100 draws at .05: sd .022
    assert by.count("router") > 50


def test_few_labels_promise_nothing_cheaper() -> None:
    made = keep_promise(*world(50, 1))
    assert (made.by, made.holds, made.shares) == ("premium", False, (0.0, 1.0))
    assert made.n_labels_needed is not None
    assert made.n_labels_needed >= 200


def test_shuffled_labels_fall_back_to_a_mix() -> None:
    by = []
    for seed in range(12):
        p_ok, cost, scores = world(800, seed)
        made = keep_promise(p_ok, cost, np.random.default_rng(seed).permutation(scores), min_quality=0.9)
        by.append(made.by)
        if made.by == "mix":
            assert made.shares == made.mix
            assert made.n_labels_needed is not None
            assert made.n_labels_needed > 800
            assert made.kept_low >= 0.9
    assert by.count("router") <= 1


def test_a_cheap_tier_that_is_as_good_serves_alone() -> None:
    scores = np.tile((np.random.default_rng(2).random(500) < 0.8)[:, None].astype(float), (1, 2))
    made = keep_promise(np.full((500, 2), 0.8), np.tile([0.1, 1.0], (500, 1)), scores)
    assert (made.by, made.mix) == ("mix", (1.0, 0.0))
    assert made.saved == pytest.approx(0.9)
    assert "small alone" in verdict_of(made, ["small", "large"]).headline


def test_three_tiers() -> None:
    made = keep_promise(*world(1500, 4, abilities=(0.45, 0.7, 0.95)), min_quality=0.85)
    assert made.by == "router"
    assert len(made.shares) == len(made.mix) == 3
    assert made.cost_usd < made.mix_cost_usd


def test_rows_without_every_score_are_left_out() -> None:
    p_ok, cost, scores = world(600, 5)
    scores[::3, 0] = np.nan
    assert keep_promise(p_ok, cost, scores).n_labels == 400
    with pytest.raises(BadRequest, match="every tier"):
        keep_promise(p_ok, cost, np.full_like(scores, np.nan))


@pytest.mark.parametrize(("q", "confidence"), [(0, 0.95), (1.2, 0.95), (0.9, 1.0), (0.9, 0.2)])
def test_what_can_not_be_asked(q: float, confidence: float) -> None:
    with pytest.raises(BadRequest):
        keep_promise(*world(50, 0), min_quality=q, confidence=confidence)


def test_more_confidence_costs_more() -> None:
    made = world(1000, 7)
    sure, surer = (keep_promise(*made, min_quality=0.9, confidence=c) for c in (0.9, 0.999))
    assert sure.cost_usd < surer.cost_usd


def test_the_bound_of_a_share_is_where_the_test_turns() -> None:
    random = np.random.default_rng(0)
    premium = (random.random(900) < 0.8).astype(float)
    routed = premium * (random.random(900) < 0.97)
    low = kept_at_least(routed, premium)
    assert 0.94 < low < routed.mean() / premium.mean()
    assert 0.99 < kept_at_least(premium, premium) <= 1


def test_mixes_walk_the_hull_from_premium_down() -> None:
    cost = np.tile([1.0, 2.0, 10.0], (10, 1))
    scores = np.tile([0.5, 0.4, 0.9], (10, 1))  # the middle tier is worse than a mix of the others
    walked = list(mixes(cost, scores, n_steps=4))
    assert walked[0] == (0, 0, 1)
    assert walked[-1] == (1, 0, 0)
    assert all(m[1] == 0 and sum(m) == pytest.approx(1) for m in walked)
    assert mix_at(5.5, cost, scores) == pytest.approx((0.5, 0, 0.5))
    assert mix_at(99, cost, scores) == (0, 0, 1)


def test_mixes_reach_a_better_cheaper_tier_than_premium() -> None:
    walked = list(mixes(np.tile([1.0, 10.0], (5, 1)), np.tile([0.9, 0.8], (5, 1)), n_steps=2))
    assert walked == [(0, 1), (0.5, 0.5), (1, 0)]


@pytest.mark.parametrize(
    ("n", "q", "says"),
    [
        (1000, 0.9, "learned router keeps 90%"),
        (50, 0.9, "50 labels are too few"),
        (50, 0.99, "every request goes to large"),
    ],
)
def test_the_verdict_is_in_plain_words(n: int, q: float, says: str) -> None:
    made = keep_promise(*world(n, 0), min_quality=q)
    verdict = verdict_of(made, ["small", "large"])
    assert says in verdict.headline
    assert verdict.by == floor_of(made).by == made.by
    assert floor_of(made).shares == made.shares
    assert any("labels would settle" in said for said in verdict.said) == (made.n_labels_needed is not None)
