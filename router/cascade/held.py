"""A stream whose first tokens are held back until the tier's own confidence in them is read."""

from __future__ import annotations

from stepwell.base.assemble import Assembler
from stepwell.base.errors import AllTiersFailed, TierError
from stepwell.router.cascade.climb import Climb, Priced
from stepwell.router.cascade.confidence import (
    LOW_CONFIDENCE,
    asks_logprobs,
    event_without_logprobs,
    read_events,
)
from stepwell.router.cascade.doubt import Doubt
from stepwell.router.dispatch import Dispatcher, Served
from stepwell.router.opened import OpenStream


async def open_held(climb: Climb, dispatcher: Dispatcher, doubt: Doubt) -> tuple[OpenStream, Served]:
    """Open a stream; where its beginning is doubted, open a dearer tier's in its place: nothing was released yet.

    Raises:
        AllTiersFailed, TierRefused
    """

    async def ask(chain: tuple[str, ...]) -> tuple[OpenStream, Served]:
        probe = doubt.probe(climb, chain)
        made = await dispatcher.open(
            climb.request, climb.on(chain), climb.trace, climb.deadline_s, climb.purse, probe
        )
        if probe is not None and not asks_logprobs(climb.request):
            probed.update(probe.requests)
        return made

    probed: dict[str, object] = {}
    opened, served = await ask(climb.decision.chain)
    try:
        while doubt.of(climb, served.deployment.tier, read_events(opened.head)):
            up = climb.above(served.deployment.tier)
            if not await climb.purse.allows(up[0]):
                break
            try:  # the first stays open meanwhile: it is served where no other can be had
                better, served_by = await ask(up)
            except (AllTiersFailed, TierError):
                break
            dropped, opened = opened, better
            priced = _pay(climb, dropped, served)
            climb.rise(served.deployment.tier, served_by.deployment.tier, LOW_CONFIDENCE, priced.cost_usd)
            served = served_by
            await dropped.aclose()
    except BaseException:
        _pay(climb, opened, served)
        await opened.aclose()
        raise
    if served.deployment.tier in probed:
        opened.change(event_without_logprobs)
    return opened, served


def _pay(climb: Climb, opened: OpenStream, served: Served) -> Priced:
    """Pay for what came, as for a stream that its caller leaves."""
    assembler = Assembler()
    assembler.add(opened.head)
    return climb.pay(assembler.answer(), served)
