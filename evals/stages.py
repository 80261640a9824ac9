"""The stages that recorded rows can be replayed through. To add one: a function, and a line in STAGES."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Self

import msgspec

from stepwell.base.config import Config
from stepwell.base.errors import BadRequest
from stepwell.base.messages import Message

Step = Callable[[dict[str, object]], dict[str, object]]
Stage = Callable[[Config], AbstractContextManager[Step]]


@contextmanager
def route(config: Config) -> Iterator[Step]:
    """Which tier each row would go to; no tier is called."""
    from stepwell.build import build
    from stepwell.router.replay import replay

    pipeline = build(config)
    with ExitStack() as opened:
        opened.callback(lambda: asyncio.run(pipeline.close()))
        fed = opened.enter_context(Fed(lambda rows: replay(rows, pipeline.router)))
        yield fed.step


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
        replay = CacheReplay(config.cache, embedder)
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


class Fed:
    """Drives a lazy stage over many rows one row at a time; after a bad row it starts the stage anew."""

    def __init__(self, start: Callable[[Iterator[dict[str, object]]], Iterator[dict[str, object]]]) -> None:
        self._start = start
        self._next_rows: list[dict[str, object]] = []
        self._results: Iterator[dict[str, object]] | None = None

    def step(self, row: dict[str, object]) -> dict[str, object]:
        self._next_rows = [row]
        results, self._results = self._results or self._start(self._rows()), None
        result = next(results)
        self._results = results
        return result

    def _rows(self) -> Iterator[dict[str, object]]:
        while self._next_rows:
            yield self._next_rows.pop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the stage close what it opened: its rows have run out."""
        self._next_rows = []
        if self._results is not None:
            next(self._results, None)
