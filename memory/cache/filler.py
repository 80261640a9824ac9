"""Brings partitions up from the store in a thread of its own, so that no request waits for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stepwell.memory.cache.faiss_rows import (
    N_CLUSTERS,
    SAMPLES_PER_CLUSTER,
    SEED,
    centroids_of,
    chunks,
    clustered,
)
from stepwell.memory.cache.partition import PartitionIndex
from stepwell.memory.store import VectorRow, VectorStore

PAGE_ROWS = 1_024  # a few milliseconds: so long may a search wait for a page


class Held:
    """One partition's index. FAISS crashes where one thread adds while another searches (6 of 6 runs)."""

    def __init__(self, name: bytes, index: PartitionIndex) -> None:
        self.name = name
        self.index = index
        self.lock = threading.Lock()
        self.n_counted = 0
        self.is_dropped = False
        self.is_stale = False
        self.is_queued = False
        self.is_topping_up = False


class Filler:
    """Works off one partition after the other; its thread ends when nothing is left to do."""

    def __init__(
        self, store: VectorStore, *, max_flat_rows: int, has_changed: Callable[[Held], None]
    ) -> None:
        """Start nothing yet.

        Args:
            has_changed: Told after a partition took rows over; called without its lock.
        """
        self._store = store
        self._max_flat_rows = max_flat_rows
        self._has_changed = has_changed
        self._queue: deque[tuple[Held, float]] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def wants(self, held: Held) -> bool:
        """Whether a partition that is in step with the store still has work here: too large, or too many dead."""
        index = held.index
        is_large = not index.is_clustered and index.n_live > self._max_flat_rows
        return is_large or held.is_stale or index.is_worn

    def start(self, held: Held, *, now_s: float) -> None:
        """Queue a partition, unless it is queued already. Any thread may call."""
        with self._lock:
            if held.is_queued or self._is_closed:
                return
            held.is_queued = True
            self._queue.append((held, now_s))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stepwell-cache-filler", daemon=True)
                self._thread.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is left to do; False where that takes longer."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return self._thread is None

    def close(self) -> None:
        """Stop in the middle. Blocks for a fraction of a second."""
        self._is_closed = True
        self.wait()

    # ---- in the thread

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._queue or self._is_closed:
                    self._thread = None
                    return
                held, now_s = self._queue.popleft()
            self._fill(held, now_s)

    def _fill(self, held: Held, now_s: float) -> None:
        self._top_up(held, now_s)
        if self.wants(held) and self._goes_on(held):
            fresh = self._fresh(held)
            if fresh is not None:
                self._replace(held, fresh, now_s)
        with held.lock:
            held.is_queued = held.is_topping_up = False
        self._has_changed(held)

    def _top_up(self, held: Held, now_s: float) -> None:
        """Take over what is new, page by page, until it is too much for comparing each."""
        with held.lock:  # a search that takes rows over just now must end first
            held.is_topping_up = True
        index, is_more = held.index, True
        while is_more and self._goes_on(held):
            rows = self._page(held, index, now_s)
            with held.lock:
                index.add(rows)
            is_more = len(rows) == PAGE_ROWS
            if self.wants(held):
                break
        held.is_topping_up = is_more  # else searches would go on filling what is about to be replaced

    def _fresh(self, held: Held) -> PartitionIndex | None:
        """An empty index in place of the one held, clustered where there is enough for it."""
        index = held.index
        if index.is_clustered or index.n_live <= self._max_flat_rows:
            return index.empty_copy()
        centroids = centroids_of(
            self._sample(held, N_CLUSTERS * SAMPLES_PER_CLUSTER),
            n=min(N_CLUSTERS, index.n_live),
            go_on=lambda: self._goes_on(held),
        )
        return None if centroids is None else PartitionIndex(index.dim, faiss_index=clustered(centroids))

    def _sample(self, held: Held, n: int) -> NDArray[np.float32]:
        index = held.index
        rows = np.random.default_rng(SEED).permutation(len(index))[:n]
        found = []
        for part in chunks(rows):
            with held.lock:
                found.append(index.faiss_index.reconstruct_batch(part))
        return np.concatenate(found)

    def _replace(self, held: Held, fresh: PartitionIndex, now_s: float) -> None:
        """Fill a fresh index while the old one is searched on, then exchange them."""
        held.is_stale = False
        while self._goes_on(held):
            rows = self._page(held, fresh, now_s)
            fresh.add(rows)
            if len(rows) < PAGE_ROWS:
                with held.lock:
                    held.index = fresh
                return

    def _page(self, held: Held, index: PartitionIndex, now_s: float) -> list[VectorRow]:
        return self._store.vectors_after(held.name, index.last_seq, now_s=now_s, limit=PAGE_ROWS)

    def _goes_on(self, held: Held) -> bool:
        return not (self._is_closed or held.is_dropped)
