"""A stream whose first tokens are held back until the tier's own confidence in them is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from stepwell.base.assemble import Assembler
from stepwell.base.errors import AllTiersFailed, TierError
from stepwell.base.messages import Answer
from stepwell.router.cascade.climb import Climb
from stepwell.router.cascade.confidence import (
    LOW_CONFIDENCE,
    asks_logprobs,
    event_without_logprobs,
    read_events,
)
from stepwell.router.cascade.doubt import Doubt
from stepwell.router.dispatch import Dispatcher, Served
from stepwell.router.opened import OpenStream

Begun = tuple[OpenStream, Served]


@dataclass(slots=True)
class Holding:
    """Opens a stream for one request; where its beginning is doubted, a dearer tier's in its place."""

    climb: Climb
    dispatcher: Dispatcher
    doubt: Doubt
    probed: set[str] = field(default_factory=set)

    async def open(self) -> Begun:
        """A stream of which nothing was released yet.

        Raises:
            AllTiersFailed, TierRefused
        """
        climb = self.climb
        begun = await self._ask(climb.decision.chain)
        while self.doubt.of(climb, begun[1].deployment.tier, read_events(begun[0].head)):
            better = await self._better(begun)
            if better is None:
                break
            begun = better
        if begun[1].deployment.tier in self.probed and not asks_logprobs(climb.request):
            begun[0].change(event_without_logprobs)
        return begun

    async def _better(self, begun: Begun) -> Begun | None:
        """A dearer tier's stream, with `begun` closed and paid; None, with `begun` as it was, where none can be had."""
        climb, (opened, served) = self.climb, begun
        up, priced = climb.above(served.deployment.tier), climb.price(_so_far(opened), served)
        climb.purse.pay(priced.cost_usd)  # the dollar limit must hold it beside the next one's bound
        try:
            # it stays open meanwhile: it is served where the next can't be had
            better = await self._ask(up) if await climb.purse.allows(up[0]) else None
        except (AllTiersFailed, TierError):
            better = None
        except BaseException:
            await opened.aclose()
            raise
        if better is None:
            climb.purse.pay(-priced.cost_usd)
            return None
        climb.count(priced)
        climb.rise(served.deployment.tier, better[1].deployment.tier, LOW_CONFIDENCE, priced.cost_usd)
        await self._close(opened, better)
        return better

    async def _close(self, opened: OpenStream, better: Begun) -> None:
        try:
            await opened.aclose()
        except BaseException:  # whoever leaves now has both to pay
            self.climb.pay(_so_far(better[0]), better[1])
            await better[0].aclose()
            raise

    async def _ask(self, chain: tuple[str, ...]) -> Begun:
        climb = self.climb
        probe = self.doubt.probe(climb, chain)
        if probe is not None:
            self.probed.update(probe.requests)
        return await self.dispatcher.open(
            climb.request, climb.on(chain), climb.trace, climb.deadline_s, climb.purse, probe
        )


def _so_far(opened: OpenStream) -> Answer:
    """What came, which is what a stream costs that is left."""
    assembler = Assembler()
    assembler.add(opened.head)
    return assembler.answer()
