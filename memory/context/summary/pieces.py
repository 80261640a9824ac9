"""Lines in portions that a model reads at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from stepwell.memory.context.summary.cut import n_tokens

_SEARCHED_CHARS = 200  # back from where a cut must come, for a space


def pieces(lines: Sequence[str], max_tokens: int) -> list[list[str]]:
    """Lines in order, in portions of about `max_tokens` by o200k_base; a longer line is cut between words.

    Every line is in one portion; every part of a cut one begins with its speaker.
    """
    portions: list[list[str]] = []
    left = 0
    for line in lines:
        for part, n in _parts(line, max_tokens):
            if not portions or n > left:
                portions.append([])
                left = max_tokens
            portions[-1].append(part)
            left -= n
    return portions


def _parts(line: str, max_tokens: int) -> Iterator[tuple[str, int]]:
    n = n_tokens(line)
    if n <= max_tokens:
        yield line, n
        return
    speaker, colon, _ = line.partition(": ")
    for i, part in enumerate(_cut(line, math.ceil(len(line) * max_tokens / n))):
        part = f"{speaker}{colon}{part}" if i and len(speaker) <= 40 else part
        yield part, n_tokens(part)


def _cut(text: str, n_chars: int) -> Iterator[str]:
    start = 0
    while len(text) - start > n_chars:
        end = start + n_chars
        space = text.rfind(" ", max(start + 1, end - _SEARCHED_CHARS), end)
        end = end if space < 0 else space
        yield text[start:end]
        start = end
    yield text[start:]
