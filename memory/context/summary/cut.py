"""Text of a bounded length."""

from __future__ import annotations

import re

from stepwell.base.tokens import count_text

SIZE_BY = "gpt-4o"  # o200k_base, the vocabulary by which summaries are measured
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]]*+(?=\s|$)|[。！？]++[」』”）]*+|\n")
_SPACE = re.compile(r"\s+")
_LEAST_KEPT = 0.5
_MOST_CHARS_A_TOKEN = 32  # in any text that says something; a reply of megabytes is not counted


def n_tokens(text: str) -> int:
    """Tokens by o200k_base."""
    return count_text(text, SIZE_BY)


def cut_to(text: str, max_tokens: int, model: str = SIZE_BY) -> str:
    """`text`, or its longest beginning of at most `max_tokens` of that model that ends a sentence or a line.

    Where that would lose more than half of the room (no sentence ends there), it ends with a word. "" where not even
    a word fits.
    """
    text = text[: max_tokens * _MOST_CHARS_A_TOKEN].strip()
    if count_text(text, model) <= max_tokens:
        return text
    words = [m.start() for m in _SPACE.finditer(text)]
    whole = _longest(text, [m.end() for m in _END.finditer(text)], max_tokens, model)
    by_word = _longest(text, words, max_tokens, model)
    return whole if len(whole) >= _LEAST_KEPT * len(by_word) else by_word


def _longest(text: str, ends: list[int], max_tokens: int, model: str) -> str:
    low, high = 0, len(ends)
    while low < high:  # tokens of a beginning rise with its length
        middle = (low + high) // 2
        if count_text(text[: ends[middle]].rstrip(), model) <= max_tokens:
            low = middle + 1
        else:
            high = middle
    return text[: ends[low - 1]].rstrip() if low else ""
