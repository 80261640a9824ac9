"""Guard one streamed answer: events go in, events that are safe to show come out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from stepwell.base.decisions import Verdict
from stepwell.base.messages import ChunkChoice, Event
from stepwell.guards.channel import Channel
from stepwell.guards.payload import Slot, one_choice_each, rewrite
from stepwell.guards.plan import Plan
from stepwell.guards.tally import Tally


@dataclass(slots=True)
class Piece:
    """Text that an event adds to a channel, and where it lies there."""

    slot: Slot
    channel: Channel
    start: int
    end: int
    text: str


@dataclass(slots=True)
class Held:
    """An event that waits until all its pieces are clear."""

    event: Event
    pieces: list[Piece]

    @property
    def is_clear(self) -> bool:
        for p in self.pieces:  # noqa: SIM110 - all() with a generator takes three times as long
            if p.end > p.channel.clear:
                return False
        return True

    def show(self) -> Event:
        """The event as it may be shown; the same object where nothing was cut out of it."""
        texts: dict[Slot, str] = {}
        for p in self.pieces:
            if (shown := p.channel.take(p.start, p.text)) is not None:
                texts[p.slot] = shown
        return rewrite(self.event, texts) if texts else self.event

    def show_front(self, hold_back_chars: int) -> Event | None:
        """Split off what is clear where more than `hold_back_chars` wait; else None: most events stay whole."""
        if len(self.pieces) != 1:
            return None
        piece = self.pieces[0]
        n = piece.channel.clear - piece.start
        if n <= 0 or piece.channel.end - piece.start <= hold_back_chars:
            return None
        front, piece.text = piece.text[:n], piece.text[n:]
        shown = piece.channel.take(piece.start, front)
        piece.start += n
        event = rewrite(self.event, {piece.slot: front if shown is None else shown}, is_part=True)
        self.event = rewrite(self.event, {piece.slot: piece.text})
        return event


class GuardStream:
    """Holds back what may be part of a value until that is decided; one per streamed answer, not shared.

    What comes out, joined per channel, equals redacting the whole text. Events that nothing is cut out of keep
    their bytes. Each choice keeps the order of its events; choices do not wait for one another. `verdict` tells what
    was found so far.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._tally = Tally("output")
        self.verdict: Verdict = self._tally.verdict
        self._queues: dict[int, deque[Held]] = {}
        self._channels: dict[tuple[int, Slot], Channel] = {}

    @property
    def is_blocking(self) -> bool:
        """Whether `feed` runs foreign code: call it off the event loop then."""
        return self._plan.is_blocking

    def feed(self, events: list[Event]) -> list[Event]:
        """Take events in, give out those that are safe now.

        Raises:
            GuardBlocked: A finding blocks, or a check failed that is closed on errors. What is held is lost.
        """
        try:
            return self._feed(events)
        finally:
            self.verdict = self._tally.verdict

    def _feed(self, events: list[Event]) -> list[Event]:
        out: list[Event] = []
        for event in events:
            choices = event.chunk.choices
            if len(choices) == 1:
                self._feed_one(event, choices[0], out)
            elif choices:
                for one in one_choice_each(event):
                    self._feed_one(one, one.chunk.choices[0], out)
            else:
                if event.chunk.usage is not None or event.chunk.error is not None:
                    out += self._finish()
                out.append(event)
        return out

    def finish(self) -> list[Event]:
        """The answer has ended: give out the rest. Raises as `feed` does."""
        try:
            return self._finish()
        finally:
            self.verdict = self._tally.verdict

    def _finish(self) -> list[Event]:
        out: list[Event] = []
        for index, queue in list(self._queues.items()):
            self._close(index)
            self._release(queue, out)
        return out

    def _feed_one(self, event: Event, choice: ChunkChoice, out: list[Event]) -> None:
        index = choice.index
        queue = self._queues.get(index)
        if queue is None:
            queue = self._queues[index] = deque()
        held = Held(event, self._pieces(index, choice))
        if choice.finish_reason is not None:
            self._close(index)
        if not queue and held.is_clear:
            out.append(held.show())
            return
        queue.append(held)
        self._release(queue, out)

    def _pieces(self, index: int, choice: ChunkChoice) -> list[Piece]:
        delta = choice.delta
        pieces = [self._piece(index, "content", delta.content)] if delta.content else []
        if delta.refusal:
            pieces.append(self._piece(index, "refusal", delta.refusal))
        for place, call in enumerate(delta.tool_calls or ()):
            if call.function.arguments:
                slot = place if call.index is None else call.index
                pieces.append(self._piece(index, slot, call.function.arguments))
        return pieces

    def _piece(self, index: int, slot: Slot, text: str) -> Piece:
        channel = self._channels.get((index, slot)) or self._open(index, slot)
        start = channel.end
        channel.push(text)
        return Piece(slot, channel, start, channel.end, text)

    def _open(self, index: int, slot: Slot) -> Channel:
        is_json = True if isinstance(slot, int) else None
        channel = self._channels[index, slot] = Channel(self._plan, self._tally, is_json=is_json)
        return channel

    def _close(self, index: int) -> None:
        for (owner, _), channel in self._channels.items():
            if owner == index:
                channel.close()

    def _release(self, queue: deque[Held], out: list[Event]) -> None:
        while queue and queue[0].is_clear:
            out.append(queue.popleft().show())
        if queue and (front := queue[0].show_front(self._plan.hold_back_chars)) is not None:
            out.append(front)
