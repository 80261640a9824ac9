"""Which messages of a thread were embedded, and the marks that its index has not read yet."""

from __future__ import annotations

from threading import Lock

from stepwell.memory.context.thread.column import Column


class Marked:
    """Beside the thread's own lock, so that who embeds never waits for a search; its own is held for microseconds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_marked = Column("bool")
        self._waiting: dict[int, bytes] = {}
        self._late: list[int] = []  # of those that wait, the ones that came after their message was read
        self._n_read = 0
        self._n_checked = 0
        self._n_bytes = 0

    def add(self, mark: bytes, *, is_wanted: bool) -> None:
        """The next message.

        Args:
            is_wanted: Its text is worth embedding.
        """
        with self._lock:
            if mark:
                self._put(len(self._is_marked), mark)
            self._is_marked.add(bool(mark) or not is_wanted)

    def set(self, place: int, mark: bytes) -> None:
        with self._lock:
            self._is_marked.view()[place] = True
            self._put(place, mark)

    def unmarked(self, limit: int) -> list[int]:
        """Places, rising, of up to `limit` messages that want a mark."""
        with self._lock:
            first, rest = self._n_checked, self._is_marked.view()[self._n_checked :]
            found: list[int] = (~rest).nonzero()[0][:limit].tolist()
            self._n_checked += found[0] if found else len(rest)
            return [first + i for i in found]

    def take(self, n: int) -> list[tuple[int, bytes]]:
        """(place, mark) of the first n messages, where they were not taken before; one thread at a time may ask."""
        with self._lock:
            places = [*self._late, *range(self._n_read, n)]
            self._late, self._n_read = [], max(self._n_read, n)
        taken = [(place, self._waiting.pop(place, b"")) for place in places]
        found = [(place, mark) for place, mark in taken if mark]
        with self._lock:
            self._n_bytes -= sum(len(mark) for _, mark in found)
        return found

    @property
    def n_bytes(self) -> int:
        """Memory, about."""
        return len(self._is_marked) + self._n_bytes

    def _put(self, place: int, mark: bytes) -> None:
        self._n_bytes += len(mark) - len(self._waiting.get(place, b""))
        self._waiting[place] = mark
        if place < self._n_read:
            self._late.append(place)
