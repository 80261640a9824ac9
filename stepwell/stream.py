"""A streamed reply on its way to the caller."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Protocol

import msgspec

from stepwell.base.assemble import Assembler, answer_body, event, without_usage
from stepwell.base.config import DispatchConfig
from stepwell.base.decisions import Trace, Verdict
from stepwell.base.errors import GuardBlocked, StepwellError, TierTimeout
from stepwell.base.lane import Lane
from stepwell.base.messages import Chunk, Event, Usage
from stepwell.base.reply import Reply, why

CLIENT_LEFT = 499
_INLINE_BYTES = 32_000
# foreign checks only wait, 64 at once (guards.deadline); what waits is not to hold up what reads, or anybody else
_blocking, _reading = Lane("stepwell-stream", 64), Lane("stepwell-stream-read", 2)


class Source(Protocol):
    """What an open upstream offers (stepwell.shared.Reader)."""

    @property
    def rest(self) -> AsyncIterator[list[Event]]: ...
    async def aclose(self) -> None: ...


class StreamGuard(Protocol):
    """What checks a stream (guards.stream.GuardStream)."""

    @property
    def verdict(self) -> Verdict: ...
    @property
    def is_blocking(self) -> bool: ...
    def blocks(self, events: list[Event]) -> bool: ...
    def feed(self, events: list[Event]) -> list[Event]: ...
    def finish(self) -> list[Event]: ...
    def stopped(self) -> list[Event]: ...


class Restorer(Protocol):
    """Puts values back that placeholders stand for (guards.masks.restorer.StreamRestorer)."""

    def feed(self, events: list[Event]) -> list[Event]: ...
    def finish(self) -> list[Event]: ...


class ReplyStream:
    """Events as they arrive. Iterate it (`async for event in stream`), or take whole `batches`.

    Leaving early, or `aclose`, stops the upstream and pays for what was streamed.

    Attributes:
        tier, model: Who answers.
        trace: What the stages decided; complete after the end.
        reply: The whole answer, after the end.
    """

    def __init__(
        self,
        head: list[Event],
        source: Source | None,
        end: Callable[[ReplyStream, int, str], Awaitable[None]],
        *,
        tier: str,
        model: str,
        trace: Trace,
        wants_usage: bool,
        config: DispatchConfig,
        guard: StreamGuard | None = None,
        restorer: Restorer | None = None,
    ) -> None:
        self.tier = tier
        self.model = model
        self.trace = trace
        self.guard = guard
        self.reply: Reply | None = None
        self.assembler = Assembler()
        self._restorer = restorer
        self._guarded = self.assembler if guard is None else Assembler()
        self._sent = self._guarded if restorer is None else Assembler()
        self._head = head
        self._source = source
        self._end = end
        self._wants_usage = wants_usage
        self._config = config
        self._batches: AsyncGenerator[list[Event], None] | None = None
        self._is_ended = False
        self._n_bytes = 0

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._events()

    async def _events(self) -> AsyncGenerator[Event, None]:
        try:
            async for batch in self.batches():
                for item in batch:
                    yield item
        finally:
            await self.aclose()

    async def text_deltas(self) -> AsyncGenerator[str, None]:
        """The text of the first choice, piece by piece."""
        try:
            async for batch in self.batches():
                for item in batch:
                    for choice in item.chunk.choices:
                        if choice.index == 0 and choice.delta.content:
                            yield choice.delta.content
        finally:
            await self.aclose()

    @property
    def why(self) -> str:
        """One line: the reasons of the route, or the cache that served."""
        return why(self.trace, self.tier)

    def batches(self, *, in_one_task: bool = False) -> AsyncGenerator[list[Event], None]:
        """Events as they arrive together; the cheapest way to read a stream. One reader only.

        Args:
            in_one_task: The task that takes the first batch takes all others too; saves looking each time.

        Raises:
            StreamBroken, TierTimeout: The answer broke off.
            GuardBlocked: A guard stopped it; before that, its choices end with "content_filter".
        """
        self._batches = self._run(in_one_task)
        return self._batches

    async def aclose(self) -> None:
        """Stop. May be called twice, and after the end."""
        if self._batches is not None:
            await self._batches.aclose()
        await self._finish(CLIENT_LEFT, "cancelled")

    async def _run(self, in_one_task: bool) -> AsyncGenerator[list[Event], None]:
        watch = _Watch(self._config, self.tier)
        clock, source, guard, add = time.monotonic, self._source, self.guard, self.assembler.add
        try:
            events = await self._through(self._head)
            if events:
                yield events
            while source is not None:
                if watch.fired is not None or not in_one_task:
                    watch.follow()
                watch.waits_since_s = clock()
                try:
                    incoming = await source.rest.__anext__()
                except StopAsyncIteration:
                    break
                finally:
                    watch.waits_since_s = None
                if guard is None and self._restorer is None:
                    add(incoming)
                    events = incoming if self.assembler.usage is None else self._without_usage(incoming)
                else:
                    events = await self._through(incoming)
                if events:
                    yield events
            events = await self._last()
            if events:
                yield events
        except GuardBlocked as e:
            try:
                if events := self._stopped():
                    yield events
            finally:
                await self._finish(e.status_code, e.code)
            raise
        except StepwellError as e:
            await self._finish(e.status_code, e.code)
            raise
        except asyncio.CancelledError:
            late = watch.late()
            await self._finish(
                CLIENT_LEFT if late is None else late.status_code, "cancelled" if late is None else late.code
            )
            if late is not None:
                raise late from None
            raise
        except GeneratorExit:
            await self._finish(CLIENT_LEFT, "cancelled")
            raise
        finally:
            watch.stop()
        await self._finish(200, "")

    async def _through(self, events: list[Event]) -> list[Event]:
        guard = self.guard
        self.assembler.add(events)
        self._n_bytes += (n_bytes := sum([len(e.payload) for e in events]))
        if guard is not None and guard.blocks(events):
            done = await _blocking.run(partial(self._read, events))
        elif n_bytes > _INLINE_BYTES or (self._n_bytes > _INLINE_BYTES and _has_end(events)):
            done = await _reading.run(partial(self._read, events))
        else:
            done = self._read(events)
        return self._without_usage(self._let_out(*done))

    def _read(self, events: list[Event]) -> tuple[list[Event], list[Event]]:
        """What the guard lets out, and what the restorer makes of it; may run in a thread that nobody waits for."""
        guarded = events if self.guard is None else self.guard.feed(events)
        return guarded, guarded if self._restorer is None else self._restorer.feed(guarded)

    def _read_rest(self) -> tuple[list[Event], list[Event]]:
        guarded = [] if self.guard is None else self.guard.finish()
        if self._restorer is None:
            return guarded, guarded
        return guarded, [*self._restorer.feed(guarded), *self._restorer.finish()]

    def _let_out(self, guarded: list[Event], sent: list[Event]) -> list[Event]:
        if self.guard is not None:
            self._guarded.add(guarded)
        if self._restorer is not None:
            self._sent.add(sent)
        return sent

    def _without_usage(self, events: list[Event]) -> list[Event]:
        if self.assembler.usage is not None:  # once, at the end
            events = [
                e if e.chunk.usage is None else without_usage(e)
                for e in events
                if e.chunk.usage is None or e.chunk.choices
            ]
        return events

    async def _last(self) -> list[Event]:
        if self.guard is not None and self.guard.is_blocking:
            done = await _blocking.run(self._read_rest)
        elif self._n_bytes > _INLINE_BYTES:
            done = await _reading.run(self._read_rest)
        else:
            done = self._read_rest()
        events = self._without_usage(self._let_out(*done))
        if self._wants_usage:
            answer = self.assembler.answer()
            n = self.assembler.n_pieces
            n_in = self.trace.route.n_input_tokens if self.trace.route is not None else 0
            usage = answer.usage or Usage(n_in, n, n_in + n)
            events = [*events, event(Chunk([], answer.id, answer.model, answer.created, usage))]
        return events

    def _stopped(self) -> list[Event]:
        """Says in the answer itself that a guard stopped it: some clients read no further than its finish."""
        events = [] if self.guard is None else self.guard.stopped()
        self._guarded.add(events)
        if self._restorer is not None:
            self._sent.add(events)
        return events

    def finished(self, usage: Usage, cost_usd: float, is_estimated: bool) -> Reply:
        """The reply of what the caller was sent."""
        answer = msgspec.structs.replace(self._sent.answer(), usage=usage)
        body = answer_body(answer)
        return Reply(body, self.tier, self.model, cost_usd, usage, self.trace, is_estimated, answer)

    def said(self) -> bytes | None:
        """The answer as it was before values were put back; None where none are."""
        return None if self._restorer is None else answer_body(self._guarded.answer())

    async def _finish(self, status: int, error: str) -> None:
        if self._is_ended:
            return
        self._is_ended = True
        try:
            if self._source is not None:
                await self._source.aclose()
        finally:
            await self._end(self, status, error)


def _has_end(events: list[Event]) -> bool:
    """Whether a choice ends: then a guard may read all of it."""
    return any(c.finish_reason is not None for e in events for c in e.chunk.choices)


class _Watch:
    """Ends a stream that falls silent or lasts too long, with one timer a stream.

    It cancels only a task that waits for the upstream; a caller at work learns of it when asking for more.

    Attributes:
        waits_since_s: Monotonic time since which the upstream is awaited; None while the caller is at work.
        fired: Why it ended the stream, once it has.
    """

    def __init__(self, config: DispatchConfig, tier: str) -> None:
        self.waits_since_s: float | None = None
        self._idle_s = config.stream_idle_timeout_s
        self._tier = tier
        self._ends_s = time.monotonic() + config.stream_timeout_s
        self._task: asyncio.Task[object] | None = asyncio.current_task()
        self.fired: str | None = None
        self._n_cancels = 0
        self._again(min(self._idle_s, config.stream_timeout_s))

    def follow(self) -> None:
        """From now on it is the current task that waits.

        Raises:
            TierTimeout: The stream lasted too long while the caller was at work.
        """
        if self.fired is not None:
            raise self._error(self.fired)
        self._task = asyncio.current_task()

    def _again(self, delay_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._look)

    def _look(self) -> None:
        now, since = time.monotonic(), self.waits_since_s
        if since is not None and now - since >= self._idle_s:
            self._fire(f"the stream was silent for {self._idle_s:g} s")
        elif now >= self._ends_s:
            self._fire("the stream is over stream_timeout_s")
        else:
            wakes_s = self._ends_s if since is None else min(self._ends_s, since + self._idle_s)
            self._again(max(0.01, min(wakes_s - now, self._idle_s)))

    def _fire(self, why: str) -> None:
        self.fired = why
        if self.waits_since_s is not None and self._task is not None:
            self._n_cancels = self._task.cancelling()
            self._task.cancel()

    def late(self) -> TierTimeout | None:
        """The error, where it was this watch, and nobody else too, that cancelled the task."""
        if self.fired is None or self._task is None:
            return None
        if self._task.uncancel() > self._n_cancels:
            return None
        return self._error(self.fired)

    def _error(self, why: str) -> TierTimeout:
        return TierTimeout(f"tier {self._tier}: {why}", tier=self._tier, was_billed=True)

    def stop(self) -> None:
        self._timer.cancel()
