"""Replies on their way out: live, along with another caller, or from the cache."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from stepwell.afterwards import Records, cost_with_losses, settle, usage_of
from stepwell.base.assemble import Assembler, as_events
from stepwell.base.config import DispatchConfig
from stepwell.base.decisions import CacheDecision
from stepwell.base.messages import Usage
from stepwell.base.reply import Reply
from stepwell.guards.guard import Guard
from stepwell.router.cascade.climb import added
from stepwell.router.cost import cost_of
from stepwell.router.dispatch import Served
from stepwell.router.opened import OpenStream
from stepwell.run import Run, wants_usage
from stepwell.shared import SharedStream
from stepwell.stream import CLIENT_LEFT, ReplyStream, Restorer
from stepwell.stream_flights import Call, OnFull, Seat

NONE = Usage()
End = Callable[[ReplyStream, int, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked the upstream, and who answers.

    Attributes:
        run: Of the caller who pays.
        dropped: Tokens of streams that were given up before a word of them was released.
    """

    run: Run
    served: Served
    dropped: Usage = NONE


@dataclass(frozen=True, slots=True)
class Streaming:
    """Makes the stream that a caller reads, with what has to be done at its end."""

    config: DispatchConfig
    guard: Guard
    records: Records

    def call(self, asked: Asked, opened: OpenStream, on_full: OnFull | None) -> Call[Asked]:
        """A stream whose first token is there, for one reader or several."""

        async def pay(assembler: Assembler) -> None:
            usage, _ = usage_of(asked.run, assembler.answer(), assembler.n_pieces)
            await settle(asked.run, cost_with_losses(asked.run, usage, asked.served))

        return Call(SharedStream(opened, pay=pay, on_full=on_full), asked)

    def live(self, run: Run, seat: Seat[Asked]) -> ReplyStream:
        """For who pays: what the upstream streams."""
        asked, shared = seat.call.about, seat.call.stream

        async def close(stream: ReplyStream, status: int, error: str, assembler: Assembler) -> None:
            answer = assembler.answer()
            usage, is_estimated = usage_of(run, answer, assembler.n_pieces)
            spent = cost_with_losses(run, usage, asked.served)
            await settle(run, spent)
            reply = stream.finished(usage, spent, is_estimated)
            if asked.dropped is not NONE:
                reply.usage = added(usage, asked.dropped)
            stream.reply = reply
            if status == 200:
                await self.records.remember(run, reply, cost_usd=spent, took_s=run.took_s)
            if _was_heard(status, reply):
                await self.records.converse(run, reply)
            self.records.add(run, status, reply, error=error)

        async def end(stream: ReplyStream, status: int, error: str) -> None:
            _take_verdict(run, stream)
            closing = partial(close, stream, status, error)
            if not shared.leave_to_others(stream.assembler, seat.reader, closing):
                await closing(stream.assembler)

        return self._stream(run, seat, end)

    def along(self, run: Run, seat: Seat[Asked]) -> ReplyStream:
        """For who asked the same while it was under way: costs nothing."""
        asked = seat.call.about
        is_degraded = asked.run.trace.is_degraded
        run.trace.cache = shared(0.0, is_degraded=is_degraded)

        async def end(stream: ReplyStream, status: int, error: str) -> None:
            _take_verdict(run, stream)
            assembler = stream.assembler
            usage, is_estimated = usage_of(asked.run, assembler.answer(), assembler.n_pieces)
            saved_usd = cost_of(usage, asked.served.deployment.card)
            run.trace.cache = shared(saved_usd, is_degraded=is_degraded)
            stream.reply = reply = stream.finished(usage, 0.0, is_estimated)
            if status == 200 and seat.call.stream.is_orphan:  # else the one who pays keeps it
                await self.records.remember(run, reply, cost_usd=saved_usd, took_s=asked.run.took_s)
            if _was_heard(status, reply):
                await self.records.converse(run, reply)
            self.records.add(run, status, reply, error=error)

        return self._stream(run, seat, end)

    def replay(self, run: Run, hit: Reply) -> ReplyStream:
        """A whole answer as a stream."""

        async def end(stream: ReplyStream, status: int, error: str) -> None:
            stream.reply = hit
            if status == 200:
                await self.records.converse(run, hit)
            self.records.add(run, status, hit, error=error)

        return ReplyStream(
            as_events(hit.answer),
            None,
            end,
            tier=hit.tier,
            model=hit.model,
            trace=run.trace,
            wants_usage=wants_usage(run),
            config=self.config,
        )

    def _stream(self, run: Run, seat: Seat[Asked], end: End) -> ReplyStream:
        deployment = seat.call.about.served.deployment
        return ReplyStream(
            seat.reader.head,
            seat.reader,
            end,
            tier=deployment.tier,
            model=deployment.answered_as,
            trace=run.trace,
            wants_usage=wants_usage(run),
            config=self.config,
            guard=self.guard.open_stream(run.request),
            restorer=_restorer(run),
        )


def shared(saved_usd: float, *, is_degraded: bool) -> CacheDecision:
    """For who is given another's answer while it is under way."""
    return CacheDecision(
        "hit", "shared with a request under way", saved_usd=saved_usd, is_degraded=is_degraded
    )


def _was_heard(status: int, reply: Reply) -> bool:
    """Whether the caller took the answer, or so much of it that they can go on from there: who stops a stream has."""
    if status == CLIENT_LEFT:
        return bool(reply.text) and not any(c.message.tool_calls for c in reply.answer.choices)
    return status == 200


def _restorer(run: Run) -> Restorer | None:
    if run.vault is None or run.vault.is_empty:
        return None
    from stepwell.guards.masks.restorer import StreamRestorer

    return StreamRestorer(run.vault)


def _take_verdict(run: Run, stream: ReplyStream) -> None:
    run.said = stream.said()
    if stream.guard is not None:
        run.trace.guard_output = stream.guard.verdict
