"""Ask several cheap tiers at once, and see whether what they say can be accepted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec

from stepwell.base.decisions import CascadePlan
from stepwell.base.errors import AllTiersFailed, TierError
from stepwell.router.cascade.accept import AcceptScore, Opinion, read_opinion
from stepwell.router.cascade.again import N_MORE_TOKENS, asked_again
from stepwell.router.cascade.climb import Climb, Paid
from stepwell.router.dispatch import Dispatcher
from stepwell.router.features import last_ask, read_ask


class Compared(msgspec.Struct, frozen=True):
    """What opinions come to.

    Attributes:
        best: The cheapest answer to serve, were one to be; None where no opinion can be had.
        usd: What all opinions did cost.
        why: The verdict in a word: "agree", "majority", "disagree", "unreadable", "low_confidence".
        said: What each opinion that can be read says, one a tier.
    """

    best: Paid | None
    is_accepted: bool
    usd: float
    why: str
    said: tuple[tuple[Paid, str], ...] = ()


async def compare(
    climb: Climb, plan: CascadePlan, dispatcher: Dispatcher, accept: AcceptScore, time_share: float
) -> Compared:
    """Ask every opinion of the plan at once, and judge.

    Args:
        time_share: Share of the time left that they may take, so that a dearer tier can still answer.
    """
    deadline_s = time.monotonic() + (climb.deadline_s - time.monotonic()) * time_share
    found = await _ask_all(climb, plan.opinions, dispatcher, deadline_s)
    opinions = [_read(paid, tier, plan.kind) for paid, tier in zip(found, plan.opinions, strict=True)]
    ask = read_ask(last_ask(climb.request.wire.messages))
    verdict = accept.judge(opinions, ask, climb.decision.need, accept_above=plan.accept_above)
    place = verdict.served
    if place is None:  # the first that says anything at all
        place = min(range(len(found)), key=lambda i: (opinions[i].answer is None, found[i] is None))
    usd = sum(paid.priced.cost_usd for paid in found if paid is not None)
    said = {p.tier: (p, o.answer) for p, o in zip(found[::-1], opinions[::-1], strict=True) if p and o.answer}
    return Compared(found[place], verdict.is_accepted, usd, verdict.why, tuple(said.values()))


async def _ask_all(
    climb: Climb, tiers: Sequence[str], dispatcher: Dispatcher, deadline_s: float
) -> list[Paid | None]:
    """What each says, in order; None for one that failed."""
    async with asyncio.TaskGroup() as group:  # who leaves takes all calls along
        tasks = [
            group.create_task(_ask(climb, tier, tiers[:i].count(tier), dispatcher, deadline_s))
            for i, tier in enumerate(tiers)
        ]
    return [task.result() for task in tasks]


async def _ask(climb: Climb, tier: str, nth: int, dispatcher: Dispatcher, deadline_s: float) -> Paid | None:
    more_usd = N_MORE_TOKENS * dispatcher.usd_per_input_token(tier) if nth else 0.0
    share = climb.purse.share(more_usd)
    request = asked_again(climb.request, nth)
    try:
        completed, served = await dispatcher.complete(
            request, climb.on((tier,)), climb.trace, deadline_s, share
        )
    except (AllTiersFailed, TierError):
        return None
    finally:
        share.close()
    # nothing awaits between the answer and here: whoever cancels now has paid for it
    return Paid(completed, served, climb.pay(completed.answer, served))


def _read(paid: Paid | None, tier: str, kind: str) -> Opinion:
    if paid is None:
        return Opinion(tier, None, 0)
    answer = paid.completed.answer
    opinion = read_opinion(tier, answer.text, kind)
    is_whole = bool(answer.choices) and answer.choices[0].finish_reason in ("stop", None)
    return opinion if is_whole else msgspec.structs.replace(opinion, answer=None)
