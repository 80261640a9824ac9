"""The cache with the embedder that ships."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stepwell.base.config import CacheConfig, EmbeddingConfig
from stepwell.base.embedding import Embedder, RequestVector, load_embedder
from stepwell.memory.cache.cache import Cache


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder(EmbeddingConfig())


async def test_a_paraphrase_is_served_and_another_question_is_not(embedder: Embedder, kit: Any) -> None:
    # .5 s may be too short for the first embedding on a busy machine
    config = CacheConfig(semantic="serve", audit_share=0, embed_timeout_s=30)
    cache = Cache(config, versions="v", embedder_name=embedder.name)
    source: Callable[[], Embedder] = lambda: embedder  # noqa: E731

    async def ask(prompt: str) -> tuple[str, float | None, int]:
        vector = RequestVector(source, prompt, layers="tokens")
        lookup = await cache.lookup(kit.chat(prompt), vector, scope="auto")
        await cache.write(lookup, body=b"{}", answer=kit.answer_of(), tier="t", model="m", cost_usd=0.01)
        await cache.drain()
        return lookup.decision.status, lookup.decision.similarity, vector.n_embedded

    assert await ask("How can I reset my bank password?") == ("miss", None, 1)
    status, similarity, n_embedded = await ask("How do I reset my bank password?")
    assert (status, n_embedded) == ("semantic_hit", 1)
    assert similarity is not None
    assert similarity > 0.9
    assert (await ask("What is the boiling point of water in Denver?"))[0] == "miss"
    await cache.close()
