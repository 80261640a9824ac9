"""The cache by meaning: vectors into the store, living neighbours out of it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from stepwell.memory.cache.neighbour import Neighbour, Neighbourhood
from stepwell.memory.store import Entry, Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.memory.cache.index import SemanticIndex

__all__ = ["Neighbour", "Neighbourhood", "SemanticCache"]

MAX_SEARCHES = 4
MAX_FORGOTTEN = 500
MIN_LARGE = 8
NOBODY = Neighbourhood((), {}, {})


class SemanticCache:
    """Nearest prompts within one partition. numpy and FAISS load at the first search, off the event loop."""

    def __init__(self, store: Store, *, max_rows: int | None = None) -> None:
        """Load nothing yet.

        Args:
            max_rows: Prompts in memory, all partitions together; the least recently used go. About 1 KB each.
        """
        self._store = store
        self._max_rows = max_rows
        self._index: SemanticIndex | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stepwell-cache-index")

    async def nearest(
        self,
        partition: bytes,
        vector: NDArray[np.float32],
        *,
        tenant: str,
        now_s: float,
        timeout_s: float | None = None,
    ) -> Neighbourhood | None:
        """Find up to 8 living prompts, however far, and what is known of their answers; None where that takes too long.

        Whether an answer is the tenant's is seen by `find`: the partition holds the tenant already.

        Args:
            vector: Shape (dim,), L2-normalised.
        """
        loop = asyncio.get_running_loop()
        search = loop.run_in_executor(self._thread, self._search, partition, vector, now_s)
        try:
            return await asyncio.wait_for(search, timeout_s)
        except TimeoutError:
            return None

    async def find(self, answer_id: str, *, tenant: str, now_s: float) -> Entry | None:
        """The living entry of this name, where it is the tenant's."""
        entry = await self._store.find(answer_id, now_s=now_s)
        # a leak would need two faults
        return entry if entry is not None and entry.tenant == tenant else None

    async def keep(
        self,
        entry: Entry,
        *,
        answer_id: str,
        partition: bytes,
        vector: NDArray[np.float32],
        sketch: bytes,
    ) -> bool:
        """Let an entry's prompt be found by meaning, and lead to an answer; False where one of them is gone."""
        return await self._store.attach(
            entry.hit_id,
            answer_id=answer_id,
            partition=partition,
            vector=vector.astype("float16").tobytes(),
            sketch=sketch,
            expires_at_s=entry.expires_at_s,
        )

    async def open(self) -> None:
        """Load what the first search would wait for."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._load)

    def clear(self) -> None:
        """Let go of the vectors that the store has no more."""
        if self._index is not None:
            self._index.clear()

    def close(self) -> None:
        """Stop searching and filling."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._index is not None:
            self._index.close()

    # ---- in the thread

    def _search(self, partition: bytes, vector: NDArray[np.float32], now_s: float) -> Neighbourhood:
        index = self._opened()
        for _ in range(MAX_SEARCHES):
            found = index.nearest(partition, vector, now_s=now_s)
            sketches = self._store.sketches(partition, [n.seq for n in found])
            gone = [n for n in found if n.seq not in sketches]
            if not gone:
                break
            self._forget(index, partition, gone)
        living = [n for n in found if n.seq in sketches]
        return self._neighbourhood(index, partition, living, sketches)

    def _forget(self, index: SemanticIndex, partition: bytes, gone: list[Neighbour]) -> None:
        """Leave out what the store has no more; where an answer went, all that led to it went too."""
        index.forget(partition, [n.seq for n in gone])
        sizes = index.sizes(partition, {n.answer_id for n in gone})
        large = {answer_id for answer_id, n in sizes.items() if n >= MIN_LARGE}
        if not large:  # the next search finds the few
            return
        others = index.leading_to(partition, large, limit=MAX_FORGOTTEN)
        living = self._store.sketches(partition, others)
        index.forget(partition, [seq for seq in others if seq not in living])

    def _neighbourhood(
        self, index: SemanticIndex, partition: bytes, found: list[Neighbour], sketches: dict[int, bytes]
    ) -> Neighbourhood:
        if not found:
            return NOBODY
        near = tuple(replace(n, sketch=sketches[n.seq] or None) for n in found)
        answer_ids = list({n.answer_id for n in near})
        return Neighbourhood(near, index.sizes(partition, answer_ids), self._store.records(answer_ids))

    def _load(self) -> None:
        import faiss  # noqa: F401

        self._opened()

    def _opened(self) -> SemanticIndex:
        if self._index is None:
            from stepwell.memory.cache.index import MAX_ROWS, SemanticIndex

            self._index = SemanticIndex(self._store, max_rows=self._max_rows or MAX_ROWS)
        return self._index
