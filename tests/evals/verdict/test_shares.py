"""Two shares on the same rows: exact test, score interval, odds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.verdict.shares import mcnemar, odds_ratio, score, tango

counts = st.integers(0, 60)


def test_tango_on_his_own_tables() -> None:
    # Tango 1998, table III: 44 rows, 43 only the first; and crossed over 50: 12 against 9
    assert tango(43, 0, 44) == pytest.approx((0.8185, 0.9960), abs=5e-4)
    low, high = tango(12, 9, 50)
    for bound, sign in ((low, 1), (high, -1)):
        assert score(12, 9, 50, bound)[0] * sign == pytest.approx(1.95996, abs=1e-4)


@given(counts, counts, st.integers(1, 60), st.sampled_from([0.8, 0.95, 0.999]))
def test_an_interval_mirrors_and_holds_what_was_seen(b: int, c: int, same: int, level: float) -> None:
    n = b + c + same
    low, high = tango(b, c, n, level=level)
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert tango(c, b, n, level=level) == (-high, -low)
    wider = tango(b, c, n, level=level + (1 - level) / 2)
    assert wider[0] <= low
    assert wider[1] >= high


@given(counts, counts, st.integers(0, 200))
def test_what_the_exact_test_shows_the_interval_shows(b: int, c: int, same: int) -> None:
    low, high = tango(b, c, b + c + same) if b + c + same else (-1.0, 1.0)
    if mcnemar(b, c) <= 0.05:
        assert low > 0 or high < 0


@given(counts, counts)
def test_the_exact_test_is_the_sum_of_its_chances(b: int, c: int) -> None:
    n = b + c
    p = min(1.0, 2 * sum(math.comb(n, k) for k in range(min(b, c) + 1)) / 2**n)
    assert mcnemar(b, c) == pytest.approx(p, rel=1e-9)
    assert mcnemar(b, c) == mcnemar(c, b)


def test_many_rows_take_no_big_numbers() -> None:
    assert mcnemar(50_000, 50_000) == 1.0
    assert 0 < mcnemar(49_000, 50_000) < 0.002


def test_intervals_cover_as_they_say() -> None:
    """Exactly, over all that 50 rows can be."""
    for p_a, p_b in ((0.19, 0.06), (0.12, 0.12)):
        held = 0.0
        for b in range(28):
            for c in range(28):
                rest = 50 - b - c
                ways = (
                    math.factorial(50) / math.factorial(b) / math.factorial(c) / math.factorial(max(0, rest))
                )
                chance = ways * p_a**b * p_b**c * (1 - p_a - p_b) ** rest if rest >= 0 else 0.0
                if chance < 1e-8:
                    continue
                low, high = tango(b, c, 50)
                held += chance * (low <= p_a - p_b + 1e-9 and p_a - p_b - 1e-9 <= high)
        assert 0.94 <= held <= 0.96


def test_odds_of_a_pair() -> None:
    value, low, high = odds_ratio(12, 4)
    assert value == 3
    assert 0 < low < 3 < high
    assert odds_ratio(4, 12) == pytest.approx((1 / 3, 1 / high, 1 / low))
    assert odds_ratio(5, 0)[0] == odds_ratio(5, 0)[2] == math.inf
    assert odds_ratio(0, 0)[0] == 1
