"""The same faults through the Python API, async and sync."""

from __future__ import annotations

import asyncio
import time

import pytest

from stepwell import Stepwell
from stepwell.base.errors import AllTiersFailed, StreamBroken, TierTimeout
from tests.support.served import sections, tier, until, wait_until
from tests.support.upstream import Upstream


def make(upstream: Upstream, model: str, **dispatch: float) -> Stepwell:
    return Stepwell(**sections({"only": tier(upstream.base_url, model)}, **dispatch))


async def test_all_tiers_failed(upstream: Upstream) -> None:
    async with make(upstream, "mock-e429-r7", max_retries=1) as well:
        with pytest.raises(AllTiersFailed) as e:
            await well.achat("hi")
        assert e.value.retry_after_s == 7
        assert e.value.status_code == 429


async def test_deadline(upstream: Upstream) -> None:
    async with make(upstream, "mock-hanghead", timeout_s=30) as well:
        began = time.monotonic()
        with pytest.raises(AllTiersFailed) as e:
            await well.achat("hi", timeout_s=0.2)
        assert time.monotonic() - began < 1
        assert [type(x) for x in e.value.exceptions] == [TierTimeout]


async def test_a_stream_that_breaks_keeps_what_came(upstream: Upstream) -> None:
    async with make(upstream, "mock-cut-i50") as well:
        stream = await well.astream("hi")
        pieces = stream.text_deltas()
        assert await anext(pieces) == " tk"
        with pytest.raises(StreamBroken):
            await anext(pieces)
        assert stream.reply is not None
        assert stream.reply.text == " tk"
        assert stream.reply.cost_usd > 0
        assert stream.reply.is_cost_estimated


async def test_silence_ends_the_stream_and_not_the_task(upstream: Upstream) -> None:
    async with make(upstream, "mock-hangmid", stream_idle_timeout_s=0.1) as well:
        stream = await well.astream("hi")
        with pytest.raises(TierTimeout, match="silent"):
            async for _ in stream:
                pass
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0)


async def test_a_caller_at_work_is_never_cancelled(upstream: Upstream) -> None:
    """A stream over its time tells a slow caller when it asks for more, not in the middle of its own work."""
    async with make(upstream, "mock-n100-i10", stream_timeout_s=0.1, stream_idle_timeout_s=0.1) as well:
        stream = await well.astream("hi")
        batches = stream.batches()
        await anext(batches)
        await asyncio.sleep(0.3)
        with pytest.raises(TierTimeout, match="stream_timeout_s"):
            async for _ in batches:
                pass
        await until(lambda: upstream.n_open == 0)


async def test_a_cancel_from_outside_stays_a_cancel(upstream: Upstream) -> None:
    async with make(upstream, "mock-hangmid") as well:

        async def read() -> None:
            async for _ in await well.astream("hi"):
                pass

        task = asyncio.create_task(read())
        await until(lambda: upstream.n_requests == 1)
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: upstream.n_aborted == 1)


async def test_leaving_early_stops_the_upstream(upstream: Upstream) -> None:
    async with make(upstream, "mock-n1000-i10") as well:
        stream = await well.astream("hi")
        async for _ in stream:
            break
        await stream.aclose()
        await until(lambda: upstream.n_aborted == 1)
        assert stream.reply is not None
        assert stream.reply.usage.completion_tokens < 100


def test_sync_hang_in_mid_stream(upstream: Upstream) -> None:
    with make(upstream, "mock-hangmid", stream_idle_timeout_s=0.2) as well:
        pieces = iter(well.stream("hi"))
        assert next(pieces) == " tk"
        with pytest.raises(TierTimeout):
            next(pieces)
    wait_until(lambda: upstream.n_open == 0)


def test_sync_leaving_early(upstream: Upstream) -> None:
    with make(upstream, "mock-n1000-i10") as well:
        with well.stream("hi") as stream:
            for _ in stream:
                break
        wait_until(lambda: upstream.n_aborted == 1)
