"""A channel's text as it reads: no dressed-up or invisible characters, no JSON escapes; only where there are any."""

from __future__ import annotations

from bisect import bisect_right

from stepwell.guards.escaped import n_cut_off, read
from stepwell.guards.normalise.offsets import Offsets

_MOST_RUNS = 1024


class Twin:
    """What waits in a channel, and the context before it, as it reads; and where each character stands.

    An escape that the end cuts off is not in it yet. Places count raw characters from the start of the channel,
    indices those of `text`.
    """

    def __init__(self, text: str, end: int) -> None:
        """`text` ends at the place `end`, and reads as it stands."""
        self.text = text
        self._end = end
        self._waiting = ""
        self._offsets = Offsets([], [], [], [])

    def push(self, text: str, place: int, *, is_json: bool = False) -> None:
        """Take in what stands at `place`, and goes on with what was taken in."""
        place -= len(self._waiting)
        text = self._waiting + text
        n = len(text) - n_cut_off(text) if is_json else len(text)
        self._waiting = text[n:]
        self._put(text[:n], place, is_json=is_json)

    def close(self, place: int) -> None:
        """Nothing goes on behind `place`."""
        waiting, self._waiting = self._waiting, ""
        self._put(waiting, place - len(waiting), is_json=True)

    def reads_as(self, text: str) -> bool:
        """Whether all that is left of the channel reads as it stands."""
        return self.text == text and not self._waiting

    def _put(self, text: str, place: int, *, is_json: bool) -> None:
        folded = read(text, is_json=is_json)
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
