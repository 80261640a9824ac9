"""A text with some of its runs replaced, and where each character came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

Edit = tuple[int, int, str]
"""Characters start..end become another text."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """Where the characters of a changed text came from: runs that changed, by rising place; all else moved along.

    Attributes:
        at, to: Where each changed run begins and ends in the new text.
        raw_at, raw_to: The same in the old one.
    """

    at: list[int]
    to: list[int]
    raw_at: list[int]
    raw_to: list[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Characters of the old text that gave start..end of the new; a run that changed counts as a whole."""
        first = self._begin(start)
        return (first, first) if end <= start else (first, self._end(end - 1))

    def _begin(self, place: int) -> int:
        i = bisect_right(self.at, place) - 1
        if i < 0:
            return place
        return self.raw_at[i] if place < self.to[i] else place - self.to[i] + self.raw_to[i]

    def _end(self, place: int) -> int:
        i = bisect_right(self.at, place) - 1
        if i < 0:
            return place + 1
        return self.raw_to[i] if place < self.to[i] else place - self.to[i] + self.raw_to[i] + 1


@dataclass(frozen=True, slots=True)
class Folded:
    """A text after one step.

    Attributes:
        text: What it is now.
        offsets: Where that came from; None: every character stayed in its place.
    """

    text: str
    offsets: Offsets | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Characters of the text before the step that gave characters start..end."""
        return (start, end) if self.offsets is None else self.offsets.span(start, end)


def rewrite(text: str, edits: Iterable[Edit]) -> Folded | None:
    """Replace runs, given by rising place and apart from one another; None where there are none."""
    offsets = Offsets([], [], [], [])
    out: list[str] = []
    seen = n_out = 0
    for start, end, new in edits:
        out += (text[seen:start], new)
        n_out += start - seen
        add(offsets, n_out, len(new), start, end)
        n_out += len(new)
        seen = end
    if not out:
        return None
    out.append(text[seen:])
    return Folded("".join(out), offsets if offsets.at else None)


def add(offsets: Offsets, at: int, n_new: int, raw_at: int, raw_to: int) -> None:
    """Note one more run behind those before."""
    if n_new == raw_to - raw_at:
        return
    offsets.at.append(at)
    offsets.to.append(at + n_new)
    offsets.raw_at.append(raw_at)
    offsets.raw_to.append(raw_to)
