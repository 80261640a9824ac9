"""A tier for tests: answers what it is told, as fast or as badly as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator

from stepwell.base.assemble import answer_body, as_events, event
from stepwell.base.errors import TierError
from stepwell.base.messages import (
    Answer,
    Choice,
    Chunk,
    ChunkChoice,
    Delta,
    Event,
    Message,
    Usage,
    decode_answer,
)
from stepwell.base.request import ChatRequest
from stepwell.router.tiers.base import Completed

Reply = str | Answer | TierError
Script = Reply | Iterable[Reply] | Callable[[ChatRequest], Reply]


class FakeTier:
    """A deployment that calls nobody.

    Args:
        reply: A text, an `Answer`, an error to raise, a sequence of those (one a call; the last one stays), or a
            function of the request.
        delay_s: Wait before the answer, and before the first streamed token.
        break_after: Streams: raise `broken` after this many tokens.

    Attributes:
        requests: Every request that reached it, in order.
        n_cancelled: Calls that were cancelled or whose stream was left.
    """

    def __init__(
        self,
        reply: Script = "ok",
        *,
        delay_s: float = 0.0,
        break_after: int | None = None,
        broken: TierError | None = None,
        model: str = "fake",
    ) -> None:
        self._next = _script(reply)
        self._delay_s = delay_s
        self._break_after = break_after
        self._broken = broken
        self._model = model
        self.requests: list[ChatRequest] = []
        self.n_cancelled = 0

    async def complete(self, request: ChatRequest) -> Completed:
        answer = await self._answer(request)
        body = answer_body(answer)
        return Completed(body, decode_answer(body))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        answer = await self._answer(request)
        is_done = False
        try:
            for n, item in enumerate(_word_events(answer)):
                if self._break_after is not None and n >= self._break_after:
                    is_done = True
                    raise self._broken or TierError("broken on purpose", tier="fake")
                yield [item]
                await asyncio.sleep(0)
            is_done = True
        finally:
            self.n_cancelled += not is_done

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _answer(self, request: ChatRequest) -> Answer:
        self.requests.append(request)
        try:
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
        except asyncio.CancelledError:
            self.n_cancelled += 1
            raise
        reply = self._next(request)
        if isinstance(reply, TierError):
            raise reply
        if isinstance(reply, Answer):
            return reply
        n_in = sum(len(m.text) for m in request.messages) // 4 + 1
        n_out = len(reply.split())
        message = Message("assistant", reply)
        return Answer(
            [Choice(message, 0, "stop")], "fake-1", self._model, 0, Usage(n_in, n_out, n_in + n_out)
        )


def _script(reply: Script) -> Callable[[ChatRequest], Reply]:
    if isinstance(reply, str | Answer | TierError):
        return lambda _: reply
    if callable(reply):
        return reply
    items: Iterator[Reply] = iter(reply)
    last: list[Reply] = []

    def follow(_: ChatRequest) -> Reply:
        item = next(items, None)
        if item is not None:
            last[:] = [item]
        return last[0]

    return follow


def _word_events(answer: Answer) -> Iterator[Event]:
    """One event a word, as an upstream would stream it."""
    for whole in as_events(answer):
        text = whole.chunk.choices[0].delta.content if whole.chunk.choices else None
        if text is None:
            yield whole
            continue
        index = whole.chunk.choices[0].index
        words = text.split(" ")
        for n, word in enumerate(words):
            piece = word if n == 0 else " " + word
            delta = Delta(piece, "assistant" if n == 0 else None)
            chunk = Chunk([ChunkChoice(delta, index)], answer.id, answer.model, answer.created)
            yield event(chunk)
        if calls := whole.chunk.choices[0].delta.tool_calls:
            chunk = Chunk(
                [ChunkChoice(Delta(tool_calls=calls), index)], answer.id, answer.model, answer.created
            )
            yield event(chunk)
