"""`StepwellCache`: LangChain's cache of model answers, on the cache of a well."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import Any, Literal

import msgspec
from langchain_core.caches import BaseCache
from langchain_core.outputs import Generation
from pydantic import ValidationError

from stepwell.base.config import CacheConfig
from stepwell.base.config.context import EmbeddingConfig
from stepwell.base.config.promises import PromisesConfig
from stepwell.base.decisions import CacheDecision
from stepwell.base.embedding import Embedder, RequestVector, embedder_name, load_embedder
from stepwell.base.errors import ConfigError
from stepwell.base.request import ChatRequest
from stepwell.front.langchain.cache_answer import to_answer, to_generations
from stepwell.front.langchain.cache_loop import LoopThread
from stepwell.front.langchain.cache_prompt import EXACT, to_request
from stepwell.memory.cache.cache import Cache
from stepwell.memory.cache.judge.judge import Judge, OwnJudge, make_judge
from stepwell.memory.cache.key import exact_key
from stepwell.memory.cache.lookup import Lookup
from stepwell.memory.cache.stats import CacheStats

_VERSIONS = "langchain-2"  # another layout of requests or answers, another name
_MAX_PENDING = 1_000
_LOAD_TIMEOUT_S = 60.0


class StepwellCache(BaseCache):
    """Answers again what was asked before: `set_llm_cache(StepwellCache("cache.sqlite3"))`.

    Without a tenant the same prompt and parameters hit. With one, prompts that mean the same do too, once the
    evidence says that no more than `max_error` of such hits are wrong: `StepwellCache(path, tenant="acme")`. Only the
    text of the last human message is compared, among prompts with equal parameters, instructions and history.

    Args:
        path: A file, which a well's cache may share; None keeps the answers in memory.
        tenant: Whose they are; `clear` erases this tenant's only. None: nobody said, so nothing goes by meaning, and
            `clear` erases all in the file that is nobody's.
        ttl_s: Counted from the write; a hit does not extend it.
        max_entries: The oldest beyond it go.
        semantic: "auto" counts what would be right until the evidence suffices, "shadow" only counts, "serve" begins
            at once, "off".
        max_error: Share of the hits by meaning that may be wrong, above 0 and below .5.
        judge: What compares answers in the background: "answers", a function of (question, fresh answer, cached
            answer) or its 'module:function'.
        embedding: The embedder.
        config: All else that a cache has settings for, and the defaults of the above (its store is SQLite).
        clock: Unix time in seconds.

    Never kept: an answer that was cut off, that calls tools, or that can't be written as JSON. Of prompts only
    fingerprints are kept; with a tenant also vectors and word pieces, which tell most of them. A hit says so in the
    message's `response_metadata["stepwell_cache"]`; `report_bad` takes the `hit_id` in it.

    Any thread and any event loop may ask. Blocks for a second or two where there is a tenant: it reads weights.

    Raises:
        ConfigError: A setting is out of range; the file, the judge or the embedder can't be used.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        tenant: str | None = None,
        ttl_s: float | None = None,
        max_entries: int | None = None,
        semantic: Literal["off", "shadow", "auto", "serve"] | None = None,
        max_error: float = PromisesConfig().max_cache_error,
        judge: str | Callable[[str, str, str], Any] | None = None,
        embedding: EmbeddingConfig | None = None,
        config: CacheConfig | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tenant = _text(tenant or "")
        self._config = config = _configured(config or CacheConfig(), path, ttl_s, max_entries, semantic)
        if not tenant:
            self._config = config.model_copy(update={"semantic": "off"})
        self._embedding = embedding or EmbeddingConfig()
        self._embedder = _once(partial(load_embedder, self._embedding))
        self._pending: OrderedDict[bytes, tuple[Lookup, float]] = OrderedDict()
        self._loop = LoopThread("stepwell-langchain-cache")
        weakref.finalize(self, self._loop.stop)
        self._cache = self._loop.run(
            self._open(_judge(judge or config.judge, self._embedder), _share(max_error), clock)
        )

    async def _open(self, judge: Judge | None, max_error: float, clock: Callable[[], float]) -> Cache:
        cache = Cache(
            self._config,
            versions=_VERSIONS,
            embedder_name=embedder_name(self._embedding),
            max_error=max_error,
            judge=judge,
            clock=clock,
        )
        await cache.warm()
        if self._config.semantic != "off":  # now, as the first prompts would not wait for its weights
            self._embedder()
            await RequestVector(self._embedder, "warm", layers="tokens").get(_LOAD_TIMEOUT_S)
        return cache

    def lookup(self, prompt: str, llm_string: str) -> Sequence[Generation] | None:
        return self._loop.run(self._look(prompt, llm_string))

    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        self._loop.run(self._keep(prompt, llm_string, return_val))

    def clear(self, **kwargs: Any) -> None:
        """Erase all of the tenant's answers; blocks until they are gone from the disk."""
        self._loop.run(self._cache.erase(tenant=self._tenant))

    async def alookup(self, prompt: str, llm_string: str) -> Sequence[Generation] | None:
        return await asyncio.wrap_future(self._loop.submit(self._look(prompt, llm_string)))

    async def aupdate(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        await asyncio.wrap_future(self._loop.submit(self._keep(prompt, llm_string, return_val)))

    async def aclear(self, **kwargs: Any) -> None:
        await asyncio.wrap_future(self._loop.submit(self._cache.erase(tenant=self._tenant)))

    def report_bad(self, hit_id: str) -> bool:
        """Delete an entry that answered wrongly, and learn from it; False where this tenant has none of that name."""
        return self._loop.run(self._cache.report_bad(hit_id, tenant=self._tenant))

    def stats(self) -> CacheStats:
        """Counts and dollars since the start. LangChain tells no prices, so dollars stay 0."""
        return self._loop.run(self._stats())

    def drain(self) -> None:
        """Wait for what runs in the background: comparisons, and vectors that are stored."""
        self._loop.run(self._cache.drain())

    def close(self) -> None:
        """Write what is queued and let go of the file; may be called twice."""
        if self._loop.is_closed:
            return
        self._loop.run(self._cache.close())
        self._loop.stop()
        self._loop.join()

    # ---- on the loop

    async def _look(self, prompt: str, llm_string: str) -> list[Generation] | None:
        request, scope = to_request(prompt, tenant=self._tenant), _scope(llm_string)
        if request is None:
            return None
        began_s = time.monotonic()
        lookup = await self._cache.lookup(request, self._vector(request), scope=scope)
        if lookup.entry is not None:
            return to_generations(lookup.entry.body, lookup.decision)
        self._pending[lookup.key] = lookup, began_s
        if len(self._pending) > _MAX_PENDING:
            self._pending.popitem(last=False)
        return None

    async def _keep(self, prompt: str, llm_string: str, generations: Sequence[Generation]) -> None:
        request, made = to_request(prompt, tenant=self._tenant), to_answer(generations)
        if request is None or made is None:
            return
        lookup, began_s = self._begun(request, _scope(llm_string))
        answer, body = made
        if len(generations) > 1:  # one of them would speak for all
            lookup.request = msgspec.structs.replace(request, wishes=EXACT)
        await self._cache.write(
            lookup,
            body=body,
            answer=answer,
            tier="",
            model="",
            cost_usd=0.0,
            took_s=max(0.0, time.monotonic() - began_s),
        )

    def _begun(self, request: ChatRequest, scope: str) -> tuple[Lookup, float]:
        """The lookup that an update belongs to; an update without one stands for itself."""
        key = exact_key(request, scope=scope, versions=_VERSIONS)
        begun = self._pending.pop(key, None)
        if begun is not None:
            return begun
        return Lookup(CacheDecision("miss"), request, self._vector(request), scope, key), time.monotonic()

    def _vector(self, request: ChatRequest) -> RequestVector:
        return RequestVector(self._embedder, request.messages[-1].text, layers="tokens")

    async def _stats(self) -> CacheStats:
        return self._cache.stats()


def _configured(
    config: CacheConfig, path: str | None, ttl_s: float | None, max_entries: int | None, semantic: str | None
) -> CacheConfig:
    """The config with what was given beside it.

    Raises:
        ConfigError: One of them is out of its range.
    """
    given = {"path": path, "ttl_s": ttl_s, "max_entries_per_tenant": max_entries, "semantic": semantic}
    named = {k: v for k, v in given.items() if v is not None}
    try:
        return CacheConfig.model_validate(config.model_dump() | named)
    except ValidationError as e:
        raise ConfigError(
            f"StepwellCache: {', '.join(str(d['loc'][0]) for d in e.errors() if d['loc'])}: {e.errors()[0]['msg']}"
        ) from e


def _share(max_error: float) -> float:
    """Raises: ConfigError: No budget that can be kept."""
    try:
        return PromisesConfig(max_cache_error=max_error).max_cache_error
    except ValidationError as e:
        raise ConfigError(f"StepwellCache: max_error: {e.errors()[0]['msg']}") from e


def _text(tenant: str) -> str:
    """Raises: ConfigError: It can't be written as UTF-8."""
    try:
        tenant.encode()
    except UnicodeEncodeError:
        raise ConfigError("StepwellCache: tenant: must be Unicode text") from None
    return tenant


def _scope(llm_string: str) -> str:
    """Model and parameters, as LangChain writes them: answers are shared only within the same."""
    return f"langchain:{sha256(llm_string.encode(errors='surrogatepass')).hexdigest()}"


def _judge(judge: str | Callable[[str, str, str], Any], embedder: Callable[[], Embedder]) -> Judge | None:
    return make_judge(judge, embedder=embedder) if isinstance(judge, str) else OwnJudge(judge)


def _once(load: Callable[[], Embedder]) -> Callable[[], Embedder]:
    """The embedder, loaded at the first call."""
    made: list[Embedder] = []
    lock = Lock()

    def get() -> Embedder:
        with lock:
            if not made:
                made.append(load())
            return made[0]

    return get
