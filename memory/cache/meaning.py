"""Serving by meaning, and in shadow counting what would have been served."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from stepwell.base.config import CacheConfig
from stepwell.base.decisions import CacheDecision
from stepwell.memory.cache.eligible import why_exact_only
from stepwell.memory.cache.key import semantic_partition
from stepwell.memory.cache.lookup import Lookup
from stepwell.memory.cache.semantic import Match, SemanticCache
from stepwell.memory.cache.stats import Counters
from stepwell.memory.store import Entry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Meaning:
    """Decides by the cosine of the last user turns, within one partition."""

    def __init__(
        self,
        config: CacheConfig,
        semantic: SemanticCache,
        counters: Counters,
        *,
        versions: str,
        embedder_name: str,
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._semantic = semantic
        self._counters = counters
        self._versions = versions
        self._embedder_name = embedder_name
        self._clock = clock

    async def look(self, lookup: Lookup) -> None:
        """Serve the nearest entry where it is near enough; waits for the vector, but not for long."""
        why = why_exact_only(lookup.request)
        if why is not None:
            lookup.decision = CacheDecision("miss", f"exact only: {why}")
            return
        vector = await lookup.vector.get(self._config.embed_timeout_s)
        if vector is None:
            self._counters.n_not_embedded += 1
            lookup.decision = CacheDecision("miss", "no vector in time")
            return
        match = await self._nearest(lookup, vector)
        lookup.decision = _judged(match, self._config.min_similarity, "semantic_hit")
        if match is not None and lookup.decision.status == "semantic_hit":
            self._counters.n_semantic_hits += 1
            self._counters.saved_usd += match.entry.cost_usd
            lookup.serve(match.entry, lookup.decision)

    async def learn(self, lookup: Lookup, entry: Entry) -> None:
        """After a reply: in shadow see whether a neighbour would have been served, then keep the vector."""
        vector = await lookup.vector.get(self._config.embed_timeout_s)
        if vector is None:
            self._counters.n_not_embedded += 1
            return
        if self._config.semantic == "shadow":
            match = await self._nearest(lookup, vector)
            lookup.decision = _judged(match, self._config.min_similarity, "shadow_hit", entry.cost_usd)
            if lookup.decision.status == "shadow_hit":
                self._counters.n_shadow_hits += 1
                self._counters.shadow_saved_usd += entry.cost_usd
                return  # as when serving: what a neighbour answers adds no vector
        await self._semantic.keep(entry, self._partition(lookup), vector)

    async def _nearest(self, lookup: Lookup, vector: NDArray[np.float32]) -> Match | None:
        tenant = lookup.request.caller.tenant or ""
        match = await self._semantic.nearest(
            self._partition(lookup), vector, tenant=tenant, now_s=self._clock()
        )
        self._counters.compared(None if match is None else match.similarity)
        return match

    def _partition(self, lookup: Lookup) -> bytes:
        return semantic_partition(
            lookup.request, scope=lookup.scope, versions=self._versions, embedder=self._embedder_name
        )


def _judged(
    match: Match | None,
    min_similarity: float,
    hit: Literal["semantic_hit", "shadow_hit"],
    cost_usd: float | None = None,
) -> CacheDecision:
    if match is None:
        return CacheDecision("miss", "no neighbour")
    if match.similarity < min_similarity:
        return CacheDecision("miss", "no neighbour near enough", match.similarity)
    saved_usd = match.entry.cost_usd if cost_usd is None else cost_usd
    return CacheDecision(hit, "near enough", match.similarity, match.entry.hit_id, saved_usd)
