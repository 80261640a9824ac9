"""Material in parts that it can't break out of: each part begins with a mark which none can hold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

N_MARK_DIGITS = 24


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of material under a name of ours."""

    name: str
    text: str


def mark_of(parts: Sequence[Part]) -> str:
    """A mark of 24 hex digits that no part can hold.

    It is a digest of all parts, so a text that was to hold it would have to hold a digest of itself (about 2^95
    tries), even where its writer knows how the mark is made. And the same material gives the same prompt.
    """
    digest = hashlib.sha256()
    for part in parts:
        text = part.text.encode("utf-8", "surrogatepass")
        digest.update(f"{part.name}\0{len(text)}\0".encode() + text)
    return digest.hexdigest()[:N_MARK_DIGITS]


def marked(parts: Sequence[Part], mark: str) -> str:
    """The parts one after the other, each after a line with its name and the mark; closed by one that says end."""
    lines = [f"=== {part.name} {mark}\n{part.text}" for part in parts]
    return "\n".join([*lines, f"=== end {mark}"])
