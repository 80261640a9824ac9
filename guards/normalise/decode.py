"""Encoded runs, each replaced by the text it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stepwell.guards.normalise import codes, escapes, turned
from stepwell.guards.normalise.offsets import Edit, Folded, rewrite


def decode(text: str) -> Folded | None:
    """The text with what is encoded in its place, one layer; None where nothing is."""
    if (done := rewrite(text, _apart(codes.runs(text)))) is not None:
        return done
    if (done := rewrite(text, _apart(escapes.runs(text)))) is not None:
        return done
    return rewrite(text, _apart(turned.runs(text)))


def _apart(edits: Iterable[Edit]) -> Iterator[Edit]:
    """By rising place; of those that overlap, the first given counts, for its start."""
    seen = 0
    for edit in sorted(edits, key=lambda e: e[0]):
        if edit[0] >= seen:
            yield edit
            seen = edit[1]
