"""Thresholds keep what they promise."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.guards.calibrate.cut import NEVER, Promise, cut, promised, rows_wanted, tail_quantile

scores = st.lists(st.floats(0, 1), min_size=1, max_size=400)


def drawn(rng: random.Random, n: int) -> list[float]:
    """Scores with logistic log-odds, as a head gives them."""
    uniform = [rng.random() for _ in range(n)]
    return [1 / (1 + math.exp(4 - math.log(u / (1 - u)))) for u in uniform]


def rate_above(threshold: float) -> float:
    """The share of `drawn` that reaches a threshold."""
    if threshold >= 1:
        return 0.0
    return 1 / (1 + math.exp(4 + math.log(threshold / (1 - threshold))))


def test_299_rows_are_what_one_percent_takes() -> None:
    assert rows_wanted(0.01, 0.95) == 299
    assert cut(drawn(random.Random(0), 299), 0.01).rests_on == "rows"
    assert cut(drawn(random.Random(0), 298), 0.01).rests_on == "tail"


def test_200_rows_say_what_they_can_promise() -> None:
    found = cut(drawn(random.Random(1), 200), 0.01)
    assert found.n_above == 0
    assert found.confidence == pytest.approx(1 - 0.99**200)
    assert found.promised == pytest.approx(1 - 0.05 ** (1 / 200), abs=1e-5)
    assert found.rows_wanted == 299


@pytest.mark.parametrize("n", [299, 1000])
def test_a_sure_promise_is_kept_as_often_as_it_says(n: int) -> None:
    rng = random.Random(n)
    kept = [rate_above(cut(drawn(rng, n), 0.01).threshold) <= 0.01 for _ in range(400)]
    assert sum(kept) / len(kept) >= 0.93  # 95 %, less two standard errors


@pytest.mark.parametrize("n", [100, 200, 500])
def test_a_promise_of_the_mean_is_kept_on_average(n: int) -> None:
    rng = random.Random(n)
    rates = [rate_above(cut(drawn(rng, n), 0.01, promise="mean").threshold) for _ in range(300)]
    assert 0.004 <= sum(rates) / len(rates) <= 0.0105


def test_few_rows_stay_above_all_of_them() -> None:
    rng = random.Random(3)
    few = [drawn(rng, 40) for _ in range(200)]
    assert all(cut(s, 0.01).threshold > max(s) for s in few)
    rates = [rate_above(cut(s, 0.01).threshold) for s in few]
    assert sum(rates) / len(rates) <= 0.015  # above the highest alone it would be 1 / 41


@given(scores, st.sampled_from(["sure", "mean"]))
def test_a_smaller_budget_never_lowers_the_threshold(given_scores: list[float], promise: Promise) -> None:
    thresholds = [cut(given_scores, b, promise=promise).threshold for b in (0.2, 0.05, 0.01, 0.001)]
    assert thresholds == sorted(thresholds)


@given(scores)
def test_the_sample_itself_keeps_the_budget(given_scores: list[float]) -> None:
    found = cut(given_scores, 0.05)
    assert found.n_above == sum(s >= found.threshold for s in given_scores)
    assert found.n_above <= 0.05 * len(given_scores)


def test_scores_at_one_block_nothing() -> None:
    assert cut([1.0] * 50, 0.01).threshold == NEVER
    assert cut([], 0.01).threshold == NEVER


def test_a_tail_of_log_odds_is_read_on() -> None:
    rng = random.Random(7)
    falling = sorted(drawn(rng, 20_000), reverse=True)
    assert rate_above(tail_quantile(falling, 1e-4)) == pytest.approx(1e-4, rel=0.5)


def test_too_few_known_scores_have_no_tail() -> None:
    assert tail_quantile([0.9, 0.8, 0.7, *[0.0] * 97], 0.01) == 0.0


def test_what_is_promised_shrinks_with_rows() -> None:
    rates = [promised(1, n, 0.95) for n in (50, 100, 200, 400)]
    assert rates == sorted(rates, reverse=True)
    assert rates[2] < 0.015
