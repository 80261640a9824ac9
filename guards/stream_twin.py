"""A channel's text as it reads: dressed-up characters plain, invisible ones gone; made only where there are any."""

from __future__ import annotations

from bisect import bisect_right

from stepwell.guards.normalise.fold import Folded
from stepwell.guards.normalise.offsets import Offsets

_MOST_RUNS = 1024


class Twin:
    """What waits in a channel, and the context before it, folded; and where in the channel each character stands.

    Places count raw characters from the start of the channel, indices those of `text`.
    """

    def __init__(self, text: str, end: int) -> None:
        """`text` ends at the place `end`, and reads as it stands."""
        self.text = text
        self._end = end
        self._offsets = Offsets([], [], [], [])

    def push(self, text: str, folded: Folded | None, place: int) -> None:
        """Take in what stands at `place`, and how it reads; None: as it stands."""
        if folded is None:
            self.text += text
            self._end += len(text)
            return
        if (new := folded.offsets) is not None:
            kept = self._offsets
            kept.at.extend(self._end + n for n in new.at)
            kept.to.extend(self._end + n for n in new.to)
            kept.raw_at.extend(place + n for n in new.raw_at)
            kept.raw_to.extend(place + n for n in new.raw_to)
        self.text += folded.text
        self._end += len(folded.text)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place of characters start..end."""
        first = self._end - len(self.text)
        return self._offsets.span(first + start, first + end)

    def index(self, place: int) -> int:
        """The index of the first character that stands at `place` or behind it."""
        kept = self._offsets
        i = bisect_right(kept.raw_at, place) - 1
        at = place
        if i >= 0:
            at = kept.at[i] if place < kept.raw_to[i] else place - kept.raw_to[i] + kept.to[i]
        return at - self._end + len(self.text)

    def drop(self, place: int, n_before: int) -> None:
        """Forget what stands before `place`, but for `n_before` characters."""
        self.text = self.text[max(0, self.index(place) - n_before) :]
        kept = self._offsets
        if len(kept.at) > _MOST_RUNS:
            # the last one before `place` stays: it tells by how much all that follows has moved
            n = max(0, bisect_right(kept.raw_to, place) - 1)
            for places in (kept.at, kept.to, kept.raw_at, kept.raw_to):
                del places[:n]
