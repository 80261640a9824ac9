"""How long the words of a text are: what most steps ask first."""

from __future__ import annotations

_MAX = 255


def word_lengths(text: str) -> bytes:
    """One byte for each word between spaces; longer ones count as 255."""
    lengths = [*map(len, text.split())]
    try:
        return bytes(lengths)
    except ValueError:
        return bytes([min(n, _MAX) for n in lengths])
