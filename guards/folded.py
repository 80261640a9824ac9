"""Find values behind dressed-up characters and escapes: full-width digits, invisible characters, JSON's \\u0040."""

from __future__ import annotations

from collections.abc import Callable

from stepwell.base.decisions import Finding
from stepwell.guards.escaped import read
from stepwell.guards.normalise.offsets import Folded

Find = Callable[[str], list[Finding]]


def find_folded(find: Find, text: str, *, is_json: bool = False) -> list[Finding]:
    """What `find` sees in the text as it stands and as it reads, in spans of `text`, by rising start.

    Both count: an invisible character may part a value, and it may be all that parts a value from a word.
    """
    return find_read(find, text, read(text, is_json=is_json))


def find_read(find: Find, text: str, folded: Folded | None) -> list[Finding]:
    """As find_folded, of a text that was read before."""
    return find(text) if folded is None else joined(find(text), find(folded.text), folded)


def joined(raw: list[Finding], read: list[Finding], folded: Folded) -> list[Finding]:
    """Findings of a text and of its folded form, each once, in spans of the text."""
    placed = {(f.kind, f.start, f.end): f for f in raw}
    for f in read:
        start, end = folded.span(f.start, f.end)
        placed.setdefault((f.kind, start, end), Finding(f.kind, start, end, f.score, f.check))
    return sorted(placed.values(), key=lambda f: (f.start, -f.end, f.kind))
