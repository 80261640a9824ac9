"""Where a long text is cut so that a head reads it piece by piece."""

from __future__ import annotations

import re

N_WINDOW_CHARS = 1_000
N_WHOLE_CHARS = 4_000
"""Longer texts are read by their ends as a whole, and by windows."""
_N_HEAD_CHARS, _N_TAIL_CHARS = 2_500, 1_500
_MIN_SENTENCE_CHARS, _MAX_SENTENCE_CHARS = 12, 400
# what ends a sentence; the marks of CJK, Arabic and Indic scripts too
_SENTENCE_END = r"[.!?…]+[\"')\]]*(?=\s|$)|[。！？।؟]+"
# a line, a table cell, an element of markup, a value: it ends whatever is in it, however short
_HARD_END = r"\n+|\s\|\s|<[^<>\n]{1,80}>|\"[,}\]]"
_END = re.compile(rf"(?:{_SENTENCE_END})|(?P<hard>{_HARD_END})")


def ends(text: str) -> str:
    """The text, or its beginning and end where it is longer than N_WHOLE_CHARS."""
    if len(text) <= N_WHOLE_CHARS:
        return text
    return f"{text[:_N_HEAD_CHARS]} {text[-_N_TAIL_CHARS:]}"


def windows(text: str, n_chars: int = N_WINDOW_CHARS) -> list[list[tuple[int, int]]]:
    """Two rows of spans of `n_chars`, the second half a window on; each row covers the text, without overlaps."""
    whole, half = (0, len(text)), n_chars // 2
    if len(text) <= n_chars:
        return [[whole]]
    starts = [[0, *range(first, len(text), n_chars)] for first in (n_chars, half)]
    return [list(zip(row, [*row[1:], len(text)], strict=True)) for row in starts]


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans of sentences, lines and cells by rising start; together they cover the text.

    A sentence that is too short goes with what follows it, what is too long is cut at a space.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if match["hard"] or match.end() - start >= _MIN_SENTENCE_CHARS:
            spans += _cut(text, start, match.end())
            start = match.end()
    if start < len(text):
        spans += _cut(text, start, len(text))
    return spans


def _cut(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    while end - start > _MAX_SENTENCE_CHARS:
        space = text.rfind(" ", start + _MAX_SENTENCE_CHARS // 2, start + _MAX_SENTENCE_CHARS)
        middle = space + 1 if space >= 0 else start + _MAX_SENTENCE_CHARS
        spans.append((start, middle))
        start = middle
    spans.append((start, end))
    return spans
