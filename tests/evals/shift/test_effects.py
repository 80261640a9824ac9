"""Effects: how far apart two stretches lie, and how sure that is."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.shift.discriminant import together
from stepwell.evals.shift.effects import class_shift, number_shift
from stepwell.evals.shift.energy import energy

NUMBERS = st.lists(st.floats(-100, 100, width=16), min_size=2, max_size=30).map(lambda v: np.array(v))


def test_a_known_shift_is_measured() -> None:
    rng = np.random.default_rng(0)
    shift = number_shift("x", rng.normal(size=4000), rng.normal(0.5, size=4000))
    assert shift is not None
    assert shift.d_low < 0.5 < shift.d_high
    assert shift.auc_low < 0.6382 < shift.auc_high  # Phi(0.5 / sqrt(2))
    assert shift.p < 1e-6


def test_intervals_cover_and_p_is_even_where_nothing_moved() -> None:
    rng = np.random.default_rng(1)
    shifts = [
        number_shift("x", rng.integers(0, 5, 80).astype(float), rng.integers(0, 5, 60).astype(float))
        for _ in range(600)
    ]
    found = [s for s in shifts if s is not None]
    assert np.mean([s.auc_low <= 0.5 <= s.auc_high for s in found]) == pytest.approx(0.95, abs=0.03)
    assert np.mean([s.d_low <= 0 <= s.d_high for s in found]) == pytest.approx(0.95, abs=0.03)
    assert np.mean([s.p < 0.05 for s in found]) == pytest.approx(0.05, abs=0.03)


@given(NUMBERS, NUMBERS)
def test_turning_the_sides_round_turns_the_sign(a: np.ndarray, b: np.ndarray) -> None:
    there, back = number_shift("x", a, b), number_shift("x", b, a)
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert there.auc == pytest.approx(1 - back.auc)
        assert there.effect == pytest.approx(back.effect)
        assert there.p == pytest.approx(back.p)
        assert there.d == pytest.approx(-back.d) or math.isinf(there.d)


def test_what_is_not_known_or_never_varies_is_left_out() -> None:
    some = np.array([1.0, math.nan, 1.0])
    assert number_shift("x", some, some) is None
    assert number_shift("x", np.array([math.nan, 1.0]), np.array([1.0, 2.0])) is None
    assert class_shift("c", ["", ""], ["a", "b"]) is None
    assert class_shift("c", ["a"], ["a"]) is None


def test_shares_of_classes() -> None:
    shift = class_shift("c", ["a"] * 700 + ["b"] * 300, ["a"] * 500 + ["b"] * 500)
    assert shift is not None
    assert shift.tv == pytest.approx(0.2)
    assert shift.tv_low < 0.2 < shift.tv_high
    assert shift.chance < 0.03
    assert shift.p < 0.001


def test_many_rare_classes_are_no_shift() -> None:
    rng = np.random.default_rng(2)
    draws = [[f"c{i}" for i in rng.integers(0, 100, 200)] for _ in range(2)]
    shift = class_shift("c", *draws)
    assert shift is not None
    assert shift.tv > 0.2
    assert shift.effect < 0.1
    assert shift.p > 0.01


def test_a_shift_that_no_single_feature_shows_is_found_together() -> None:
    rng = np.random.default_rng(3)
    old = rng.normal(size=(400, 6))
    new = rng.normal(size=(400, 6)) + 0.25
    shift = together(old, new)
    assert shift is not None
    assert shift.p < 1e-4
    assert shift.auc > 0.6


def test_a_discriminant_finds_nothing_where_nothing_is() -> None:
    rng = np.random.default_rng(4)
    ps = [
        s.p
        for s in (together(*rng.normal(size=(2, 60, 8)), n_shuffles=30) for _ in range(60))
        if s is not None
    ]
    assert np.mean([p < 0.1 for p in ps]) < 0.25


def test_vectors_apart_have_energy() -> None:
    rng = np.random.default_rng(5)
    old, same, new = rng.normal(size=(200, 4)), rng.normal(size=(200, 4)), rng.normal(0.6, size=(200, 4))
    apart = energy(old, new, n_permutations=199)
    assert apart.p == pytest.approx(1 / 200)
    assert apart.effect > 0.01
    assert energy(old, same, n_permutations=199).p > 0.01
