"""The order of rotary rows: `to_llama` against the formula, and against what rotation does with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stepwell.evals.finetune.gguf.rows import from_llama, to_llama

Floats = NDArray[np.float32]
heads = st.integers(1, 12)
halves = st.integers(1, 16)
seeds = st.integers(0, 2**32 - 1)


@given(heads, halves, st.integers(0, 5))
def test_the_way_back_is_the_way_back(n_heads: int, half: int, width: int) -> None:
    n_rows = n_heads * 2 * half
    rows = np.arange(n_rows * width, dtype=np.float32).reshape(n_rows, width)
    assert np.array_equal(from_llama(to_llama(rows, n_heads), n_heads), rows)
    assert np.array_equal(to_llama(from_llama(rows, n_heads), n_heads), rows)


@given(heads, halves)
def test_each_row_goes_where_the_formula_says(n_heads: int, half: int) -> None:
    size = 2 * half
    old = np.arange(n_heads * size, dtype=np.float32)[:, None]
    new = to_llama(old, n_heads)[:, 0]
    for h in range(n_heads):
        for i in range(half):
            for j in (0, 1):
                assert new[h * size + 2 * i + j] == h * size + j * half + i


@given(heads, halves, st.integers(1, 8), seeds)
def test_a_permuted_b_adds_what_a_permuted_product_does(
    n_heads: int, half: int, rank: int, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    n_rows, width, scale = n_heads * 2 * half, 7, 1.5
    w, a, b = (
        draw.standard_normal(shape).astype(np.float32)
        for shape in ((n_rows, width), (rank, width), (n_rows, rank))
    )
    merged = to_llama(w, n_heads) + scale * (to_llama(b, n_heads) @ a)
    assert np.allclose(merged, to_llama(w + scale * (b @ a), n_heads), atol=1e-4)


@given(halves, st.integers(0, 50), st.integers(0, 50), seeds)
def test_attention_is_the_same_in_both_orders(half: int, at_q: int, at_k: int, seed: int) -> None:
    q, k = np.random.default_rng(seed).standard_normal((2, 2 * half)).astype(np.float32)
    ours = _by_halves(q, at_q) @ _by_halves(k, at_k)
    theirs = _by_pairs(to_llama(q[:, None], 1)[:, 0], at_q) @ _by_pairs(to_llama(k[:, None], 1)[:, 0], at_k)
    assert np.isclose(ours, theirs, rtol=1e-3, atol=1e-3)


def test_heads_of_an_odd_size_are_refused() -> None:
    with pytest.raises(ValueError, match="9 rows are not 3 heads of an even size"):
        to_llama(np.zeros((9, 2), np.float32), 3)


def _angles(half: int, at: int) -> NDArray[np.float64]:
    return at * 1e4 ** (-np.arange(half) / half)


def _by_halves(x: Floats, at: int) -> NDArray[np.float64]:
    """Rotary embedding as transformers applies it: row i turns with row i + half."""
    half = len(x) // 2
    a = _angles(half, at)
    first, second = x[:half], x[half:]
    return np.concatenate([first * np.cos(a) - second * np.sin(a), second * np.cos(a) + first * np.sin(a)])


def _by_pairs(x: Floats, at: int) -> NDArray[np.float64]:
    """As llama.cpp applies it: row 2i turns with row 2i + 1."""
    a = _angles(len(x) // 2, at)
    turned = np.empty(len(x))
    turned[::2] = x[::2] * np.cos(a) - x[1::2] * np.sin(a)
    turned[1::2] = x[1::2] * np.cos(a) + x[::2] * np.sin(a)
    return turned
