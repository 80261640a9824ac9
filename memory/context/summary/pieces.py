"""Lines in portions that a model reads at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from stepwell.base.tokens import count_text
from stepwell.memory.context.summary.cut import SIZE_BY

_SEARCHED_CHARS = 200  # back from where a cut must come, for a space
_SPEAKER_SHARE = 0.25  # most of a part that its speaker's name takes


def pieces(lines: Sequence[str], max_tokens: int, model: str = SIZE_BY) -> list[list[str]]:
    """Lines in order, in portions of at most `max_tokens` of that model; a longer line is cut between words.

    Every line is in one portion; every part of a cut one begins with its speaker. Only a single character may be
    longer than `max_tokens`.
    """
    portions: list[list[str]] = []
    left = 0
    for line in lines:
        for part, n in _parts(line, max_tokens, model):
            if not portions or n + 1 > left:  # with the line's end
                portions.append([])
                left = max_tokens + 1
            portions[-1].append(part)
            left -= n + 1
    return portions


def _parts(line: str, max_tokens: int, model: str) -> Iterator[tuple[str, int]]:
    n = count_text(line, model)
    if n <= max_tokens:
        yield line, n
        return
    speaker = _speaker(line, max_tokens, model)
    n_chars = math.ceil(len(line) * max_tokens / n)
    while True:  # some words take more tokens than others
        parts = [f"{speaker if i else ''}{part}" for i, part in enumerate(_cut(line, n_chars))]
        sizes = [count_text(part, model) for part in parts]
        if n_chars == 1 or max(sizes) <= max_tokens:
            yield from zip(parts, sizes, strict=True)
            return
        n_chars = max(1, n_chars * 4 // 5)


def _speaker(line: str, max_tokens: int, model: str) -> str:
    name, colon, _ = line.partition(": ")
    speaker = name + colon
    is_short = len(name) <= 40 and count_text(speaker, model) <= _SPEAKER_SHARE * max_tokens
    return speaker if colon and is_short else ""


def _cut(text: str, n_chars: int) -> Iterator[str]:
    start = 0
    while len(text) - start > n_chars:
        end = start + n_chars
        space = text.rfind(" ", max(start + 1, end - _SEARCHED_CHARS), end)
        end = end if space < 0 else space
        yield text[start:end]
        start = end
    yield text[start:]
