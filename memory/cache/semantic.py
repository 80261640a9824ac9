"""The cache by meaning: vectors into the store, the nearest living entry out of it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.memory.store import Entry, Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.memory.cache.index import Neighbour, SemanticIndex

MAX_SEARCHES = 4


@dataclass(frozen=True, slots=True)
class Match:
    """A living entry, and the cosine between its prompt and the one asked for."""

    entry: Entry
    similarity: float


class SemanticCache:
    """Nearest entries within one partition. numpy and FAISS load at the first search, off the event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._index: SemanticIndex | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stepwell-cache-index")

    async def nearest(
        self, partition: bytes, vector: NDArray[np.float32], *, tenant: str, now_s: float
    ) -> Match | None:
        """Find the living entry whose prompt is nearest, however far; None where there is none.

        Args:
            vector: Shape (dim,), L2-normalised.
        """
        for _ in range(MAX_SEARCHES):
            neighbours = await self._search(partition, vector, now_s)
            for neighbour in neighbours:
                entry = await self._store.find(neighbour.hit_id, now_s=now_s)
                # the partition holds the tenant already; a leak would need two faults
                if entry is not None and entry.tenant == tenant:
                    return Match(entry, neighbour.similarity)
                self._forget(partition, neighbour.hit_id)
            if not neighbours:
                return None
        return None

    async def keep(self, entry: Entry, partition: bytes, vector: NDArray[np.float32]) -> bool:
        """Let an entry be found by meaning; False where it is gone already."""
        half = vector.astype("float16").tobytes()
        return await self._store.attach(
            entry.hit_id, partition=partition, vector=half, expires_at_s=entry.expires_at_s
        )

    def clear(self) -> None:
        """Drop the vectors held in memory."""
        if self._index is not None:
            self._index.clear()

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _search(self, partition: bytes, vector: NDArray[np.float32], now_s: float) -> list[Neighbour]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._search_here, partition, vector, now_s)

    def _search_here(self, partition: bytes, vector: NDArray[np.float32], now_s: float) -> list[Neighbour]:
        if self._index is None:
            from stepwell.memory.cache.index import SemanticIndex

            self._index = SemanticIndex(self._store)
        return self._index.nearest(partition, vector, min_similarity=-1.0, now_s=now_s)

    def _forget(self, partition: bytes, hit_id: str) -> None:
        if self._index is not None:
            self._index.forget(partition, hit_id)
