"""Nearest cached prompts: each partition's vectors in memory, filled from the store."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Container, Iterable

import numpy as np
from numpy.typing import NDArray

from stepwell.memory.cache.filler import PAGE_ROWS, Filler, Held
from stepwell.memory.cache.neighbour import Neighbour
from stepwell.memory.cache.partition import PartitionIndex
from stepwell.memory.store import VectorStore

Vector = NDArray[np.float32]

N_CANDIDATES = 8
MAX_ROWS = 200_000  # in memory, all partitions together: 200 MB at 384 dimensions
MAX_FLAT_ROWS = 65_536  # beyond, only the nearest clusters are compared: at 100k rows .3 ms against 2.5
ROWS_PER_PARTITION = 8  # what an index takes beside its rows


class SemanticIndex:
    """All partitions in memory, the least recently used dropped beyond `max_rows`. Thread-safe.

    The store stays the truth: what another process wrote is taken over before each search, and whoever gets a
    neighbour must see that the store still has it. More rows than a page are taken over in the background;
    until then what is there is searched.
    """

    def __init__(
        self, store: VectorStore, *, max_rows: int = MAX_ROWS, max_flat_rows: int = MAX_FLAT_ROWS
    ) -> None:
        self._store = store
        self._max_rows = max_rows
        self._partitions: OrderedDict[bytes, Held] = OrderedDict()
        self._n_rows = 0
        self._lock = threading.Lock()
        self._filler = Filler(store, max_flat_rows=max_flat_rows, has_changed=self._count)

    @property
    def n_rows(self) -> int:
        """Rows in memory, ROWS_PER_PARTITION more for each partition."""
        return self._n_rows

    def nearest(
        self, partition: bytes, query: Vector, *, now_s: float, n: int = N_CANDIDATES
    ) -> list[Neighbour]:
        """Find up to `n` living rows of a partition, nearest first, without their sketches.

        Blocks for microseconds to a few milliseconds.

        Args:
            query: Shape (dim,), L2-normalised.
        """
        held = self._held(partition, query.shape[0], now_s)
        if held is None:
            return []
        with held.lock:
            n_added = self._sync(held, now_s)
            found = held.index.nearest(query, n=n, now_s=now_s)
        if n_added:
            self._count(held)
        return found

    def sizes(self, partition: bytes, answer_ids: Iterable[str]) -> dict[str, int]:
        """How many living rows of a partition lead to each answer."""
        held = self._partitions.get(partition)
        if held is None:
            return {}
        with held.lock:
            return held.index.sizes(answer_ids)

    def leading_to(self, partition: bytes, answer_ids: Container[str], *, limit: int) -> list[int]:
        """The first living rows of a partition that lead to some answers: their seqs."""
        held = self._partitions.get(partition)
        if held is None:
            return []
        with held.lock:
            return held.index.leading_to(answer_ids, limit=limit)

    def forget(self, partition: bytes, seqs: Iterable[int]) -> None:
        """Leave rows out: the store has them no more."""
        held = self._partitions.get(partition)
        if held is not None:
            with held.lock:
                held.index.forget(seqs)

    def clear(self, *, now_s: float = 0.0) -> None:
        """Let go of all vectors that the store has no more: those of small partitions at once."""
        with self._lock:
            all_held = list(self._partitions.values())
        for held in all_held:
            if len(held.index) <= PAGE_ROWS:
                with self._lock:
                    self._drop(held)
            else:
                held.is_stale = True
                self._filler.start(held, now_s=now_s)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until all is filled; False where that takes longer."""
        return self._filler.wait(timeout_s)

    def close(self) -> None:
        """Stop filling. Blocks for a fraction of a second."""
        self._filler.close()

    def _held(self, partition: bytes, dim: int, now_s: float) -> Held | None:
        with self._lock:
            held = self._partitions.get(partition)
            if held is None:
                if not self._store.vectors_after(partition, 0, now_s=now_s, limit=1):
                    return None
                held = self._partitions[partition] = Held(partition, PartitionIndex(dim))
            self._partitions.move_to_end(partition)
            return held

    def _sync(self, held: Held, now_s: float) -> int:
        """Take over what is new in the store, a page at most; called with the partition's lock."""
        if held.is_topping_up:
            return 0
        if held.index.is_worn and len(held.index) <= PAGE_ROWS:
            held.index = held.index.empty_copy()
        rows = self._store.vectors_after(held.name, held.index.last_seq, now_s=now_s, limit=PAGE_ROWS)
        held.index.add(rows)
        is_more = len(rows) == PAGE_ROWS
        if (is_more or self._filler.wants(held)) and not held.is_queued:
            held.is_topping_up = is_more
            self._filler.start(held, now_s=now_s)
        return len(rows)

    def _count(self, held: Held) -> None:
        """Keep count of the rows, and let go of partitions where they are too many."""
        with self._lock:
            if not held.is_dropped:
                n = len(held.index) + ROWS_PER_PARTITION
                self._n_rows += n - held.n_counted
                held.n_counted = n
            while self._n_rows > self._max_rows and len(self._partitions) > 1:
                self._drop(next(iter(self._partitions.values())))

    def _drop(self, held: Held) -> None:
        held.is_dropped = True
        self._n_rows -= held.n_counted
        self._partitions.pop(held.name, None)
