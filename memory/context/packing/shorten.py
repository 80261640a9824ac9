"""Cut a text to so many tokens, at the end of a sentence."""

from __future__ import annotations

import re

from stepwell.base.tokens import count_text

_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")


def shorten(text: str, n_tokens: int, model: str) -> str:
    """As many whole sentences or lines from its beginning as `n_tokens` hold; "" where not even one fits."""
    text = text.strip()
    if count_text(text, model) <= n_tokens:
        return text
    ends = [match.start() for match in _END.finditer(text)]
    low, high = 0, len(ends)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        if count_text(text[: ends[middle - 1]], model) <= n_tokens:
            low = middle
        else:
            high = middle - 1
    return text[: ends[low - 1]].strip() if low else ""
