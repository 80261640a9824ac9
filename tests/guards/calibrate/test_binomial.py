"""Exact tails and intervals."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.guards.calibrate.binomial import at_least, interval


def test_a_fair_coin() -> None:
    assert at_least(2, 3, 0.5) == pytest.approx(0.5)
    assert at_least(0, 3, 0.5) == 1
    assert at_least(4, 3, 0.5) == 0


@given(st.integers(1, 60), st.floats(0.001, 0.999), st.data())
def test_is_the_sum_of_its_terms(n: int, p: float, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    terms = [math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1)]
    assert at_least(k, n, p) == pytest.approx(math.fsum(terms), abs=1e-9)


def test_many_draws_do_not_overflow() -> None:
    assert 0.4 < at_least(10_000, 1_000_000, 0.01) < 0.6


def test_interval_of_none_is_the_rule_of_three() -> None:
    low, high = interval(0, 300)
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 300), abs=1e-9)


@given(st.integers(1, 200), st.data())
def test_interval_holds_the_share_and_is_symmetric(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    low, high = interval(k, n)
    assert 0 <= low <= k / n <= high <= 1
    mirrored = interval(n - k, n)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-9)


def test_nothing_known_is_everything_possible() -> None:
    assert interval(0, 0) == (0.0, 1.0)
