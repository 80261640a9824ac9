"""A request's dollar limit holds over retries and fallbacks, and what failed is booked at its bound."""

from __future__ import annotations

import asyncio
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.catalogue import ModelCard
from stepwell.base.config import DispatchConfig, PromisesConfig
from stepwell.base.decisions import Decision, TierEstimate, Trace
from stepwell.base.errors import AllTiersFailed, TierError, TierRefused, TierUnavailable
from stepwell.base.request import NOBODY, ChatRequest
from stepwell.router.budget import Ledger
from stepwell.router.dispatch import Dispatcher
from stepwell.router.purse import Purse
from stepwell.router.tiers.fake import FakeTier
from stepwell.router.tiers.tier import Deployment, Tier

REQUEST = ChatRequest.build({"messages": [{"role": "user", "content": "hi"}]})
CONFIG = DispatchConfig(timeout_s=5, max_retries=2, backoff_s=1e-6, max_backoff_s=1e-6, cooldown_s=0)

# how each try at a tier ends, and whether the upstream bills it
ENDS = {"ok": True, "billed": True, "free": False, "refused": True}


def backend(ends: list[str]) -> FakeTier:
    def error(end: str) -> str | TierError:
        if end == "ok":
            return "fine"
        kind = TierRefused if end == "refused" else TierUnavailable
        return kind("down", tier="t", was_billed=ENDS[end])

    return FakeTier([error(e) for e in ends])


class Case:
    """Tiers whose tries end as told; each billed try costs its whole bound."""

    def __init__(self, tiers: list[tuple[int, FakeTier]], limit_usd: float | None, day_usd: float) -> None:
        self.backends = [b for _, b in tiers]
        self.bounds_usd = [float(usd) for usd, _ in tiers]
        names = tuple(f"t{i}" for i in range(len(tiers)))
        made = {
            n: Tier(n, [Deployment(n, f"m/{n}", b, ModelCard(f"m/{n}"))])
            for n, b in zip(names, self.backends, strict=True)
        }
        pairs = zip(names, self.bounds_usd, strict=True)
        decision = Decision(
            names[0], names, "test", tuple(TierEstimate(n, 0.9, usd / 2, usd, "") for n, usd in pairs)
        )
        self.ledger = Ledger(PromisesConfig(max_usd_per_day=day_usd))
        self.purse = Purse(self.ledger, NOBODY, decision, limit_usd)
        self._dispatcher, self._decision = Dispatcher(CONFIG, made, random.Random(0)), decision

    async def run(self) -> float:
        """Dollars booked."""
        await self.purse.open()
        won_usd = 0.0
        try:
            ends_s = time.monotonic() + 5
            _, served = await self._dispatcher.complete(
                REQUEST, self._decision, Trace("r"), ends_s, self.purse
            )
            won_usd = self.bounds_usd[int(served.deployment.tier[1:])]
        except (AllTiersFailed, TierRefused):
            pass
        finally:
            await self.purse.settle(self.purse.lost_usd + won_usd)
        return self.purse.lost_usd + won_usd


ends_of_tries = st.lists(st.sampled_from(sorted(ENDS)), min_size=3, max_size=3)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), ends_of_tries), min_size=1, max_size=3),
    st.integers(9, 40),
    st.integers(9, 40),
)
async def test_no_limit_is_broken_over_tries(
    tiers: list[tuple[int, list[str]]], limit_usd: int, day_usd: int
) -> None:
    case = Case([(usd, backend(ends)) for usd, ends in tiers], limit_usd, day_usd)
    booked_usd = await case.run()
    billed_usd = sum(
        usd * sum(ENDS[end] for end in ends[: len(fake.requests)])
        for (usd, ends), fake in zip(tiers, case.backends, strict=True)
    )
    assert billed_usd <= booked_usd <= min(limit_usd, day_usd)
    assert case.ledger.spent_usd() == pytest.approx(booked_usd)


async def test_without_a_limit_every_try_is_made() -> None:
    case = Case([(9, backend(["billed"] * 3))], None, 100)
    assert await case.run() == 27
    assert len(case.backends[0].requests) == 3


async def test_the_limit_skips_to_a_tier_that_it_still_allows() -> None:
    case = Case([(5, backend(["billed"] * 3)), (9, backend(["ok"])), (1, backend(["ok"]))], 10, 100)
    assert await case.run() == 10  # both tries at 5 fail; neither 9 nor 1 fits any more
    assert [len(b.requests) for b in case.backends] == [2, 0, 0]
    case = Case([(6, backend(["billed"] * 3)), (9, backend(["ok"])), (1, backend(["ok"]))], 10, 100)
    assert await case.run() == 7
    assert [len(b.requests) for b in case.backends] == [1, 0, 1]


async def test_a_try_that_is_left_counts_at_its_bound() -> None:
    case = Case([(5, FakeTier(delay_s=60))], 10, 100)
    task = asyncio.create_task(case.run())
    await asyncio.sleep(0.02)
    assert case.backends[0].requests
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert case.ledger.spent_usd() == case.purse.lost_usd == 5
