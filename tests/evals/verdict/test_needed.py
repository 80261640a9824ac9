"""How many more rows are said to settle a pair."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.verdict.fixed import compare
from stepwell.evals.verdict.needed import rows_to_settle, rows_to_show, rows_to_tie
from stepwell.evals.verdict.pair import Pair


def flips(n: int, n_only_a: int, n_only_b: int, margin: float | None = 0.02) -> Pair:
    a = {str(i): float(i < n_only_a) for i in range(n)}
    b = {str(i): float(n_only_a <= i < n_only_a + n_only_b) for i in range(n)}
    return compare({"a": a, "b": b}, margin=margin)[0]


def test_a_difference_within_the_margin_leaves_only_the_rest_of_it_to_show() -> None:
    pair = flips(1000, 20, 10)
    assert pair.word == "need more"
    assert pair.n_more == pytest.approx(2142, abs=10)
    like = flips(1000, 15, 15, margin=0.01)
    assert like.n_more is not None
    assert like.n_more > 1000


def test_so_many_rows_do_settle_it() -> None:
    """Nine of ten runs of that length end tied, where the arms are as far apart as was seen; the rest with a word."""
    rng = random.Random(4)
    rows, _ = rows_to_settle(0.05, 0.4, 100, margin=0.2)
    words = []
    for _ in range(300):
        drawn = rng.choices((1, -1, 0), (0.225, 0.175, 0.6), k=rows)
        words.append(flips(rows, drawn.count(1), drawn.count(-1), 0.2).word)
    assert 0.84 <= words.count("tied") / 300 <= 0.95


@pytest.mark.parametrize("margin", [None, 0.0])
def test_without_a_margin_it_is_never_a_single_row_that_a_tie_takes(margin: float | None) -> None:
    for pair in (flips(400, 0, 0, margin), flips(5000, 5, 5, margin), flips(60, 0, 0, margin)):
        assert pair.word == "need more"
        assert pair.n_more is not None
        assert pair.n_more > pair.n_rows / 10
    assert flips(60, 0, 0, margin).shows == 0.02
    assert flips(400, 0, 0, margin).shows == 0.005  # 0.02 and 0.01 are ruled out


def test_the_exact_test_takes_its_least_rows() -> None:
    assert [flips(n, n, 0).n_more for n in range(1, 6)] == [5, 4, 3, 2, 1]
    assert flips(6, 6, 0).word == "better"
    near = {str(i): 1 - 0.01 * i for i in range(3)}
    (pair,) = compare({"a": near, "b": dict.fromkeys(near, 0.0)})
    assert (pair.word, pair.n_more) == ("need more", 3)


def test_no_number_of_rows_shows_a_difference_within_a_smaller_margin() -> None:
    with pytest.raises(ValueError, match="within the margin"):
        rows_to_tie(0.02, 0.3, difference=-0.02)
    assert rows_to_settle(0.02, 0.3, 100, margin=0.02) == (rows_to_show(0.02, 0.3), 0.02)


shares = st.floats(0, 1)


@given(shares, shares, st.integers(1, 10**6), st.none() | st.floats(0, 1))
def test_rows_are_finite(difference: float, spread: float, n: int, margin: float | None) -> None:
    square = difference**2 + max(spread, 1e-6)
    rows, shows = rows_to_settle(difference, square, n, margin=margin)
    assert rows >= 1
    assert math.isfinite(rows)
    assert 0 < shows <= 1


@given(st.floats(0, 0.5), st.floats(0.01, 1), st.floats(0.001, 0.5), st.floats(1, 4))
def test_a_wider_margin_never_takes_more(
    difference: float, spread: float, margin: float, wider: float
) -> None:
    square = difference**2 + spread
    narrow, _ = rows_to_settle(difference, square, 10, margin=margin)
    wide, _ = rows_to_settle(difference, square, 10, margin=margin * wider)
    assert wide <= narrow + 1
    more_spread, _ = rows_to_settle(difference, square + 0.1, 10, margin=margin)
    assert more_spread >= narrow - 1
