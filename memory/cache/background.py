"""Work that a caller must not wait for: a few pieces at a time, and only so many in the queue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

_log = logging.getLogger("stepwell.memory")


class Background:
    """Runs coroutines, some at a time, since a judge may take seconds. Beyond `max_queued` new ones are turned away."""

    def __init__(self, max_queued: int = 256, *, n_at_once: int = 8) -> None:
        self._max_queued = max_queued
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Semaphore(n_at_once)

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[None, None, None]) -> bool:
        """Queue work; False (and the work is dropped) where the queue is full."""
        if len(self._tasks) >= self._max_queued:
            work.close()
            return False
        task = asyncio.create_task(self._in_turn(work))
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return True

    async def drain(self, timeout_s: float | None = None) -> None:
        """Wait until the queue is empty; what is left after `timeout_s` is cancelled."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks), timeout=timeout_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _in_turn(self, work: Coroutine[None, None, None]) -> None:
        try:
            async with self._turn:
                await work
        finally:
            work.close()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("cache background work failed: %s", type(error).__name__)
