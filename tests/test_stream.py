"""Streams that end well, early or badly: what the caller gets, who pays, what is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import msgspec
import pytest

from stepwell import GuardBlocked, StreamBroken
from stepwell.base.messages import Event, decode_chunk
from stepwell.base.request import ChatRequest
from stepwell.testing import FakeTier
from tests.house import heard, house, n_in_flight, read, records_of


async def test_leaving_a_stream_pays_for_what_came_and_records_499() -> None:
    tier = FakeTier(" ".join(["word"] * 1000))
    async with house(tier) as well:
        records = records_of(well)
        stream = await well.astream("Talk.")
        await read(stream, 10)
        await stream.aclose()
        spent = well.pipeline.ledger.spent_usd()
    assert tier.n_cancelled == 1
    assert [(r.status, r.error) for r in records] == [(499, "cancelled")]
    assert stream.reply is not None
    assert stream.reply.is_cost_estimated
    assert spent == pytest.approx(stream.reply.cost_usd, abs=1e-9)
    assert 10 * 2e-6 <= spent < 60 * 2e-6
    assert n_in_flight(well) == 0


async def test_a_cancelled_call_keeps_its_expected_cost_and_records_499() -> None:
    tier = FakeTier(delay_s=60)
    async with house(tier) as well:
        records = records_of(well)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await well.achat("Talk.")
        assert well.pipeline.ledger.spent_usd() > 0
    assert tier.n_cancelled == 1
    assert [r.status for r in records] == [499]


async def test_a_broken_stream_is_an_error_and_is_paid() -> None:
    async with house(
        FakeTier("one two three four", break_after=2, broken=StreamBroken("cut", tier="cheap"))
    ) as well:
        records = records_of(well)
        stream = await well.astream("Talk.")
        with pytest.raises(StreamBroken):
            await read(stream)
        assert "".join(heard) == "one two"
        assert well.pipeline.ledger.spent_usd() > 0
    assert [(r.status, r.error) for r in records] == [(502, "stream_broken")]


async def test_a_guard_blocks_in_mid_stream_and_nothing_of_it_is_kept() -> None:
    guards = {"input": [], "output": [{"check": "email", "action": "block"}]}
    tier = FakeTier("well then " * 30 + "mail a@b.example now " + "and so on " * 30)
    async with house(tier, guards=guards, cache={"semantic": "off"}) as well:
        records = records_of(well)
        stream = await well.astream("Talk.")
        with pytest.raises(GuardBlocked):
            await read(stream)
        assert "a@b" not in "".join(heard)
        assert tier.n_cancelled == 1
        assert well.pipeline.ledger.spent_usd() > 0
        assert records[0].error == "content_blocked"
        with pytest.raises(GuardBlocked):
            await well.achat("Talk.")
    assert len(tier.requests) == 2


class Chatty(FakeTier):
    """Sends its running usage with every piece, and the last piece with the finish, as some upstreams do."""

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        for n, text in enumerate(["one", " two", " three"], 1):
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": "stop" if n == 3 else None}
            usage = {"prompt_tokens": 5, "completion_tokens": n, "total_tokens": 5 + n}
            payload = msgspec.json.encode({"id": "x", "choices": [choice], "usage": usage})
            yield [Event(payload, decode_chunk(payload))]


@pytest.mark.parametrize("is_asked", [False, True])
async def test_usage_with_every_piece_is_told_once_and_only_where_asked(is_asked: bool) -> None:
    async with house(Chatty(), cache={"semantic": "off"}) as well:
        stream = await well.astream("Count.", stream_options={"include_usage": is_asked})
        events = [e async for e in stream]
        again = await well.achat("Count.")
    told = [e for e in events if msgspec.json.decode(e.payload).get("usage")]
    assert len(told) == is_asked
    assert told == events[-1:] * is_asked
    assert stream.reply is not None
    assert stream.reply.text == "one two three"
    assert stream.reply.usage.completion_tokens == 3
    assert (again.trace.cache and again.trace.cache.status) == "hit"
