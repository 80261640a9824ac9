"""Dispatch: one deadline over retries and fallback, and nothing left behind."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.catalogue import ModelCard
from stepwell.base.config import DispatchConfig
from stepwell.base.decisions import Decision, Trace
from stepwell.base.errors import (
    AllTiersFailed,
    RateLimited,
    StreamBroken,
    TierError,
    TierRefused,
    TierUnavailable,
)
from stepwell.base.messages import Event
from stepwell.base.request import ChatRequest, Wishes
from stepwell.router.dispatch import Dispatcher
from stepwell.router.tiers.base import Backend, Completed
from stepwell.router.tiers.fake import FakeTier
from stepwell.router.tiers.tier import Deployment, Tier

REQUEST = ChatRequest.build({"messages": [{"role": "user", "content": "hi"}]})
QUICK = DispatchConfig(timeout_s=0.2, max_retries=1, backoff_s=0.002, max_backoff_s=0.01, cooldown_s=0)


def one(name: str, backend: Backend) -> Deployment:
    return Deployment(name, f"m/{name}", backend, ModelCard(f"m/{name}"))


def dispatcher(
    tiers: dict[str, list[Backend]], config: DispatchConfig = QUICK
) -> tuple[Dispatcher, Decision, list[Deployment]]:
    made = {n: Tier(n, [one(n, b) for b in bs], random.Random(0)) for n, bs in tiers.items()}
    chain = tuple(made)
    all_ = [d for t in made.values() for d in t.deployments]
    return Dispatcher(config, made, random.Random(0)), Decision(chain[0], chain, "test"), all_


async def complete(
    found: tuple[Dispatcher, Decision, list[Deployment]], timeout_s: float = 0.2
) -> tuple[str, list[tuple[str, str]]]:
    """Text of the answer, and who was tried with what outcome."""
    trace = Trace("r")
    ends = time.monotonic() + timeout_s
    completed, _ = await found[0].complete(REQUEST, found[1], trace, ends)
    return completed.answer.text, [(a.tier, a.outcome) for a in trace.attempts]


def down(tier: str = "t", wait_s: float | None = None) -> TierUnavailable:
    return TierUnavailable("down", tier=tier, retry_after_s=wait_s)


async def test_retry_then_fall_back() -> None:
    found = dispatcher({"a": [FakeTier(down())], "b": [FakeTier("yes")]})
    assert await complete(found) == ("yes", [("a", "tier_unavailable")] * 2 + [("b", "ok")])


async def test_another_deployment_comes_before_another_tier() -> None:
    bad, good = FakeTier(down()), FakeTier("yes")
    found = dispatcher(
        {"a": [bad, bad, good], "b": [FakeTier("no")]}, QUICK.model_copy(update={"max_retries": 2})
    )
    text, tried = await complete(found)
    assert text == "yes"
    assert {t for t, _ in tried} == {"a"}


async def test_what_can_not_help_is_not_retried() -> None:
    error = down()
    error.is_retryable = False
    found = dispatcher({"a": [FakeTier(error)], "b": [FakeTier("yes")]})
    assert await complete(found) == ("yes", [("a", "tier_unavailable"), ("b", "ok")])


async def test_a_refused_request_goes_no_further() -> None:
    other = FakeTier("no")
    found = dispatcher({"a": [FakeTier(TierRefused("bad field", tier="a"))], "b": [other]})
    with pytest.raises(TierRefused):
        await complete(found)
    assert other.requests == []


async def test_all_fail() -> None:
    found = dispatcher(
        {"a": [FakeTier(down("a"))], "b": [FakeTier(RateLimited("wait", tier="b", retry_after_s=9))]}
    )
    with pytest.raises(AllTiersFailed) as e:
        await complete(found)
    assert [x.tier for x in e.value.exceptions if isinstance(x, TierError)] == ["a", "a", "b"]
    assert e.value.status_code == 429
    assert e.value.retry_after_s == 9
    assert e.value.message == "3 tries failed: a tier_unavailable, a tier_unavailable, b rate_limited"


async def test_no_deployment_at_all_is_an_error_too() -> None:
    with pytest.raises(AllTiersFailed, match="no deployment"):
        await complete(dispatcher({"a": []}))


async def test_a_pinned_model_falls_on_no_other_model() -> None:
    made = {"a": Tier("a", [one("x", FakeTier(down())), one("y", FakeTier("no"))], random.Random(0))}
    decision = Decision("a", ("a",), "pinned", model="m/x")
    ends = time.monotonic() + 0.2
    with pytest.raises(AllTiersFailed):
        await Dispatcher(QUICK, made).complete(REQUEST, decision, Trace("r"), ends)


async def test_a_slow_deployment_is_not_asked_twice_in_a_row() -> None:
    slow, other = FakeTier(delay_s=60), FakeTier("yes")
    found = dispatcher({"a": [slow], "b": [other]})
    assert await complete(found) == ("yes", [("a", "timeout"), ("b", "ok")])


async def test_one_callers_haste_rests_no_deployment() -> None:
    config = QUICK.model_copy(
        update={"timeout_s": 30, "max_retries": 0, "failures_before_cooldown": 1, "cooldown_s": 9}
    )
    made, decision, (slow,) = dispatcher({"a": [FakeTier(delay_s=60)]}, config)
    hurried = msgspec.structs.replace(REQUEST, wishes=Wishes(timeout_s=0.01))
    with pytest.raises(AllTiersFailed):
        await made.complete(hurried, decision, Trace("r"), made.deadline_s(hurried))
    assert (slow.n_failures, slow.rests_until_s) == (0, 0)


async def test_our_own_full_queue_rests_no_deployment() -> None:
    config = QUICK.model_copy(update={"max_retries": 0, "failures_before_cooldown": 1, "cooldown_s": 9})
    found = dispatcher({"a": [FakeTier()]}, config)
    (full,) = found[2]
    full.max_concurrency = full.max_queue = 0
    with pytest.raises(AllTiersFailed) as e:
        await complete(found)
    assert e.value.status_code == 429
    assert full.rests_until_s == 0


async def test_who_never_left_our_queue_was_not_billed() -> None:
    found = dispatcher({"a": [FakeTier()]}, QUICK.model_copy(update={"max_retries": 0}))
    (busy,) = found[2]
    busy.max_concurrency = 0
    with pytest.raises(AllTiersFailed) as e:
        await complete(found, 0.02)
    assert [x.was_billed for x in e.value.exceptions if isinstance(x, TierError)] == [False]
    assert busy.n_failures == 0


async def test_rests_after_failures_in_a_row_and_heals() -> None:
    backend = FakeTier([down(), down(), down(), "yes"])
    config = QUICK.model_copy(update={"max_retries": 0, "cooldown_s": 0.05, "failures_before_cooldown": 3})
    found = dispatcher({"a": [backend]}, config)
    for is_healthy in (True, True, False):
        with pytest.raises(AllTiersFailed):
            await complete(found)
        assert found[0].is_healthy("a") is is_healthy
    await asyncio.sleep(0.06)
    assert found[0].is_healthy("a")
    assert (await complete(found))[0] == "yes"
    assert found[2][0].n_failures == 0


class Cut:
    """Streams that break before their first token, then answer."""

    def __init__(self, n_breaks: int) -> None:
        self.n_left = n_breaks
        self.fake = FakeTier("one two three")

    async def complete(self, request: ChatRequest) -> Completed:
        return await self.fake.complete(request)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        self.n_left -= 1
        if self.n_left >= 0:
            raise StreamBroken("cut", tier="t", was_billed=True)
        async for events in self.fake.stream(request):
            yield events

    async def close(self) -> None: ...


async def test_a_stream_cut_before_its_first_token_is_tried_again() -> None:
    found = dispatcher({"a": [Cut(1)]})
    trace = Trace("r")
    opened, _ = await found[0].open(REQUEST, found[1], trace, time.monotonic() + 0.2)
    assert [a.outcome for a in trace.attempts] == ["tier_unavailable", "ok"]
    await opened.aclose()
    await opened.aclose()
    assert found[2][0].n_in_flight == 0


async def test_a_left_stream_stops_the_upstream() -> None:
    fake = FakeTier("one two three")
    found = dispatcher({"a": [fake]})
    opened, _ = await found[0].open(REQUEST, found[1], Trace("r"), time.monotonic() + 0.2)
    assert found[2][0].n_in_flight == 1
    await opened.aclose()
    assert fake.n_cancelled == 1
    assert found[2][0].n_in_flight == 0


REPLIES = st.one_of(
    st.just("yes"),
    st.builds(down, st.just("t"), st.none() | st.floats(0, 0.2)),
    st.builds(lambda s: RateLimited("wait", tier="t", retry_after_s=s), st.floats(0, 0.2)),
    st.builds(lambda: TierRefused("bad", tier="t")),
)
FAKES = st.builds(
    lambda replies, delay_s: FakeTier(replies, delay_s=delay_s),
    st.lists(REPLIES, min_size=1, max_size=4),
    st.sampled_from([0.0, 0.0, 0.003, 0.02, 5.0]),
)
SHAPES = st.lists(st.lists(FAKES, min_size=1, max_size=2), min_size=1, max_size=3)


@settings(max_examples=60, deadline=None)
@given(
    shape=SHAPES,
    is_stream=st.booleans(),
    cancel_after_s=st.none() | st.floats(0, 0.05),
    seed=st.integers(0, 99),
)
def test_in_time_and_nothing_left(
    shape: list[list[FakeTier]], is_stream: bool, cancel_after_s: float | None, seed: int
) -> None:
    """Whatever tiers do and whenever the caller leaves: it ends by the deadline, and every place is free."""
    limit_s = 0.06

    async def run() -> None:
        tiers: dict[str, list[Backend]] = {f"t{i}": list(fakes) for i, fakes in enumerate(shape)}
        dispatch, decision, deployments = dispatcher(tiers)
        random.seed(seed)
        trace, began = Trace("r"), time.monotonic()

        async def call() -> None:
            if not is_stream:
                await dispatch.complete(REQUEST, decision, trace, began + limit_s)
                return
            opened, _ = await dispatch.open(REQUEST, decision, trace, began + limit_s)
            await opened.aclose()

        task = asyncio.create_task(call())
        if cancel_after_s is not None:
            await asyncio.sleep(cancel_after_s)
            task.cancel()
        [outcome] = await asyncio.gather(task, return_exceptions=True)
        assert outcome is None or isinstance(outcome, TierRefused | AllTiersFailed | asyncio.CancelledError)
        assert time.monotonic() - began < limit_s + 1.0  # 5 s is what a tier may take
        assert all(d.n_in_flight == 0 for d in deployments)
        assert len(asyncio.all_tasks()) == 1
        assert all(a.ms <= limit_s * 1e3 + 1000 for a in trace.attempts)

    asyncio.run(run())
