"""What one call under way must not do for another caller: hide that it is degraded, or share a cut answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stepwell import BadRequest, ReplyStream, Stepwell
from stepwell.base.messages import Answer, Choice, Message
from stepwell.base.request import ChatRequest
from stepwell.front.server.wishes import reply_headers
from stepwell.testing import FakeTier
from tests.house import CHEAP, QUICK, house, read, records_of

EXACT: dict[str, Any] = {"semantic": "off"}
ASK = "Prove that every even number above two is a sum of two primes."


def poor_house() -> Stepwell:
    """Both tiers are under the floor, and may answer nevertheless."""
    return Stepwell(
        tiers={"cheap": {**CHEAP, "quality": 0.3}},
        backends={"cheap": FakeTier("a b c d e f g h", delay_s=0.05)},
        cache=EXACT,
        guards={"input": [], "output": []},
        dispatch=QUICK,
        promises={"min_p_ok": 0.97, "below_floor": "flag", "max_usd_per_day": 1000},
    )


async def test_whoever_shares_a_degraded_answer_is_told() -> None:
    well = poor_house()
    records = records_of(well)
    replies = await asyncio.gather(well.achat(ASK), well.achat(ASK))
    assert [r.trace.cache.status for r in replies if r.trace.cache] == ["miss", "hit"]
    assert all(r.is_degraded for r in replies)
    assert [r.is_degraded for r in records] == [True, True]
    await well.aclose()


@pytest.mark.parametrize("does_leave", [False, True])
async def test_a_degraded_stream_is_so_for_all_and_is_kept_by_nobody(does_leave: bool) -> None:
    well = poor_house()
    first, second = (asyncio.create_task(well.astream(ASK)) for _ in range(2))
    leader, follower = await first, await second
    headers = reply_headers(follower.trace, tier="cheap", model="", cost_usd=None, why="")
    assert (b"x-stepwell-degraded", b"below-floor") in headers
    if does_leave:
        await read(leader, 1)
        await leader.aclose()
        text = await text_of(follower)
    else:
        _, text = await asyncio.gather(text_of(leader), text_of(follower))
    assert text == "a b c d e f g h"
    assert follower.reply is not None
    assert follower.reply.is_degraded
    later = await well.achat(ASK)
    assert later.trace.cache is not None
    assert later.trace.cache.status == "miss"
    await well.aclose()


async def text_of(stream: ReplyStream) -> str:
    return "".join([piece async for piece in stream.text_deltas()])


class Measured(FakeTier):
    """Says as many words as it may."""

    def __init__(self) -> None:
        super().__init__(self.say, delay_s=0.05)
        self.n_calls = 0

    def say(self, request: ChatRequest) -> Answer:
        self.n_calls += 1
        return as_long_as_allowed(request)


def as_long_as_allowed(request: ChatRequest) -> Answer:
    cap = request.output_cap or 200
    return Answer([Choice(Message("assistant", "word " * cap), 0, "length" if cap < 200 else "stop")])


@pytest.mark.parametrize(
    ("limits", "n_calls"),
    [((0.01, None), 2), ((0.01, 0.02), 2), ((0.01, 0.01), 1), ((None, None), 1)],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_only_equal_dollar_limits_share(
    limits: tuple[float | None, ...], n_calls: int, is_stream: bool
) -> None:
    tier = Measured()
    well = house(tier, cache=EXACT, context={"reserve_tokens": 50})

    async def n_words(limit: float | None) -> int:
        asks = {} if limit is None else {"max_usd": limit}
        if is_stream:
            return len((await text_of(await well.astream(ASK, **asks))).split())
        return len((await well.achat(ASK, **asks)).text.split())

    found = await asyncio.gather(*(n_words(limit) for limit in limits))
    assert found == [200 if limit is None else 50 for limit in limits]
    assert tier.n_calls == n_calls
    await well.aclose()


async def test_a_limit_of_the_house_is_everybodys() -> None:
    """A wish that is looser than the configured limit changes nothing."""
    tier = Measured()
    promises = {"min_p_ok": 0, "max_usd_per_request": 0.01}
    well = house(tier, cache=EXACT, promises=promises, context={"reserve_tokens": 50})
    await asyncio.gather(well.achat(ASK), well.achat(ASK, max_usd=0.5))
    assert tier.n_calls == 1
    await well.aclose()


@pytest.mark.parametrize("name", ["tenant", "user", "session"])
async def test_a_name_that_is_no_unicode_is_a_bad_request(name: str) -> None:
    well = house(FakeTier(), cache=EXACT)
    asks: dict[str, Any] = {name: "a\ud800b"}
    with pytest.raises(BadRequest) as caught:
        await well.achat(ASK, **asks)
    assert "\ud800" not in str(caught.value)
    await well.aclose()


def test_nor_does_http_take_one() -> None:
    with pytest.raises(BadRequest):
        ChatRequest.parse(rb'{"messages": [{"role": "user", "content": "x"}], "user": "a\ud800b"}')
