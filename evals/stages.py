"""The stages that recorded rows can be replayed through. To add one: a function, and a line in STAGES."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import msgspec

from stepwell.base.config import Config
from stepwell.base.errors import BadRequest, StepwellError
from stepwell.base.messages import Message

Step = Callable[[dict[str, object]], dict[str, object]]
Stage = Callable[[Config], AbstractContextManager[Step]]


@contextmanager
def route(config: Config) -> Iterator[Step]:
    """Which tier each row would go to; no tier is called."""
    from stepwell.build import build
    from stepwell.router.replay import replay

    pipeline = build(config)
    try:
        yield lambda row: _only(replay([row], pipeline.router))
    finally:
        asyncio.run(pipeline.close())


@contextmanager
def guards(config: Config) -> Iterator[Step]:
    """What the rule guards find in each row's text."""
    from stepwell.guards.replay import replay

    yield replay


@contextmanager
def cache(config: Config) -> Iterator[Step]:
    """What the cache would have served, were the rows asked one after the other."""
    from stepwell.base.embedding import load_embedder
    from stepwell.memory.replay import replay

    current: list[dict[str, object]] = []

    def rows() -> Iterator[dict[str, object]]:
        while current:
            yield current.pop()

    with asyncio.Runner() as runner:
        results = replay(rows(), config.cache, load_embedder(config.embedding))

        def step(row: dict[str, object]) -> dict[str, object]:
            current.append(row)
            return runner.run(_next(results))

        yield step
        # the rows have run out: the stage closes its store
        runner.run(_drain(results))


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


STAGES: Mapping[str, Stage] = {"route": route, "guards": guards, "cache": cache, "context": context}


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


def _only(results: Iterator[dict[str, object]]) -> dict[str, object]:
    return next(iter(results))


async def _next(results: AsyncIterator[dict[str, object]]) -> dict[str, object]:
    try:
        return await anext(results)
    except StopAsyncIteration:
        raise StepwellError("the stage stopped at an earlier row") from None


async def _drain(results: AsyncIterator[dict[str, object]]) -> None:
    async for _ in results:
        pass
