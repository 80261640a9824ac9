"""Asking a well without an event loop of one's own: a loop in a thread, and streams read from outside of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from stepwell.base.reply import Reply
from stepwell.stream import ReplyStream

T = TypeVar("T")


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stepwell", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        future = self.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def stop(self) -> None:
        """Cancel what still goes on, and end the thread."""
        self.run(_cancel_others())
        self.run(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class SyncStream:
    """Pieces of text, as they arrive. Use as a context manager, or read to the end.

    Attributes:
        reply: The whole answer, after the end.
    """

    def __init__(self, loop: Loop, source: ReplyStream) -> None:
        self._loop = loop
        self._source = source

    @property
    def tier(self) -> str:
        return self._source.tier

    @property
    def reply(self) -> Reply | None:
        return self._source.reply

    def __iter__(self) -> Iterator[str]:
        pieces = self._source.text_deltas()
        try:
            while True:
                try:
                    yield self._loop.run(pieces.__anext__())
                except StopAsyncIteration:
                    return
        finally:
            self._loop.run(pieces.aclose())

    def close(self) -> None:
        """Stop; the upstream is told, and what was streamed is paid."""
        self._loop.run(self._source.aclose())

    def __enter__(self) -> SyncStream:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()
