"""Log-probabilities through the whole house: answers and streams that their own tier is not sure of."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell import Stepwell
from stepwell.base.errors import TierUnavailable
from stepwell.base.messages import Answer, Choice, Message, Usage
from stepwell.router.cascade.confidence import N_FIRST_TOKENS, Calibration, read_signal
from stepwell.router.tiers import weights
from stepwell.testing import FakeTier
from tests.house import CHEAP, DEAR, NO_CACHE, QUICK, heard, n_in_flight, read, records_of
from tests.support.ladders import (
    ASK,
    CAN,
    KNOWN,
    LOCAL,
    ON,
    OTHER,
    Sure,
    asks,
    confident,
    cost_of,
    well_of,
)


@pytest.mark.parametrize(("smallest", "tier"), [(-0.2, "cheap"), (-3.0, "other")])
async def test_a_doubtful_answer_goes_up(smallest: float, tier: str) -> None:
    labels: list[Any] = []
    cheap, other = Sure("one two", [-0.1, smallest]), Sure("three", [-9.0])
    async with confident(well_of(cheap, other, routing=ON), KNOWN, labels) as well:
        reply = await well.achat(ASK)
    assert reply.tier == tier
    assert [e.why for e in reply.trace.escalations] == ["low_confidence"] * (tier == "other")
    assert (asks(cheap), asks(other)) == ([True], [False] * (tier == "other"))
    assert msgspec.json.decode(reply.body)["choices"][0]["logprobs"] is None
    assert not labels
    assert not reply.is_degraded


async def test_a_caller_who_asks_for_log_probabilities_gets_them() -> None:
    async with confident(well_of(Sure("one two", [-0.1, -0.2]), routing=ON), KNOWN) as well:
        reply = await well.achat(ASK, logprobs=True)
    content = msgspec.json.decode(reply.body)["choices"][0]["logprobs"]["content"]
    assert [c["logprob"] for c in content] == [-0.1, -0.2]


async def test_a_tier_that_gives_none_is_not_asked_for_them() -> None:
    cheap = FakeTier("one")
    tiers = {"cheap": CHEAP | {"capabilities": []}, "other": OTHER, "dear": DEAR}
    async with confident(well_of(cheap, routing=ON, tiers=tiers), KNOWN) as well:
        assert (await well.achat(ASK)).tier == "cheap"
    assert asks(cheap) == [False]


async def test_an_answer_without_them_is_not_doubted() -> None:
    async with confident(well_of(FakeTier("one"), routing=ON), KNOWN) as well:
        assert (await well.achat(ASK)).tier == "cheap"


LONG = " ".join(f"w{i}" for i in range(4 * N_FIRST_TOKENS))


async def test_of_a_doubtful_stream_nothing_is_released() -> None:
    cheap, other = Sure(LONG, [-0.1, -3.0] + [-0.1] * 99), Sure("from the other tier", [-9.0])
    async with confident(well_of(cheap, other, routing=ON), KNOWN) as well:
        records = records_of(well)
        stream = await well.astream(ASK)
        assert await read(stream) == "from the other tier"
        spent = well.pipeline.ledger.spent_usd()
        assert n_in_flight(well) == 0
    assert (stream.tier, cheap.n_cancelled) == ("other", 1)
    (step,) = stream.trace.escalations
    assert (step.why, step.cost_usd > 0) == ("low_confidence", True)
    assert stream.reply is not None
    assert stream.reply.cost_usd == pytest.approx(step.cost_usd + cost_of(other, OTHER, 4))
    assert spent == pytest.approx(stream.reply.cost_usd, abs=1e-8)
    assert records[0].cost_usd == stream.reply.cost_usd
    assert stream.reply.usage.completion_tokens > 4
    assert step.cost_usd < cost_of(cheap, CHEAP, N_FIRST_TOKENS)  # given up at its second token


@pytest.mark.parametrize("is_asked", [False, True])
async def test_a_sure_stream_comes_whole_with_what_was_asked_for(is_asked: bool) -> None:
    n = 4 * N_FIRST_TOKENS
    cheap = Sure(LONG, [-0.1] * N_FIRST_TOKENS + [-9.0] * (n - N_FIRST_TOKENS))
    async with confident(well_of(cheap, routing=ON), KNOWN) as well:
        events = [e async for e in await well.astream(ASK, **({"logprobs": True} if is_asked else {}))]
    text = "".join(c.delta.content or "" for e in events for c in e.chunk.choices)
    choices = [c for e in events for c in msgspec.json.decode(e.payload)["choices"]]
    assert text == LONG
    assert sum(c["logprobs"] is not None for c in choices) == is_asked * n


@settings(max_examples=25, deadline=None)
@given(more=st.integers(-10, 60), is_stream=st.booleans(), n=st.integers(1, 3 * N_FIRST_TOKENS))
async def test_no_doubt_costs_more_than_the_limit(more: int, is_stream: bool, n: int) -> None:
    words = " ".join(["w"] * n)
    cheap = Sure(words, [-3.0] * n)
    # as dear as the router lets it be: the prompt as it counts it, and a hundred tokens
    dear = FakeTier(Answer([Choice(Message("assistant", "d"), 0, "stop")], usage=Usage(21, 100, 121)))
    limit = (21 * 10 + 100 * 20 + more) * 1e-6
    tiers = {"cheap": CHEAP | CAN, "dear": DEAR}
    plain: dict[str, Any] = {"cache": NO_CACHE, "guards": {"input": [], "output": []}, "dispatch": QUICK}
    promises = {"min_p_ok": 0, "max_usd_per_day": 1000}
    well = Stepwell(
        tiers=tiers, backends={"cheap": cheap, "dear": dear}, promises=promises, routing=ON, **plain
    )
    async with confident(well, KNOWN):
        if is_stream:
            stream = await well.astream(ASK, max_usd=limit)
            await read(stream)
            reply = stream.reply
        else:
            reply = await well.achat(ASK, max_usd=limit)
        spent = well.pipeline.ledger.spent_usd()
    assert reply is not None
    assert reply.cost_usd <= limit + 1e-12
    assert spent == pytest.approx(reply.cost_usd, abs=1e-8)
    assert reply.tier == ("dear" if dear.requests else "cheap")


async def test_a_doubtful_stream_is_served_where_no_other_can_be_had() -> None:
    gone = FakeTier(TierUnavailable("gone", tier="x"))
    async with confident(well_of(Sure(LONG, [-3.0]), gone, gone, routing=ON), KNOWN) as well:
        stream = await well.astream(ASK)
        assert await read(stream) == LONG
    assert stream.tier == "cheap"
    assert not stream.trace.escalations


async def test_leaving_a_held_stream_stops_the_upstream() -> None:
    cheap = Sure(LONG, [-0.1] * 99)
    async with confident(well_of(cheap, routing=ON), KNOWN) as well:
        stream = await well.astream(ASK)
        await stream.aclose()  # before the first piece is read
        other = await well.astream(ASK)
        await read(other, 2)
        await other.aclose()
        assert n_in_flight(well) == 0
    assert cheap.n_cancelled == 2
    assert len(heard) == 2


async def test_a_caller_who_leaves_between_two_streams_pays_for_the_first() -> None:
    cheap, other = Sure(LONG, [-3.0]), FakeTier("late", delay_s=60)
    async with confident(well_of(cheap, other, routing=ON), KNOWN) as well:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await well.astream(ASK)
        assert well.pipeline.ledger.spent_usd() > 0
        assert n_in_flight(well) == 0
    assert (cheap.n_cancelled, other.n_cancelled) == (1, 1)


@pytest.mark.skipif(weights.find(LOCAL) is None, reason=f"the weights of {LOCAL} are not here")
async def test_the_real_local_tier_says_how_sure_it_is() -> None:
    opposite = 'What is the opposite of "hot"? Answer with one word.'
    local = {"local": {"model": f"local/{LOCAL}", "quality": 0.1}, "dear": DEAR}
    sections: dict[str, Any] = {"cache": NO_CACHE, "guards": {"input": [], "output": []}, "routing": ON}
    promises = {"min_p_ok": 0}
    ask = {"temperature": 0, "max_tokens": 8, "timeout_s": 60}
    well = Stepwell(tiers=local, backends={"dear": FakeTier("dear")}, promises=promises, **sections)
    known = {"local": Calibration(1.0, 30.0, accept_above=0.5)}
    async with confident(well, known):
        sure = await read(await well.astream(opposite, **ask))
        told = await well.achat(opposite, tier="local", logprobs=True, **ask)
        confident(well, {"local": Calibration(1.0, -30.0, accept_above=0.5)})
        unsure = await read(await well.astream(opposite, **ask))
    assert sure == told.text
    signal = read_signal(told.body)
    assert signal is not None
    assert signal.smallest <= signal.first <= 0
    assert unsure == "dear"
