"""A deployment's places, and the choice between deployments."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.catalogue import ModelCard
from stepwell.base.errors import RateLimited
from stepwell.router.tiers.fake import FakeTier
from stepwell.router.tiers.tier import Deployment, Tier


def deployment(model: str = "m", *, max_concurrency: int = 256, max_queue: int = 1000) -> Deployment:
    return Deployment("t", model, FakeTier(), ModelCard(model), max_concurrency, max_queue)


async def hold(d: Deployment, n_ticks: int, peak: list[int]) -> None:
    await d.take_place()
    try:
        peak.append(d.n_in_flight)
        for _ in range(n_ticks):
            await asyncio.sleep(0)
    finally:
        d.leave_place()


@settings(max_examples=150, deadline=None)
@given(
    n_places=st.integers(1, 3),
    work=st.lists(st.tuples(st.integers(0, 4), st.none() | st.integers(0, 8)), min_size=1, max_size=12),
)
def test_no_place_is_lost(n_places: int, work: list[tuple[int, int | None]]) -> None:
    """Under any cancelling: never more than the places there are, and all of them free at the end."""

    async def run() -> None:
        d, peak = deployment(max_concurrency=n_places), [0]
        tasks = [asyncio.create_task(hold(d, n, peak)) for n, _ in work]
        for tick in range(9):
            for task, (_, cancel_at) in zip(tasks, work, strict=True):
                if cancel_at == tick:
                    task.cancel()
            await asyncio.sleep(0)
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(r is None or isinstance(r, asyncio.CancelledError) for r in done), done
        assert d.n_in_flight == 0
        assert max(peak) <= n_places
        await d.take_place()

    asyncio.run(run())


async def test_first_come_first_served() -> None:
    d = deployment(max_concurrency=1)
    order: list[int] = []

    async def take(n: int) -> None:
        await d.take_place()
        order.append(n)
        d.leave_place()

    await d.take_place()
    tasks = [asyncio.create_task(take(n)) for n in range(5)]
    await asyncio.sleep(0)
    d.leave_place()
    await asyncio.gather(*tasks)
    assert order == list(range(5))


async def test_a_full_queue_says_so() -> None:
    d = deployment(max_concurrency=1, max_queue=1)
    await d.take_place()
    waits = asyncio.create_task(d.take_place())
    await asyncio.sleep(0)
    with pytest.raises(RateLimited, match="queue is full"):
        await d.take_place()
    d.leave_place()
    await waits


def test_the_less_loaded_of_two() -> None:
    light, heavy = deployment(), deployment()
    heavy.n_in_flight = 5
    tier = Tier("t", [heavy, light], random.Random(0))
    assert all(tier.pick(0.0) is light for _ in range(50))


def test_every_deployment_is_drawn() -> None:
    made = [deployment() for _ in range(5)]
    tier = Tier("t", made, random.Random(0))
    assert {id(tier.pick(0.0)) for _ in range(200)} == {id(d) for d in made}


def test_rested_untried_and_of_the_model() -> None:
    a, b, c = deployment("x"), deployment("x"), deployment("y")
    tier = Tier("t", [a, b, c], random.Random(0))
    assert tier.pick(0.0, model="x", tried=[a]) is b
    assert tier.pick(0.0, model="y") is c
    assert tier.pick(0.0, model="z") is None
    a.rests_until_s = 10.0
    assert tier.pick(5.0, model="x") is b
    assert tier.pick(5.0, model="x", tried=[b]) is a  # better a resting one than none
    assert tier.is_healthy(5.0)


def test_a_tier_without_deployments_has_none() -> None:
    tier = Tier("t", [])
    assert tier.pick(0.0) is None
    assert not tier.is_healthy(0.0)
