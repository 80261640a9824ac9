"""Serving by meaning, within the error budget; and in shadow counting what would have been served."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto
from random import random
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
        self._hits: OrderedDict[str, Choice] = OrderedDict()

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
        elif await self._scales.wants_audit(choice):
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

    async def was_bad(self, hit_id: str) -> None:
        """Learn from a hit that somebody reports as wrong, where this process served it by meaning."""
        choice = self._hits.pop(hit_id, None)
        if choice is not None:
            await self._judged(choice, "report", is_same=False)

    async def _group(self, lookup: Lookup, choice: Choice, entry: Entry, answer_text: str) -> str | None:
        """The answer that the fresh one repeats: the chosen neighbour's, else its nearest rival's; None: it is new."""
        verdict = await self._verdict(lookup, choice.answer_id, answer_text)
        if verdict is GONE:
            return None
        self._shadow(lookup, choice, entry)
        self._counters.n_unsure += not isinstance(verdict, bool)
        if verdict is None:
            return None
        # drawn, so that what can't be told counts as either in the mean
        is_same = verdict if isinstance(verdict, bool) else random() < verdict
        source: Source = "audit" if lookup.decision.reason == "audit" else "miss"
        await self._judged(choice, source, is_same=is_same, usd=entry.cost_usd, s=entry.took_s)
        if not isinstance(verdict, bool):
            return None
        if await self._scales.is_alias(choice, is_same=is_same):
            return choice.answer_id
        for rival in choice.rivals[:N_RIVALS]:
            if await self._verdict(lookup, rival, answer_text) is True:
                return rival
        return None

    async def _verdict(self, lookup: Lookup, answer_id: str, answer_text: str) -> bool | float | Gone | None:
        entry = await self._semantic.find(answer_id, tenant=_tenant(lookup), now_s=self._clock())
        if entry is None:
            return GONE
        return await self._verdicts.same(lookup.request.messages[-1].text, answer_text, entry.body)

    async def _judged(
        self, choice: Choice, source: Source, *, is_same: bool, usd: float = 0.0, s: float = 0.0
    ) -> None:
        self._counters.n_judged += 1
        share = choice.audit_share if source == "audit" else 1.0
        self._store.judged(choice.answer_id, is_same=is_same)
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
        self._hits[hit_id] = choice
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
        return await self._scales.weigh(partition, text, tokens, found)


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
    hit_id = None if status == "miss" else choice.answer_id
    return CacheDecision(status, reason, choice.similarity, hit_id, saved_usd, p_same=choice.p_same)
