"""Attacks with honest text around them: what a reader of the whole no longer sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zlib import crc32

from stepwell.evals.guards.rows import Row

_MIN_HONEST_CHARS = 100
_N_LONG = 8


def surrounded(rows: Sequence[Row]) -> dict[str, Callable[[str], str]]:
    """Ways to plant a text in honest prompts of a file, by name; none where it has no longer ones.

    Which prompt it is planted in depends on the text alone.
    """
    honest = [
        r.text
        for r in rows
        if not r.label
        and not r.is_lookalike
        and "document" not in r.category
        and len(r.text) >= _MIN_HONEST_CHARS
    ]
    if not honest:
        return {}

    def some(text: str, n: int = 1) -> str:
        first = crc32(text.encode("utf-8", "replace")) % len(honest)
        return "\n\n".join(honest[(first + i) % len(honest)] for i in range(n))

    return {
        "after an honest prompt": lambda text: f"{some(text)}\n\n{text}",
        "before an honest prompt": lambda text: f"{text}\n\n{some(text)}",
        "between honest prompts": lambda text: f"{some(text)}\n\n{text}\n\n{some(text[::-1])}",
        f"after {_N_LONG} honest prompts": lambda text: f"{some(text, _N_LONG)}\n\n{text}",
    }
