"""A value that stands on the seam of two text parts: models read the parts of a message as one text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from stepwell.base.decisions import Finding
from stepwell.guards.elsewhere import Cut
from stepwell.guards.leaves import Path
from stepwell.guards.spans import Masking, Span, Writer, cut_out, join
from stepwell.guards.texts import Place

PART_STEPS = 5
"""Of the path messages.0.content.0.text."""


class Seamed:
    """The text parts of one message behind one another.

    Attributes:
        place: The message's content, as one text.
    """

    __slots__ = ("_parts", "_starts", "place")

    def __init__(self, parts: Sequence[Place]) -> None:
        first = parts[0]
        self._parts = parts
        self._starts = [0, *accumulate(len(p.text) for p in parts)]
        self.place = Place(first.path[:3], "".join(p.text for p in parts), first.role, first.stage)

    def crosses(self, f: Finding) -> bool:
        """Whether a finding in the whole text stands in more than one part."""
        return f.end > self._starts[bisect_right(self._starts, f.start)] if f.end > f.start else False

    def edits(
        self, cuts: Sequence[Cut], cuts_of: Mapping[Path, Sequence[Cut]], masking: Masking | None
    ) -> Iterator[tuple[Path, str]]:
        """The parts as they come to be: what crosses a seam is replaced in its first part, and gone from the others.

        Args:
            cuts: Those that cross a seam.
            cuts_of: All others, by the part's path and in its characters.
        """
        spans = self._spans(cuts, cuts_of)
        starts, ends = [span.start for span in spans], [span.end for span in spans]
        for part, at in zip(self._parts, self._starts, strict=False):
            end = at + len(part.text)
            gone, own = 0, []
            for n in range(bisect_right(ends, at), bisect_left(starts, end)):
                span = spans[n]
                if span.start < at:
                    gone = min(span.end, end) - at
                else:
                    raw = self.place.text[span.start : span.end] if span.end > end else ""
                    stop = min(span.end, end) - at - gone
                    own.append(Span(span.start - at - gone, stop, span.kind, span.is_masked, raw))
            if gone or own:
                yield part.path, cut_out(part.text[gone:], own, Writer(masking=masking))

    def as_one(self, text: str) -> dict[Path, str | None]:
        """The parts where another text stands in place of theirs: in the first of them."""
        first, *others = self._parts
        return {first.path: text, **{part.path: "" for part in others}}

    def _spans(self, cuts: Sequence[Cut], cuts_of: Mapping[Path, Sequence[Cut]]) -> list[Span]:
        every = list(cuts)
        for part, at in zip(self._parts, self._starts, strict=False):
            every += [
                (Finding(f.kind, f.start + at, f.end + at, f.score, f.check), is_masked)
                for f, is_masked in cuts_of.get(part.path, ())
            ]
        masked = [f for f, is_masked in every if is_masked]
        return join([f for f, is_masked in every if not is_masked], masked=masked)


def seamed(places: Sequence[Place]) -> list[Seamed]:
    """The messages that have several text parts."""
    by_message: dict[str | int, list[Place]] = {}
    for place in places:
        path = place.path
        if len(path) == PART_STEPS and path[0] == "messages" and path[2] == "content" and path[4] == "text":
            by_message.setdefault(path[1], []).append(place)
    return [Seamed(parts) for parts in by_message.values() if len(parts) > 1]
