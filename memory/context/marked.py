"""Which messages of a thread were embedded, and the marks that its index has not read yet."""

from __future__ import annotations

from threading import Lock

from stepwell.memory.context.column import Column


class Marked:
    """Beside the thread's own lock, so that who embeds never waits for a search."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_marked = Column("bool")
        self._waiting: dict[int, bytes] = {}
        self._n_checked = 0

    def add(self, mark: bytes, *, is_wanted: bool) -> None:
        """The next message.

        Args:
            is_wanted: Its text is worth embedding.
        """
        with self._lock:
            if mark:
                self._waiting[len(self._is_marked)] = mark
            self._is_marked.add(bool(mark) or not is_wanted)

    def set(self, place: int, mark: bytes) -> None:
        with self._lock:
            self._is_marked.view()[place] = True
            self._waiting[place] = mark

    def unmarked(self, limit: int) -> list[int]:
        """Places, rising, of up to `limit` messages that want a mark."""
        with self._lock:
            marked = self._is_marked.view()
            while self._n_checked < len(marked) and marked[self._n_checked]:
                self._n_checked += 1
            found: list[int] = (~marked[self._n_checked :]).nonzero()[0][:limit].tolist()
            return [self._n_checked + i for i in found]

    def take(self, n: int) -> list[tuple[int, bytes]]:
        """(place, mark) of the first n messages, where they were not taken before."""
        with self._lock:
            found = [(place, mark) for place, mark in self._waiting.items() if place < n]
            for place, _ in found:
                del self._waiting[place]
            return found

    @property
    def n_bytes(self) -> int:
        """Memory, about."""
        with self._lock:
            return len(self._is_marked) + sum(map(len, self._waiting.values()))
