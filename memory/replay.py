"""Run recorded prompts through a cache, in order, and see what it would have served."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping

from stepwell.base.config import CacheConfig
from stepwell.base.embedding import Embedder, RequestVector
from stepwell.base.errors import BadRequest
from stepwell.base.messages import Answer, Choice, Message, encode_json
from stepwell.base.request import Caller, ChatRequest
from stepwell.memory.cache.cache import Cache, Lookup

Row = Mapping[str, object]
Rows = Iterable[Row] | AsyncIterator[Row]


class CacheReplay:
    """A fresh cache in memory that recorded rows run through; the configured file is never touched."""

    def __init__(self, config: CacheConfig, embedder: Embedder | None) -> None:
        self._embedder = embedder
        name = embedder.name if embedder is not None else ""
        self.cache = Cache(config.model_copy(update={"path": None}), versions="replay", embedder_name=name)

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
        lookup = await self.cache.lookup(request, RequestVector(self._source(), prompt), scope="auto")
        await self._answer(lookup, str(row.get("answer") or "-"))
        decision = lookup.decision
        return {
            "id": row.get("id", n),
            "status": decision.status,
            "similarity": None if decision.similarity is None else round(decision.similarity, 4),
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
            lookup, body=encode_json(answer), answer=answer, tier="replay", model="replay", cost_usd=0.0
        )
        await self.cache.drain()  # each row sees all before it


async def replay(
    rows: Rows, config: CacheConfig, embedder: Embedder | None
) -> AsyncIterator[dict[str, object]]:
    """Yield one result for each row, in order: id, status, similarity, reason.

    Raises:
        BadRequest: A row has no prompt.
    """
    run, n = CacheReplay(config, embedder), 0
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
