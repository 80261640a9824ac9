"""Who asks the same while it is under way: one call for all, and no answer sooner than the configured delay."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from stepwell.base.config import CacheConfig
from stepwell.base.errors import AllTiersFailed, TierTimeout
from stepwell.base.reply import Reply
from stepwell.base.request import ChatRequest
from stepwell.memory.cache.cache import Cache, Lookup
from stepwell.memory.cache.key import flight_key
from stepwell.run import Run
from stepwell.stream_flights import Open, Seat, StreamFlights, alone
from stepwell.streaming import Asked, shared

T = TypeVar("T")
OWN_CALL_S = 0.1  # a call of the caller's own ends by itself before that


@dataclass(frozen=True, slots=True)
class Sharing:
    """Lets one upstream call answer all who ask the same at the same time, where the cache is theirs.

    Attributes:
        limit_usd: The dollar limit of a request: it decides which tiers may answer, and how long the answer may be.
        rules: Names the rules that a request's answer passes: who shares a whole answer gets it as they left it.
    """

    config: CacheConfig
    cache: Cache | None
    flights: StreamFlights[Asked]
    limit_usd: Callable[[ChatRequest], float | None]
    rules: Callable[[ChatRequest], str]

    async def whole(self, run: Run, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        """A whole answer: another's under way, for nothing, or what `ask` gives.

        Raises:
            Whatever `ask` raises; AllTiersFailed: the caller's own, shorter deadline has passed.
        """
        lookup = self._shareable(run)
        if self.cache is None or lookup is None:
            return await ask()
        reply, is_shared = await _within(run, self.cache.share(lookup, ask))
        if not is_shared:
            return reply
        await self.delay(run)
        run.trace.cache = shared(reply.cost_usd, is_degraded=reply.is_degraded)
        return Reply(reply.body, reply.tier, reply.model, 0.0, reply.usage, run.trace)

    async def seat(self, run: Run, open_: Open[Asked]) -> Seat[Asked]:
        """A place at a stream: one of the caller's own, or beside who asks the same just now. Raises as `whole`."""
        lookup = self._shareable(run)
        if lookup is None:
            return await alone(open_)
        seat = await _within(run, self.flights.seat(lookup.key, open_))
        if seat.is_shared:
            try:
                await self.delay(run)
            except BaseException:
                await seat.reader.aclose()
                raise
        return seat

    async def delay(self, run: Run) -> None:
        """Wait before a hit: so that its timing doesn't tell what others asked."""
        left_s = run.began_s + self.config.hit_delay_s - time.monotonic()
        if self.config.hit_delay_s and left_s > 0:
            await asyncio.sleep(left_s)

    def _shareable(self, run: Run) -> Lookup | None:
        """With the key of requests that may share an answer; None where the cache must stay out of it."""
        if self.cache is None or not self.config.exact or run.lookup is None:
            return None
        if run.lookup.decision.status != "miss":
            return None
        rules = f"{self.rules(run.request)} {bool(run.request.wire.stream)}"
        return replace(run.lookup, key=flight_key(run.lookup.key, self.limit_usd(run.request), rules))


async def _within(run: Run, work: Awaitable[T]) -> T:
    """Let who waits for another's call keep a deadline of their own.

    Raises:
        AllTiersFailed: It has passed.
    """
    if run.request.wishes.timeout_s is None:
        return await work
    try:
        async with asyncio.timeout(run.deadline_s + OWN_CALL_S - time.monotonic()):
            return await work
    except TimeoutError:
        late = TierTimeout("the same request, under way for another caller, took too long", tier="")
        raise AllTiersFailed(str(late), [late]) from None
