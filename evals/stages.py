"""The stages that recorded rows can be replayed through. To add one: a function, and a line in STAGES."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import msgspec

from stepwell.base.config import Config
from stepwell.base.errors import BadRequest
from stepwell.base.messages import Message

Step = Callable[[dict[str, object]], dict[str, object]]
Stage = Callable[[Config], AbstractContextManager[Step]]


@contextmanager
def guards(config: Config) -> Iterator[Step]:
    """What the rule guards find in each row's text."""
    from stepwell.guards.replay import replay

    yield replay


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

    def step(row: dict[str, object]) -> dict[str, object]:
        from stepwell.memory.context.fit import fit

        wanted = _read(row)
        found = fit(
            wanted.messages,
            window_tokens=wanted.window_tokens,
            reserve_tokens=wanted.reserve_tokens or config.context.reserve_tokens,
            model=wanted.model,
            tools_json=bytes(wanted.tools) if wanted.tools is not None else None,
        )
        return {"id": row["id"], **msgspec.to_builtins(found)}

    yield step


STAGES: Mapping[str, Stage] = {"guards": guards, "cache": cache, "context": context}


class _Conversation(msgspec.Struct):
    messages: list[Message]
    window_tokens: int
    reserve_tokens: int | None = None
    model: str = ""
    tools: msgspec.Raw | None = None


def _read(row: dict[str, object]) -> _Conversation:
    try:
        return msgspec.json.decode(msgspec.json.encode(row), type=_Conversation)
    except msgspec.ValidationError as e:
        raise BadRequest(str(e)) from None
