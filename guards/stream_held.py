"""Events that wait until their texts are clear."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from stepwell.base.messages import Event
from stepwell.guards.channel import Channel
from stepwell.guards.leaves import Path
from stepwell.guards.payload import rest_of, rewrite


@dataclass(slots=True)
class Piece:
    """Text that an event adds to a channel, and where it lies there.

    Attributes:
        path: Where it stands in the event's delta.
    """

    path: Path
    channel: Channel
    start: int
    end: int
    text: str


@dataclass(slots=True)
class Held:
    """An event that waits until all its pieces are clear; `number` tells when it came."""

    event: Event
    pieces: list[Piece]
    number: int = 0

    @property
    def is_clear(self) -> bool:
        for p in self.pieces:  # noqa: SIM110 - all() with a generator takes three times as long
            if p.end > p.channel.clear:
                return False
        return True

    def show(self) -> Event:
        """The event as it may be shown; the same object where nothing was cut out of it."""
        texts: dict[Path, str] = {}
        for p in self.pieces:
            if (shown := p.channel.take(p.start, p.text)) is not None:
                texts[p.path] = shown
        return rewrite(self.event, texts) if texts else self.event

    def show_front(self, hold_back_chars: int) -> Event | None:
        """Split off what is clear where more than `hold_back_chars` wait; else None: most events stay whole."""
        if len(self.pieces) != 1:
            return None
        piece = self.pieces[0]
        n = piece.channel.clear - piece.start
        if n <= 0 or piece.channel.end - piece.start <= hold_back_chars:
            return None
        front, rest = piece.text[:n], piece.text[n:]
        shown = piece.channel.take(piece.start, front)
        event = rewrite(self.event, {piece.path: front if shown is None else shown}, is_part=True)
        self.event, path = rest_of(self.event, piece.path, rest)
        self.pieces = [Piece(path, piece.channel, piece.start + n, piece.end, rest)]
        return event


@dataclass(slots=True)
class Line:
    """Events of one group of texts, in order: one field of a choice's delta, or one tool call.

    Attributes:
        name: The channel of the call's name while that may go on.
    """

    waiting: deque[Held] = field(default_factory=deque)
    name: Channel | None = None

    def release(self, out: list[Event], hold_back_chars: int) -> None:
        """Let out what is clear."""
        waiting = self.waiting
        while waiting and waiting[0].is_clear:
            out.append(waiting.popleft().show())
        if waiting and (front := waiting[0].show_front(hold_back_chars)) is not None:
            out.append(front)
