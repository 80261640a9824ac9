"""The cache as the pipeline sees it: look up, share, write."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal, TypeVar

from stepwell.base.config import CacheConfig
from stepwell.base.decisions import CacheDecision
from stepwell.base.messages import Answer
from stepwell.base.request import ChatRequest
from stepwell.memory.cache.background import Background
from stepwell.memory.cache.eligible import why_bypass, why_exact_only, why_not_stored
from stepwell.memory.cache.flight import Flights
from stepwell.memory.cache.key import exact_key
from stepwell.memory.cache.lookup import CachedAnswer, Lookup
from stepwell.memory.cache.meaning import Meaning
from stepwell.memory.cache.semantic import SemanticCache
from stepwell.memory.cache.stats import CacheStats, Counters
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Entry, Store

if TYPE_CHECKING:
    from stepwell.base.embedding import RequestVector

__all__ = ["Cache", "CachedAnswer", "Lookup"]

T = TypeVar("T")


class Cache:
    """Answers again what was answered before: the same request, or one that means the same.

    Everything is kept apart by tenant, scope, parameters, tools, system prompt, history and versions.
    One event loop only.
    """

    def __init__(
        self,
        config: CacheConfig,
        *,
        store: Store | None = None,
        versions: str,
        embedder_name: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the store.

        Args:
            store: Where entries live; default SQLite at `config.path`.
            versions: Fingerprint of what shapes answers (policy, guards, tiers); another one, another cache.
            embedder_name: Vectors of two embedders are never compared.
            clock: Unix time in seconds.

        Raises:
            ConfigError: The file can't be used.
        """
        self._config = config
        self._store = store or SqliteStore(config.path, max_entries_per_tenant=config.max_entries_per_tenant)
        self._semantic = SemanticCache(self._store)
        self._counters = Counters()
        self._meaning = Meaning(
            config,
            self._semantic,
            self._counters,
            versions=versions,
            embedder_name=embedder_name,
            clock=clock,
        )
        self._flights = Flights()
        self._background = Background()
        self._versions = versions
        self._clock = clock

    async def lookup(self, request: ChatRequest, vector: RequestVector, *, scope: str) -> Lookup:
        """Look for an answer: the exact request first, then (semantic="serve" only) its neighbours.

        Args:
            vector: Of the last user turn. Asked for only where neighbours may be served.
            scope: What the router would choose among: "auto", "tier:local", "model:gpt-4.1".
        """
        self._counters.n_lookups += 1
        status, why = self._why_not(request)
        if status is not None:
            self._counters.n_bypassed += 1
            return Lookup(CacheDecision(status, why), request, vector, scope)
        key = exact_key(request, scope=scope, versions=self._versions)
        lookup = Lookup(CacheDecision("miss"), request, vector, scope, key)
        entry = await self._store.get(key, now_s=self._clock()) if self._config.exact else None
        if entry is not None:
            self._counters.n_hits += 1
            self._counters.saved_usd += entry.cost_usd
            lookup.serve(entry, CacheDecision("hit", "same request", None, entry.hit_id, entry.cost_usd))
        elif self._config.semantic == "serve":
            await self._meaning.look(lookup)
        self._counters.n_misses += lookup.entry is None
        return lookup

    async def share(self, lookup: Lookup, make: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """Call upstream once for all who ask the same at the same time.

        Returns:
            What `make` returned, and True where it was another caller's that did.

        Raises:
            Whatever `make` raises.
        """
        if not lookup.key or not self._config.exact:
            return await make(), False
        return await self._flights.share(lookup.key, make)

    async def write(
        self,
        lookup: Lookup,
        *,
        body: bytes,
        answer: Answer,
        tier: str,
        model: str,
        cost_usd: float,
        is_degraded: bool = False,
    ) -> None:
        """Keep the answer to a request that was looked up, where it may be kept; never waits for a disk.

        Args:
            body: The `chat.completion` as JSON; `answer` is its typed view.
            cost_usd: What it cost.
        """
        if lookup.decision.status != "miss":
            return
        if why_not_stored(answer, is_degraded=is_degraded) is not None:
            self._counters.n_not_stored += 1
            return
        entry = self._entry(lookup, body, tier, model, cost_usd)
        await self._store.put(entry)
        self._counters.n_stored += 1
        if self._config.semantic == "off":
            return
        why = why_exact_only(lookup.request)
        if why is not None:
            lookup.decision = CacheDecision("miss", f"exact only: {why}")
        elif not self._background.start(self._meaning.learn(lookup, entry)):
            self._counters.n_not_embedded += 1

    def report_bad(self, hit_id: str) -> bool:
        """Delete an entry that answered wrongly; False where there is none. Blocks until that is on disk."""
        is_known = self._store.remove(hit_id)
        self._counters.n_reported_bad += is_known
        return is_known

    def erase(self, *, tenant: str, user: str | None = None) -> int:
        """Delete what a tenant, or one user of theirs, left; returns how many entries. Blocks meanwhile."""
        n_erased = self._store.erase(tenant=tenant, user=user)
        self._semantic.clear()
        return n_erased

    def stats(self) -> CacheStats:
        """Counts and dollars since the start."""
        return self._counters.frozen(n_shared=self._flights.n_shared, n_lost=self._store.n_lost)

    async def drain(self) -> None:
        """Wait for what runs in the background: would-be hits are counted, vectors stored."""
        await self._background.drain()

    async def close(self) -> None:
        """Finish what is queued, for at most a second beyond one embedding, and let go of the store."""
        await self._background.drain(timeout_s=self._config.embed_timeout_s + 1)
        self._semantic.close()
        await self._store.close()

    def _why_not(self, request: ChatRequest) -> tuple[Literal["off", "bypass"] | None, str]:
        if not self._config.exact and self._config.semantic == "off":
            return "off", ""
        why = why_bypass(request)
        return (None, "") if why is None else ("bypass", why)

    def _entry(self, lookup: Lookup, body: bytes, tier: str, model: str, cost_usd: float) -> Entry:
        caller, now_s = lookup.request.caller, self._clock()
        return Entry(
            hit_id=secrets.token_hex(8),
            key=lookup.key,
            tenant=caller.tenant or "",
            user=caller.user or lookup.request.wire.user or "",
            body=body,
            tier=tier,
            model=model,
            cost_usd=cost_usd,
            stored_at_s=now_s,
            expires_at_s=now_s + self._config.ttl_s,
        )
