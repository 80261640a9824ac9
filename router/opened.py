"""A stream that a tier has begun: what is held of it, what follows, and how to let go of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from stepwell.base.messages import Event
from stepwell.router.tiers.tier import Deployment


class OpenStream:
    """A stream whose first token is there.

    Attributes:
        head: Events up to the first token.
        rest: What follows, in batches.
    """

    __slots__ = ("_deployment", "_source", "head", "rest")

    def __init__(
        self, head: list[Event], rest: AsyncGenerator[list[Event], None], deployment: Deployment
    ) -> None:
        self.head = head
        self.rest = self._source = rest
        self._deployment: Deployment | None = deployment

    async def aclose(self) -> None:
        """Let go of the upstream (which stops an unfinished answer) and of the place. May be called twice."""
        deployment, self._deployment = self._deployment, None
        if deployment is not None:
            try:
                if self.rest is not self._source:
                    await self.rest.aclose()
                await self._source.aclose()
            finally:
                deployment.leave_place()

    def change(self, one: Callable[[Event], Event]) -> None:
        """Put every event, those held included, through `one`."""
        self.head = [one(event) for event in self.head]
        self.rest = _changed(self._source, one)


async def _changed(
    source: AsyncGenerator[list[Event], None], one: Callable[[Event], Event]
) -> AsyncGenerator[list[Event], None]:
    async for events in source:
        yield [one(event) for event in events]


async def read_head(
    source: AsyncGenerator[list[Event], None],
    n_tokens: int,
    is_lost: Callable[[list[Event]], bool] | None = None,
) -> list[Event]:
    """Read up to the n-th token, the first tool call or the finish; or until `is_lost` says so of new events."""
    head: list[Event] = []
    async for events in source:
        head.extend(events)
        for event in events:
            for choice in event.chunk.choices:
                delta = choice.delta
                if delta.tool_calls or delta.refusal or choice.finish_reason:
                    return head
                if delta.content:
                    n_tokens -= 1
                    if n_tokens <= 0:
                        return head
        if is_lost is not None and is_lost(events):
            return head
    return head
