"""Reach a well from any thread and any event loop.

A well belongs to one loop, and LangChain calls from many (sync, async, one `asyncio.run` after another):
so everything runs on the loop that the well keeps for its sync methods.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from stepwell.base.messages import Event
from stepwell.base.reply import Reply
from stepwell.well import Stepwell

T = TypeVar("T")

_N_AHEAD = 16  # batches that the well may be ahead of its reader


def send(well: Stepwell, work: Coroutine[Any, Any, T]) -> Future[T]:
    """Start work on the well's loop. Cancelling the future cancels the work."""
    return well.submit(work)


def wait(work: Future[T]) -> T:
    """The result, blocking; an interrupted wait cancels the work."""
    try:
        return work.result()
    except BaseException:
        work.cancel()
        raise


class Streamed:
    """A streamed reply, read by `batches` or `abatches`.

    Attributes:
        reply: The whole answer, after the end.
    """

    def __init__(self, well: Stepwell, messages: list[dict[str, Any]], asked: dict[str, Any]) -> None:
        self.reply: Reply | None = None
        self._well = well
        self._queue: asyncio.Queue[list[Event] | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(_N_AHEAD)
        # one task for the whole stream: its deadlines cancel the task that reads it
        self._pump = send(well, self._read(messages, asked))

    async def _read(self, messages: list[dict[str, Any]], asked: dict[str, Any]) -> None:
        try:
            stream = await self._well.astream(messages, **asked)
            async with contextlib.aclosing(stream):
                async for batch in stream.batches():
                    await self._room.acquire()
                    self._queue.put_nowait(batch)
            self.reply = stream.reply
        finally:
            self._queue.put_nowait(None)

    async def _next(self) -> list[Event] | None:
        batch = await self._queue.get()
        self._room.release()
        return batch

    def batches(self) -> Iterator[list[Event]]:
        """Events as they arrive; leaving early stops the upstream."""
        try:
            while (batch := wait(send(self._well, self._next()))) is not None:
                yield batch
            self._pump.result()
        finally:
            self._pump.cancel()

    async def abatches(self) -> AsyncGenerator[list[Event], None]:
        """As `batches`, without blocking."""
        try:
            while (batch := await asyncio.wrap_future(send(self._well, self._next()))) is not None:
                yield batch
            await asyncio.wrap_future(self._pump)
        finally:
            self._pump.cancel()
