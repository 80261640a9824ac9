"""Server-sent events of an OpenAI stream (WHATWG HTML, "Server-sent events"; only `data` fields matter)."""

from __future__ import annotations

import msgspec

from stepwell.base.messages import Event, decode_chunk


class NotAChunk(ValueError):
    """An event holds something else than a chat chunk."""


class SseReader:
    """Turns bytes into events, however they are cut.

    Attributes:
        is_finished: [DONE] was seen, or every choice has its finish_reason.
    """

    def __init__(self, max_bytes: int) -> None:
        self._tail = b""
        self._left = max_bytes
        self._done = False
        self._finished = False

    @property
    def is_finished(self) -> bool:
        return self._done or self._finished

    def feed(self, data: bytes) -> list[Event]:
        """Read some bytes.

        Raises:
            NotAChunk: An event is no JSON chunk, or the stream is over its size limit.
        """
        self._left -= len(data)
        if self._left < 0:
            raise NotAChunk("the answer is over max_answer_bytes")
        if self._tail:
            data = self._tail + data
        if b"\r" in data:  # JSON never holds a bare CR
            data = data.replace(b"\r\n", b"\n")
        *blocks, self._tail = data.split(b"\n\n")
        events: list[Event] = []
        for block in blocks:
            payload = block[6:] if block.startswith(b"data: ") and b"\n" not in block else _data(block)
            if payload == b"[DONE]":
                self._done = True
            elif payload:
                events.append(self._event(payload))
        return events

    def _event(self, payload: bytes) -> Event:
        try:
            chunk = decode_chunk(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise NotAChunk("the stream holds something else than chat chunks") from None
        for choice in chunk.choices:
            if choice.finish_reason is not None:
                self._finished = True
        return Event(payload, chunk)


def _data(block: bytes) -> bytes:
    """The `data` lines of one block, joined; comments and other fields are left out."""
    lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines)
