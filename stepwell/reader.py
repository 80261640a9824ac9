"""One of several readers of a stream."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from stepwell.base.messages import Event

# how far a reader may be behind the others: about 30,000 tokens
MAX_LAG_BYTES = 8 * 1024 * 1024


class Source(Protocol):
    """What is read (stepwell.shared.SharedStream)."""

    @property
    def is_pumped(self) -> bool: ...
    async def pull(self) -> list[Event]: ...
    async def leave(self, reader: Reader) -> None: ...


class Reader:
    """One caller's view of a shared stream; a source for `ReplyStream`.

    Attributes:
        head: What was streamed before it joined.
    """

    def __init__(self, shared: Source, head: list[Event]) -> None:
        self.head = head
        self._shared = shared
        self._queue: deque[list[Event]] = deque()
        self._n_queued_bytes = 0
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._end: BaseException | None = None

    @property
    def is_late(self) -> bool:
        return self._n_queued_bytes > MAX_LAG_BYTES and self._end is None

    @property
    def rest(self) -> Reader:
        return self

    def __aiter__(self) -> Reader:
        return self

    async def __anext__(self) -> list[Event]:
        if not self._queue and self._end is None and not self._shared.is_pumped:
            return await self._shared.pull()
        while not self._queue:
            if self._end is not None:
                raise self._end
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        batch = self._queue.popleft()
        self._n_queued_bytes -= _n_bytes(batch)
        _wake(self._room)
        return batch

    def push(self, batch: list[Event]) -> None:
        """Queue a batch."""
        if self._end is None:
            self._queue.append(batch)
            self._n_queued_bytes += _n_bytes(batch)
            _wake(self._waiter)

    def finish(self, end: BaseException) -> None:
        """Let it end: by StopAsyncIteration, or as it broke off. What is queued is read before."""
        if self._end is None:
            self._end = end
            _wake(self._waiter)

    async def has_read(self) -> None:
        """Wait until it has read on, or left."""
        self._room = asyncio.get_running_loop().create_future()
        await self._room

    def unread(self) -> list[list[Event]]:
        """What was streamed and not read."""
        return list(self._queue)

    async def aclose(self) -> None:
        """Leave. May be called twice."""
        _wake(self._room)
        await self._shared.leave(self)


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


def _n_bytes(batch: list[Event]) -> int:
    return sum([len(event.payload) for event in batch])
