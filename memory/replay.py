"""Run recorded prompts through a cache, in order, and see what it would have served."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from stepwell.base.config import CacheConfig, PromisesConfig
from stepwell.base.embedding import Embedder, RequestVector
from stepwell.base.errors import BadRequest
from stepwell.base.messages import Answer, Choice, Message, encode_json
from stepwell.base.request import Caller, ChatRequest
from stepwell.memory.cache.cache import Cache, Lookup
from stepwell.memory.cache.parts import Parts

if TYPE_CHECKING:
    from stepwell.memory.cache.judge.judge import Judge

Row = Mapping[str, object]
Rows = Iterable[Row] | AsyncIterator[Row]


class CacheReplay:
    """A fresh cache in memory that recorded rows run through; the configured file is never touched."""

    def __init__(
        self,
        config: CacheConfig,
        embedder: Embedder | None,
        *,
        max_error: float = PromisesConfig().max_cache_error,
        parts: Parts | None = None,
    ) -> None:
        """Open a cache of its own. A judge that would ask a tier is replaced by one that compares recorded answers."""
        self._embedder = embedder
        apart = config.model_copy(
            update={"path": None, "redis_url_env": None, "store": None, "hit_delay_s": 0.0}
        )
        self.cache = Cache(
            apart,
            versions="replay",
            embedder_name=embedder.name if embedder is not None else "",
            max_error=max_error,
            judge=self._judge(config),
            parts=parts,
        )

    def _judge(self, config: CacheConfig) -> Judge | None:
        if config.semantic == "off" or config.judge == "off":
            return None
        from stepwell.memory.cache.judge.answers import AnswersJudge

        return AnswersJudge(self._source())

    async def step(self, row: Row, n: int = 0) -> dict[str, object]:
        """Look one row up, store its answer where it missed, and say what the cache did. Holds no text.

        Args:
            row: "prompt" (text); "tenant", "answer" and "id" where known.
            n: Number of the row, its id where it has none.

        Raises:
            BadRequest: The row has no prompt.
        """
        tenant, prompt = str(row.get("tenant") or "replay"), row.get("prompt")
        if not isinstance(prompt, str):
            raise BadRequest(f"Row {n} has no text under 'prompt'.", param="prompt")
        request = ChatRequest.build({"messages": [{"role": "user", "content": prompt}]}, Caller(tenant))
        lookup = await self.cache.lookup(
            request, RequestVector(self._source(), prompt, layers="tokens"), scope="auto"
        )
        await self._answer(lookup, str(row.get("answer") or "-"))
        decision = lookup.decision
        return {
            "id": row.get("id", n),
            "status": decision.status,
            "similarity": None if decision.similarity is None else round(decision.similarity, 4),
            "p_same": None if decision.p_same is None else round(decision.p_same, 4),
            "reason": decision.reason,
        }

    async def close(self) -> None:
        await self.cache.close()

    def _source(self) -> Callable[[], Embedder] | None:
        embedder = self._embedder
        return None if embedder is None else lambda: embedder

    async def _answer(self, lookup: Lookup, text: str) -> None:
        answer = Answer([Choice(Message("assistant", text), finish_reason="stop")])
        await self.cache.write(
            lookup,
            body=encode_json(answer),
            answer=answer,
            tier="replay",
            model="replay",
            cost_usd=0.0,
            took_s=0.0,
        )
        await self.cache.drain()  # each row sees all before it


async def replay(
    rows: Rows, config: CacheConfig, embedder: Embedder | None, *, parts: Parts | None = None
) -> AsyncIterator[dict[str, object]]:
    """Yield one result for each row, in order: id, status, similarity, p_same, reason.

    Raises:
        BadRequest: A row has no prompt.
    """
    run, n = CacheReplay(config, embedder, parts=parts), 0
    try:
        async for row in _each(rows):
            yield await run.step(row, n)
            n += 1
    finally:
        await run.close()


async def _each(rows: Rows) -> AsyncIterator[Row]:
    if isinstance(rows, AsyncIterator):
        async for row in rows:
            yield row
    else:
        for row in rows:
            yield row
