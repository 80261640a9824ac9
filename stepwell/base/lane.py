"""Threads for one purpose, so that work which takes long holds up no other."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakSet

T = TypeVar("T")
_lanes: WeakSet[Lane]


class Lane:
    """At most `n_threads` at once; what comes on top waits. Threads start with the first work.

    Args:
        name: Of its threads.
    """

    def __init__(self, name: str, n_threads: int) -> None:
        self._name = name
        self._n_threads = n_threads
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        _lanes.add(self)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` gives. Work that has not begun is dropped where the caller is cancelled."""
        return await asyncio.wrap_future(self._threads().submit(work))

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._n_threads, thread_name_prefix=self._name)
            return self._pool

    def _forget(self) -> None:
        self._lock, self._pool = threading.Lock(), None


_lanes = WeakSet()


def _after_fork() -> None:
    for lane in _lanes:
        lane._forget()


if hasattr(os, "register_at_fork"):  # threads do not survive a fork
    os.register_at_fork(after_in_child=_after_fork)
