"""The order of the rotary rows: transformers keeps a head's two halves apart, llama.cpp pairs them side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepwell.evals.finetune.gguf.arrays import Floats


def to_llama(rows: Floats, n_heads: int) -> Floats:
    """Rows of a q or k projection, from transformers' order into llama.cpp's.

    Within a head of D rows, row 2i + j was row j * D/2 + i (j in 0, 1).

    Args:
        rows: Shape (n_heads * D, any), D even.
        n_heads: Query heads for q, key/value heads for k.
    """
    return _turned(rows, n_heads, halves_first=True)


def from_llama(rows: Floats, n_heads: int) -> Floats:
    """The way back of `to_llama`."""
    return _turned(rows, n_heads, halves_first=False)


def _turned(rows: Floats, n_heads: int, *, halves_first: bool) -> Floats:
    n_rows, rest = rows.shape[0], rows.shape[1:]
    half, left = divmod(n_rows, 2 * n_heads)
    if left:
        raise ValueError(f"{n_rows} rows are not {n_heads} heads of an even size")
    pair = (2, half) if halves_first else (half, 2)
    return rows.reshape(n_heads, *pair, *rest).swapaxes(1, 2).reshape(rows.shape)
