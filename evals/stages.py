"""The stages that recorded rows can be replayed through. To add one: a function, and a line in STAGES."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import msgspec

from stepwell.base.config import Config

Step = Callable[[dict[str, object]], dict[str, object]]
Stage = Callable[[Config], AbstractContextManager[Step]]


@contextmanager
def guards(config: Config) -> Iterator[Step]:
    """What the shipped checks say of each row's text."""
    from stepwell.base.embedding import load_embedder
    from stepwell.evals.guards.replay import GuardReplay

    yield GuardReplay(load_embedder(config.embedding).embed).step


@contextmanager
def cache(config: Config) -> Iterator[Step]:
    """What the cache would have served, were the rows asked one after the other."""
    from stepwell.memory.replay import CacheReplay

    embedder = None
    if config.cache.semantic != "off":
        from stepwell.base.embedding import load_embedder

        embedder = load_embedder(config.embedding)
    with asyncio.Runner() as runner:
        replay = CacheReplay(config.cache, embedder, max_error=config.promises.max_cache_error)
        try:
            yield lambda row: runner.run(replay.step(row))
        finally:
            runner.run(replay.close())


@contextmanager
def context(config: Config) -> Iterator[Step]:
    """What a conversation keeps: {messages, window_tokens, reserve_tokens?, model?, tools?}."""
    from stepwell.base.embedding import load_embedder
    from stepwell.evals.context.packed_row import pack_row

    embedder = load_embedder(config.embedding)

    def step(row: dict[str, object]) -> dict[str, object]:
        return {"id": row["id"], **msgspec.to_builtins(pack_row(row, config.context, embedder))}

    yield step


STAGES: Mapping[str, Stage] = {"guards": guards, "cache": cache, "context": context}
