"""What the heads of a learned policy compute."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.router.learned.grove import Grove
from stepwell.router.learned.heads import Kinds, Mix, Near, Scale, Trees, Words
from stepwell.router.learned.inputs import N_WORD_BUCKETS, buckets
from stepwell.router.learned.model import Curves
from stepwell.router.learned.novelty import Ground, Novelty, nearest_of

RNG = np.random.default_rng(3)


def f32(*values: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(values, dtype=np.float32)


def test_traits_are_scaled_and_clipped() -> None:
    scaled = Scale(f32(1, 0), f32(2, 1)).of(f32([5, 100], [1, -100]))
    assert scaled.tolist() == [[2, 5], [0, -5]]


def test_kinds_share_out_one_and_weigh_their_gains() -> None:
    head = Kinds(f32([10, -10]), f32(0, 0), f32([0.2, -0.2], [0.0, 0.4]))
    assert head.shares(f32([0.3], [0])).sum(axis=1) == pytest.approx([1, 1])
    assert head.predict(f32([5], [-5], [0])) == pytest.approx(f32([0.2, -0.2], [0, 0.4], [0.1, 0.1]))


def test_a_near_ask_speaks_louder_than_a_far_one() -> None:
    head = Near(f32([1, 0], [0, 1]), 0.5)
    assert head.predict(f32([0, 1])) == pytest.approx(f32([1, np.exp(-1)]))


def test_words_count_by_rarity_and_unknown_ones_not_at_all() -> None:
    weights, rarity = np.zeros((N_WORD_BUCKETS, 2), np.float32), np.zeros(N_WORD_BUCKETS, np.float32)
    weights[7], rarity[7] = [0.5, -0.5], 2
    head = Words(weights, rarity, f32(0.1, 0.1))
    assert head.predict([np.array([7]), np.array([3]), np.zeros(0, np.intp)]) == pytest.approx(
        f32([0.35, -0.15], [0.1, 0.1], [0.1, 0.1])
    )


def test_a_forest_walks_to_its_leaves() -> None:
    # two trees: a leaf alone, and one cut of trait 1 at .5
    forest = Trees(
        np.array([0, 1]),
        np.array([0, 1, 0, 0]),
        f32(np.inf, 0.5, np.inf, np.inf),
        np.array([0, 0, 2, 3, 2, 2, 3, 3]),
        f32([1, 0], [9, 9], [0, 0], [0, 2]),
        1,
    )
    assert forest.predict(f32([0, 0.5], [0, 0.6])).tolist() == [[0.5, 0], [0.5, 1]]


def grown(n_trees: int, n_traits: int, depth: int) -> Trees:
    """Full trees of made cuts and values."""
    n = 2**depth - 1
    inner = np.arange(2 ** (depth - 1) - 1)
    is_leaf = np.arange(n) >= len(inner)
    left = np.where(is_leaf, np.arange(n), 2 * np.arange(n) + 1)
    children = np.column_stack([left, np.where(is_leaf, left, left + 1)])
    starts = n * np.arange(n_trees)
    return Trees(
        starts,
        RNG.integers(0, n_traits, n * n_trees),
        np.where(np.tile(is_leaf, n_trees), np.inf, RNG.normal(size=n * n_trees)).astype(np.float32),
        (children[None] + starts[:, None, None]).ravel(),
        RNG.normal(size=(n * n_trees, 3)).astype(np.float32),
        depth - 1,
    )


def test_forests_walked_at_once_say_the_same() -> None:
    low, high = grown(5, 4, 3), grown(7, 6, 5)
    rows = RNG.normal(size=(20, 10)).astype(np.float32)
    by_low, by_high = Grove.of([(low, 0), (high, 4)]).predict(rows)
    assert by_low == pytest.approx(low.predict(rows[:, :4]), abs=1e-6)
    assert by_high == pytest.approx(high.predict(rows[:, 4:]), abs=1e-6)


def test_level_and_contrast_are_mixed_apart() -> None:
    mix = Mix(f32(1, 0), f32(0, 2))
    assert mix.of([f32([0.4, 0.2]), f32([0.1, -0.1])]) == pytest.approx(f32([0.5, 0.1]))


@given(st.lists(st.text(max_size=8), max_size=20))
def test_buckets_rise_are_few_and_do_not_depend_on_order(words: list[str]) -> None:
    found = buckets(words)
    assert found.tolist() == buckets(words[::-1]).tolist() == sorted(set(found.tolist()))
    assert all(0 <= bucket < N_WORD_BUCKETS for bucket in found.tolist())
    assert len(found) <= len(set(words))


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_curves_rise_and_stay_probabilities(a: float, b: float) -> None:
    curves = Curves(f32([-0.5, 0, 0.4, 1.5]), f32([0, 0.1, 0.5, 1]))
    low, high = curves.of(f32([min(a, b)], [max(a, b)]))[:, 0].tolist()
    assert 0 <= low <= high <= 1
    assert low == pytest.approx(float(np.interp(min(a, b), curves.x[0], curves.y[0])), abs=1e-5)


def test_the_nearest_come_first() -> None:
    squared = RNG.random((4, 50)).astype(np.float32)
    places, far = nearest_of(squared)
    assert (places == np.argsort(squared, axis=1)[:, :10]).all()
    assert far == pytest.approx(np.sort(squared, axis=1)[:, :10].mean(axis=1))
    assert nearest_of(squared[:, :3])[0].shape == (4, 3)


@given(st.lists(st.floats(-40, 40), min_size=1, max_size=6))
def test_trust_falls_with_the_odds_of_being_new(odds: list[float]) -> None:
    ground = Ground(np.zeros((2, 1), np.float32), 1.0, f32([1], [0]), f32(1), np.array([0]))
    novelty = Novelty(ground, f32(1, 0, 0, 0, 0), 0.0, np.linspace(-5, 2, 201, dtype=np.float32))
    trust, rank = novelty.trust(f32(*sorted(odds))), novelty.rank(f32(*sorted(odds)))
    assert (np.diff(trust) <= 0).all()
    assert (np.diff(rank) >= 0).all()
    assert novelty.trust(f32(-1, 0, 40)).tolist() == [1, 1, 0]
