"""What waits to be told to Redis: bounded, so that a Redis that is away costs neither memory nor time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from stepwell.memory.redis.changes import Change

MAX_CHANGES = 10_000
MAX_BYTES = 64 * 2**20


class Outbox:
    """Changes in order, urgent ones before the others. Thread-safe. Beyond its bounds the oldest are lost."""

    def __init__(self) -> None:
        self.n_lost = 0
        self._inbox: deque[tuple[Change, bool]] = deque()
        self._urgent: deque[Change] = deque()
        self._changes: deque[Change] = deque()
        self._lost: list[Change] = []
        self._n_bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._inbox) + len(self._urgent) + len(self._changes)

    def add(self, change: Change, *, is_urgent: bool = False) -> list[Change]:
        """Queue a change; never waits, not even for the lock. Returns those that were lost since."""
        self._inbox.append((change, is_urgent))
        if not self._lock.acquire(blocking=False):
            return []  # who holds the lock, or is next to, takes it in
        try:
            self._take_in()
            lost, self._lost = self._lost, []
            return lost
        finally:
            self._lock.release()

    def _take_in(self) -> None:
        while self._inbox:
            change, is_urgent = self._inbox.popleft()
            (self._urgent if is_urgent else self._changes).append(change)
            self._n_bytes += change.n_bytes
        while self._changes and (len(self) > MAX_CHANGES or self._n_bytes > MAX_BYTES):
            self._lost.append(self._changes.popleft())
            self._n_bytes -= self._lost[-1].n_bytes
            self.n_lost += 1

    def first(self, n: int) -> list[Change]:
        """The next up to `n` changes; they stay until they are `done`."""
        with self._lock:
            self._take_in()
            queue = self._urgent or self._changes
            while queue and queue[0].is_cancelled:
                self._n_bytes -= queue.popleft().n_bytes
            return [c for _, c in zip(range(n), queue, strict=False) if not c.is_cancelled]

    def done(self, change: Change) -> None:
        """Take out a change that Redis has heard of."""
        with self._lock:
            for queue in (self._urgent, self._changes):
                if change in queue:  # it is the first, unless one before it was cancelled or lost
                    queue.remove(change)
                    self._n_bytes -= change.n_bytes
                    return

    def cancel(self, is_meant: Callable[[Change], bool]) -> list[Change]:
        """Never send some changes, nor again where Redis has not answered yet; returns them."""
        with self._lock:
            self._take_in()
            found = [c for c in (*self._urgent, *self._changes) if is_meant(c)]
            for change in found:
                change.is_cancelled = True
            return found

    def waiting(self) -> list[Change]:
        """All that Redis has not heard of."""
        with self._lock:
            self._take_in()
            return [c for c in (*self._urgent, *self._changes) if not c.is_cancelled]
