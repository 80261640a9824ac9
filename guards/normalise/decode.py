"""Encoded runs, each replaced by the text it holds, or that text alone."""

from __future__ import annotations

from collections.abc import Iterable

from stepwell.guards.normalise import codes, escapes, turned
from stepwell.guards.normalise.offsets import Edit, Folded, Offsets, rewrite

MIN_ALONE = 12
"""Letters that what was encoded needs to be read by itself, and characters that have to stand around it."""


def decode(text: str) -> Folded | None:
    """The text with what is encoded in its place, one layer; None where nothing is."""
    return rewrite(text, _runs(text))


def encoded_alone(text: str) -> Folded | None:
    """Only what was encoded, one layer, without the text around it; None where that is all, or hardly anything.

    A long honest text must not hide a short one that nobody reads.
    """
    offsets = Offsets([], [], [], [])
    out: list[str] = []
    n_out = n_raw = 0
    for start, end, plain in _runs(text):
        if out and offsets.raw_to[-1] != start:
            out.append("\n")
            n_out = offsets.to[-1] = n_out + 1
        out.append(plain)
        offsets.at.append(n_out)
        n_out += len(plain)
        offsets.to.append(n_out)
        offsets.raw_at.append(start)
        offsets.raw_to.append(end)
        n_raw += end - start
    hidden = "".join(out)
    is_worth = sum(map(str.isalpha, hidden)) >= MIN_ALONE and len(text) - n_raw >= MIN_ALONE
    return Folded(hidden, offsets) if is_worth else None


def _runs(text: str) -> list[Edit]:
    """Of one kind of encoding at a time: what looks like another may be a part of it."""
    for runs in (codes.runs, escapes.runs, turned.runs):
        if found := _apart(runs(text)):
            return found
    return []


def _apart(edits: Iterable[Edit]) -> list[Edit]:
    """By rising place; of those that overlap, the first."""
    out: list[Edit] = []
    for edit in sorted(edits, key=lambda e: e[0]):
        if not out or edit[0] >= out[-1][1]:
            out.append(edit)
    return out
