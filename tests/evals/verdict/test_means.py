"""Intervals and tests against published values, and by simulation."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.verdict.evidence import weigh
from stepwell.evals.verdict.means import mean_interval
from stepwell.evals.verdict.needed import rows_to_show
from stepwell.evals.verdict.several import holm
from stepwell.evals.verdict.shares import mcnemar, wilson
from stepwell.evals.verdict.student import t_quantile, t_tail


@pytest.mark.parametrize(
    ("df", "t"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980)],
)
def test_the_t_table(df: int, t: float) -> None:
    assert t_quantile(0.95, df) == pytest.approx(t, abs=6e-4)
    assert t_tail(t, df) == pytest.approx(0.05, abs=5e-5)


def test_large_degrees_of_freedom_meet_the_normal() -> None:
    assert t_tail(1.95996, 2000) == pytest.approx(t_tail(1.95996, 2001), abs=2e-4)


def test_wilson_by_hand() -> None:
    # Newcombe 1998, table I: 81 of 263 and 0 of 20
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=60))
def test_an_interval_holds_its_mean(values: list[float]) -> None:
    low, high = mean_interval(values)
    assert 0 <= low <= sum(values) / len(values) + 1e-12
    assert sum(values) / len(values) - 1e-12 <= high <= 1
    assert low < high


@pytest.mark.parametrize(
    ("n_only_a", "n_only_b", "p"), [(0, 0, 1), (5, 5, 1), (0, 6, 2 / 64), (1, 9, 22 / 1024), (1880, 557, 0)]
)
def test_mcnemar_by_hand(n_only_a: int, n_only_b: int, p: float) -> None:
    assert mcnemar(n_only_a, n_only_b) == pytest.approx(p, abs=1e-12)
    assert mcnemar(n_only_b, n_only_a) == mcnemar(n_only_a, n_only_b)


def test_tiers_that_are_the_same_seldom_look_different() -> None:
    rng = random.Random(7)
    graded = (0.0, 0.25, 0.5, 0.75, 1.0)
    for levels in ((0.0, 1.0), graded):
        n_found = sum(
            weigh([rng.choice(levels) - rng.choice(levels) for _ in range(60)]).p < 0.05 for _ in range(800)
        )
        assert n_found <= 0.07 * 800


def test_rows_needed_agree_with_the_notes_on_paired_tiers() -> None:
    # GPT-4 against Mixtral on 9,762 MMLU rows: 1,880 only one is right, 557 only the other; about 132 rows
    assert rows_to_show(1323 / 9762, 2437 / 9762) == pytest.approx(137, abs=8)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
