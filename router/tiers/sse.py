"""Server-sent events of an OpenAI stream (WHATWG HTML, "Server-sent events"; only `data` fields matter)."""

from __future__ import annotations

import msgspec

from stepwell.base.messages import Event, decode_chunk
from stepwell.router.tiers.finishes import Finishes


class SseReader:
    """Turns bytes into events, however they are cut.

    Attributes:
        broken: What is wrong with the stream, once something is; nothing is read after that.
        is_done: [DONE] was seen.
        is_finished: [DONE] was seen, or every choice seen has its finish_reason.
    """

    def __init__(self, max_bytes: int) -> None:
        self.broken: str | None = None
        self.is_done = False
        self._tail = bytearray()
        self._left = max_bytes
        self._finishes = Finishes()

    @property
    def is_finished(self) -> bool:
        return self.is_done or self._finishes.has_all

    def feed(self, data: bytes) -> list[Event]:
        """Read some bytes; gives the events that they complete, up to the first that is broken."""
        self._left -= len(data)
        if self._left < 0:
            self.broken = "the answer is over max_answer_bytes"
        if self.broken is not None:
            return []
        is_one = data.startswith(b"data: {") and data.find(b"\n") == len(data) - 2 and data.endswith(b"\n\n")
        if is_one and not self._tail:  # one event in one read, as live streams come
            event = self._event(data[6:-2])
            return [event] if event is not None else []
        if self._tail:
            seam = bytes(self._tail[-3:]) + data
            self._tail += data
            if b"\n\n" not in seam.replace(
                b"\r\n", b"\n"
            ):  # or a long line would be searched again and again
                return []
            data = bytes(self._tail)
        if b"\r" in data:  # JSON never holds a bare CR
            data = data.replace(b"\r\n", b"\n")
        *blocks, tail = data.split(b"\n\n")
        if tail or self._tail:
            self._tail = bytearray(tail)
        return self._events(blocks)

    def _events(self, blocks: list[bytes]) -> list[Event]:
        events: list[Event] = []
        for block in blocks:
            payload = block[6:] if block.startswith(b"data: ") and b"\n" not in block else _data(block)
            if payload == b"[DONE]":
                self.is_done = True
            elif payload:
                event = self._event(payload)
                if event is None:
                    break
                events.append(event)
        return events

    def _event(self, payload: bytes) -> Event | None:
        try:
            chunk = decode_chunk(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.broken = "the stream holds something else than chat chunks"
            return None
        if chunk.error is not None:
            self.broken = "the upstream reported an error within the stream"
            return None
        self._finishes.add(chunk)
        return Event(payload, chunk)


def _data(block: bytes) -> bytes:
    """The `data` lines of one block, joined; comments and other fields are left out."""
    lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines)
