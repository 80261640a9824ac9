"""The cache as the pipeline sees it: look up, share, write."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal, TypeVar

from stepwell.base.config import CacheConfig, PromisesConfig
from stepwell.base.decisions import CacheDecision
from stepwell.base.messages import Answer
from stepwell.base.request import ChatRequest
from stepwell.memory.cache.background import Background
from stepwell.memory.cache.eligible import why_bypass, why_exact_only, why_not_stored
from stepwell.memory.cache.flight import Flights
from stepwell.memory.cache.key import exact_key
from stepwell.memory.cache.lookup import CachedAnswer, Lookup
from stepwell.memory.cache.meaning import Meaning
from stepwell.memory.cache.parts import Parts
from stepwell.memory.cache.report import CacheReport, report_of
from stepwell.memory.cache.scales import Scales
from stepwell.memory.cache.semantic import SemanticCache
from stepwell.memory.cache.stats import CacheStats, Counters
from stepwell.memory.cache.verdicts import Verdicts
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Entry, Store

if TYPE_CHECKING:
    from stepwell.base.embedding import RequestVector
    from stepwell.memory.cache.judge.judge import Judge

__all__ = ["Cache", "CachedAnswer", "Lookup"]

T = TypeVar("T")
FLUSH_S = 5.0  # counts of a killed process are lost for as long


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
        max_error: float = PromisesConfig().max_cache_error,
        judge: Judge | None = None,
        parts: Parts | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the store.

        Args:
            store: Where entries live; default SQLite at `config.path`.
            versions: Fingerprint of what shapes answers (policy, guards, tiers); another one, another cache.
            embedder_name: Vectors of two embedders are never compared.
            max_error: Share of the hits by meaning that may be wrong, 0..1.
            judge: Says whether a neighbour's answer would have done; None: nobody does, and `auto` stays in shadow.
            parts: What makes the verifier and the gate; default as configured.
            clock: Unix time in seconds.

        Raises:
            ConfigError: The file can't be used.
        """
        self._config = config
        self._store = store or SqliteStore(config.path, max_entries_per_tenant=config.max_entries_per_tenant)
        self._semantic = SemanticCache(self._store)
        self._counters = Counters()
        parts = parts or Parts(config, max_error)
        self._scales = Scales(
            self._store,
            make_gate=parts.gate,
            make_verifier=parts.verifier,
            embedder_name=embedder_name,
            versions=f"{parts.verifier_name}/{embedder_name}/{config.judge}",
            may_serve=judge is not None or config.semantic == "serve",
            clock=clock,
        )
        self._meaning = Meaning(
            config,
            self._store,
            self._semantic,
            self._scales,
            Verdicts(judge),
            self._counters,
            # another verifier's sketches can't be read
            versions=f"{versions}/{parts.verifier_name}",
            embedder_name=embedder_name,
            clock=clock,
        )
        self._flights = Flights()
        self._background = Background()
        self._max_error = max_error
        self._versions = versions
        self._clock = clock
        self._flushed_s = 0.0
        self._is_warm = False

    async def lookup(self, request: ChatRequest, vector: RequestVector, *, scope: str) -> Lookup:
        """Look for an answer: the exact request first, then its neighbours, where the gate serves.

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
            self._hit(lookup, entry)
        elif self._config.semantic in ("auto", "serve"):
            if self._config.semantic == "serve" and not self._is_warm:
                await self.warm()
            if self._meaning.is_serving:
                await self._meaning.look(lookup)
        if lookup.entry is None:
            self._counters.n_misses += 1
            self._counters.hour("miss", self._clock())
        return lookup

    def _hit(self, lookup: Lookup, entry: Entry) -> None:
        now_s = self._clock()
        self._counters.n_hits += 1
        self._counters.saved_usd += entry.cost_usd
        self._counters.hour("hit", now_s, entry.cost_usd, entry.took_s)
        age_s = max(0.0, now_s - entry.stored_at_s)
        lookup.serve(
            entry, CacheDecision("hit", "same request", None, entry.hit_id, entry.cost_usd, age_s=age_s)
        )
        self._flush_counts(now_s)

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
        took_s: float = 0.0,
        is_degraded: bool = False,
    ) -> None:
        """Keep the answer to a request that was looked up, where it may be kept; never waits for a disk.

        Args:
            body: The `chat.completion` as JSON; `answer` is its typed view.
            cost_usd, took_s: What it cost, and how long it took.
        """
        if lookup.decision.status != "miss":
            return
        if why_not_stored(answer, is_degraded=is_degraded, request=lookup.request) is not None:
            self._counters.n_not_stored += 1
            return
        entry = self._entry(lookup, body, tier, model, cost_usd, took_s)
        await self._store.put(entry)
        self._counters.n_stored += 1
        if self._config.semantic == "off":
            return
        self._flush_counts(entry.stored_at_s)
        why = why_exact_only(lookup.request, shows_pieces=True)
        if why is not None:
            lookup.decision = CacheDecision("miss", f"exact only: {why}")
        elif not self._background.start(self._meaning.learn(lookup, entry, answer.text)):
            self._counters.n_not_embedded += 1

    async def report_bad(self, hit_id: str, *, tenant: str | None = None) -> bool:
        """Delete an entry that answered wrongly, with all that lead to it, and learn from it.

        Args:
            hit_id: Of the decision or the header of a hit, or of an entry.
            tenant: Only where it is this tenant's; None: whoever's.

        Returns:
            False where there is none, and never was such a hit. Awaits until it is gone from the disk.

        Raises:
            StoreUnavailable: The store could not be written; the entry is still there.
        """
        is_known = await self.remove(hit_id, tenant=tenant)
        was_hit = await self._meaning.was_bad(hit_id, tenant=tenant, is_known=is_known)
        if is_known or was_hit:
            self._counters.n_reported_bad += 1
            self._counters.hour("wrong", self._clock())
        return is_known or was_hit

    async def remove(self, hit_id: str, *, tenant: str | None = None) -> bool:
        """Delete one entry, as `report_bad` does, without calling it wrong."""
        entry_id = hit_id.partition(".")[0]
        return await self._owns(entry_id, tenant) and await asyncio.to_thread(self._store.remove, entry_id)

    async def erase(self, *, tenant: str, user: str | None = None) -> int:
        """Delete what a tenant, or one user of theirs, left; returns how many entries, once they are off the disk.

        Raises:
            StoreUnavailable: The store could not be written; all is still there.
        """
        n_erased = await asyncio.to_thread(self._store.erase, tenant=tenant, user=user)
        self._semantic.clear()
        return n_erased

    def stats(self) -> CacheStats:
        """Counts and dollars since the start."""
        return self._counters.frozen(
            n_shared=self._flights.n_shared, n_lost=self._store.n_lost, is_serving=self._scales.is_serving
        )

    async def report(self, *, since_hour: int = 0) -> CacheReport | None:
        """What was saved, and how often it was wrong; None where nothing is compared by meaning.

        Raises:
            ConfigError: The verifier's weights can't be used.
        """
        if self._config.semantic == "off":
            return None
        gate = await self._scales.report()
        tallies = [*self._store.tallies(since_hour), *self._counters.waiting()]
        return report_of(tallies, gate, max_error=self._max_error, since_hour=since_hour)

    async def warm(self) -> None:
        """Read the evidence: until then nothing is served by meaning.

        Raises:
            ConfigError: The verifier's weights can't be used.
        """
        if self._config.semantic != "off":
            await self._scales.open()
        if self._meaning.is_serving:
            await self._semantic.open()
        self._is_warm = True

    async def drain(self) -> None:
        """Wait for what runs in the background: would-be hits are judged, vectors stored."""
        await self._background.drain()

    async def close(self) -> None:
        """Finish what is queued, for at most a second beyond one embedding, and let go of the store."""
        await self._background.drain(timeout_s=self._config.embed_timeout_s + 1)
        self._semantic.close()
        self._scales.close()
        self._store.count(self._counters.taken())
        await self._store.close()

    async def _owns(self, entry_id: str, tenant: str | None) -> bool:
        entry = await self._store.find(entry_id, now_s=self._clock())
        return entry is not None and (tenant is None or entry.tenant == tenant)

    def _flush_counts(self, now_s: float) -> None:
        if now_s - self._flushed_s >= FLUSH_S:
            self._flushed_s = now_s
            self._store.count(self._counters.taken())

    def _why_not(self, request: ChatRequest) -> tuple[Literal["off", "bypass"] | None, str]:
        if not self._config.exact and self._config.semantic == "off":
            return "off", ""
        why = why_bypass(request, keeps_sampled=self._config.sampled)
        return (None, "") if why is None else ("bypass", why)

    def _entry(
        self, lookup: Lookup, body: bytes, tier: str, model: str, cost_usd: float, took_s: float
    ) -> Entry:
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
            took_s=took_s,
        )
