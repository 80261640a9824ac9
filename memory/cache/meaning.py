"""Serving by meaning, within the error budget; and in shadow counting what would have been served."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from stepwell.base.config import CacheConfig
from stepwell.base.decisions import CacheDecision, CacheStatus
from stepwell.memory.cache.eligible import may_be_cut, why_exact_only
from stepwell.memory.cache.judgement import Judgement, Source
from stepwell.memory.cache.key import semantic_partition
from stepwell.memory.cache.lookup import Lookup
from stepwell.memory.cache.scales import Scales, Weighed
from stepwell.memory.cache.semantic import SemanticCache
from stepwell.memory.cache.stats import Counters
from stepwell.memory.cache.verdicts import Verdicts
from stepwell.memory.store import Entry, Store

if TYPE_CHECKING:
    from stepwell.memory.cache.gate.gate import Choice

N_HITS_REMEMBERED = 10_000
N_RIVALS = 1  # more answers to compare a miss with: BANKING77 at 2 % goes from .37 to .39 hits with one


class Gone(Enum):
    GONE = auto()


GONE = Gone.GONE


@dataclass(frozen=True, slots=True)
class _Hit:
    choice: Choice
    tenant: str


class Meaning:
    """Weighs a prompt beside its neighbours within one partition, serves, and learns from what the judge says."""

    def __init__(
        self,
        config: CacheConfig,
        store: Store,
        semantic: SemanticCache,
        scales: Scales,
        verdicts: Verdicts,
        counters: Counters,
        *,
        versions: str,
        embedder_name: str,
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._store = store
        self._semantic = semantic
        self._scales = scales
        self._verdicts = verdicts
        self._counters = counters
        self._versions = versions
        self._embedder_name = embedder_name
        self._clock = clock
        self._hits: OrderedDict[str, _Hit] = OrderedDict()

    @property
    def is_serving(self) -> bool:
        """True where a neighbour's answer may be served now."""
        return self._scales.is_serving and not self._store.is_exact_only

    async def look(self, lookup: Lookup) -> None:
        """Serve a neighbour's answer where the gate lets it; waits for the vector, but not for long."""
        weighed = lookup.weighed = await self._weighed(lookup)
        if weighed is None:
            return
        choice = weighed.choice
        if choice is None or not choice.would_serve:
            lookup.decision = _missed(choice)
            return
        entry = await self._semantic.find(choice.answer_id, tenant=_tenant(lookup), now_s=self._clock())
        if entry is None:
            lookup.decision = _decision("miss", "the neighbour is gone", choice)
        elif lookup.request.wishes.cache != "no-store" and await self._scales.wants_audit(choice):
            self._counters.n_audits += 1
            lookup.decision = _decision("miss", "audit", choice)
        else:
            self._serve(lookup, choice, entry)

    async def learn(self, lookup: Lookup, entry: Entry, answer_text: str) -> None:
        """After a reply: let the judge compare it with the neighbour's, learn, and keep the prompt by its meaning."""
        if self._store.is_exact_only:
            return
        weighed = lookup.weighed
        if weighed is None:
            weighed = await self._weighed(lookup)
            if weighed is not None:
                lookup.decision = _missed(weighed.choice)
        vector = await lookup.vector.get(self._config.embed_timeout_s)
        if weighed is None or vector is None:
            return
        choice = weighed.choice
        answer_id = None if choice is None else await self._group(lookup, choice, entry, answer_text)
        await self._semantic.keep(
            entry,
            answer_id=answer_id or entry.hit_id,
            partition=weighed.partition,
            vector=vector,
            sketch=weighed.sketch,
        )

    async def was_bad(self, hit_id: str, *, tenant: str | None, is_known: bool) -> bool:
        """Learn from a hit by meaning that somebody reports as wrong; False where there was none.

        Args:
            tenant: Who reports; None: whoever.
            is_known: The store had its answer, so that it was a hit even where another process served it.
        """
        hit = self._hits.get(hit_id)
        if hit is not None and tenant in (None, hit.tenant):
            del self._hits[hit_id]  # once a hit
            await self._judged(hit.choice, "report", is_same=0.0)
            return True
        if is_known and "." in hit_id:
            # nothing is known of it but that it was wrong
            await self._scales.learn(Judgement(self._clock(), "report", (), 1.0, True, 0.0))
            return True
        return False

    async def _group(self, lookup: Lookup, choice: Choice, entry: Entry, answer_text: str) -> str | None:
        """The answer that the fresh one repeats: the chosen neighbour's, else its nearest rival's; None: it is new."""
        if choice.answer_id == entry.hit_id:  # its own older answer, whose place the fresh one has taken
            return None
        verdict = await self._verdict(lookup, choice.answer_id, answer_text)
        if verdict is GONE:
            return None
        source: Source = "audit" if lookup.decision.reason == "audit" else "miss"
        self._shadow(lookup, choice, entry)
        if not isinstance(verdict, bool):
            self._counters.n_unsure += 1
            self._counters.hour("unsure", self._clock())
        if verdict is None:
            if source == "audit":
                await self._scales.untold(choice)
            return None
        await self._judged(choice, source, is_same=float(verdict), usd=entry.cost_usd, s=entry.took_s)
        if not isinstance(verdict, bool):
            return None
        if await self._scales.is_alias(choice, is_same=verdict):
            return choice.answer_id
        # a judge that errs would lead one miss in so many to a rival by mistake
        for rival in choice.rivals[: 0 if self._config.judge_error else N_RIVALS]:
            if rival != entry.hit_id and await self._verdict(lookup, rival, answer_text) is True:
                return rival
        return None

    async def _verdict(self, lookup: Lookup, answer_id: str, answer_text: str) -> bool | float | Gone | None:
        entry = await self._semantic.find(answer_id, tenant=_tenant(lookup), now_s=self._clock())
        if entry is None:
            return GONE
        return await self._verdicts.same(lookup.request.messages[-1].text, answer_text, entry.body)

    async def _judged(
        self, choice: Choice, source: Source, *, is_same: float, usd: float = 0.0, s: float = 0.0
    ) -> None:
        self._counters.n_judged += 1
        share = choice.audit_share if source == "audit" else 1.0
        if is_same in (0.0, 1.0):
            self._store.judged(choice.answer_id, is_same=is_same == 1.0)
        await self._scales.learn(
            Judgement(
                self._clock(),
                source,
                choice.features,
                choice.p_same,
                choice.would_serve,
                is_same,
                share,
                usd,
                s,
            )
        )

    def _shadow(self, lookup: Lookup, choice: Choice, entry: Entry) -> None:
        """Count what would have been saved, had the gate served; an audit is no shadow hit."""
        if not choice.would_serve or lookup.decision.reason == "audit":
            return
        self._counters.n_shadow_hits += 1
        self._counters.shadow_saved_usd += entry.cost_usd
        self._counters.hour("shadow_hit", self._clock(), entry.cost_usd, entry.took_s)
        lookup.decision = _decision("shadow_hit", "would have been served", choice, entry.cost_usd)

    def _serve(self, lookup: Lookup, choice: Choice, entry: Entry) -> None:
        # the entry's own name leads, so that any process can remove it
        hit_id = f"{entry.hit_id}.{secrets.token_hex(4)}"
        self._hits[hit_id] = _Hit(choice, _tenant(lookup))
        if len(self._hits) > N_HITS_REMEMBERED:
            self._hits.popitem(last=False)
        self._counters.n_semantic_hits += 1
        self._counters.saved_usd += entry.cost_usd
        self._counters.hour("semantic_hit", self._clock(), entry.cost_usd, entry.took_s)
        decision = CacheDecision(
            "semantic_hit",
            "sure enough",
            choice.similarity,
            hit_id,
            entry.cost_usd,
            p_same=choice.p_same,
            age_s=max(0.0, self._clock() - entry.stored_at_s),
        )
        lookup.serve(entry, decision)

    async def _weighed(self, lookup: Lookup) -> Weighed | None:
        """Compare with the neighbours; None, and the reason in the lookup, where that must not or can't be."""
        why = why_exact_only(lookup.request, shows_pieces=True)
        if why is not None:
            _cannot(lookup, f"exact only: {why}")
            return None
        timeout_s = self._config.embed_timeout_s
        vector = await lookup.vector.get(timeout_s)
        if vector is None:
            self._counters.n_not_embedded += 1
            _cannot(lookup, "no vector in time")
            return None
        tokens = await lookup.vector.get_tokens(timeout_s)
        if tokens.is_cut if tokens is not None else may_be_cut(lookup.request.messages[-1].text):
            _cannot(lookup, "exact only: too long to embed whole")
            return None
        partition = semantic_partition(
            lookup.request, scope=lookup.scope, versions=self._versions, embedder=self._embedder_name
        )
        found = await self._semantic.nearest(
            partition, vector, tenant=_tenant(lookup), now_s=self._clock(), timeout_s=timeout_s
        )
        if found is None:
            _cannot(lookup, "no neighbours in time")
            return None
        self._counters.n_compared += 1
        text = lookup.request.messages[-1].text
        weighed = await self._scales.weigh(partition, text, tokens, found, timeout_s=timeout_s)
        if weighed is None:
            _cannot(lookup, "not compared in time")
        return weighed


def _tenant(lookup: Lookup) -> str:
    return lookup.request.caller.tenant or ""


def _cannot(lookup: Lookup, why: str) -> None:
    if lookup.decision.status == "miss":
        lookup.decision = CacheDecision("miss", why)


def _missed(choice: Choice | None) -> CacheDecision:
    return (
        CacheDecision("miss", "no neighbour")
        if choice is None
        else _decision("miss", "not sure enough", choice)
    )


def _decision(status: CacheStatus, reason: str, choice: Choice, saved_usd: float = 0.0) -> CacheDecision:
    return CacheDecision(status, reason, choice.similarity, None, saved_usd, p_same=choice.p_same)
