"""Checks of answers through the whole house: a failed one goes a tier up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import openai
import pytest

from stepwell import GuardBlocked
from stepwell.base.errors import TierUnavailable
from stepwell.base.request import ChatRequest
from stepwell.router.cascade.run import make_ladder
from stepwell.testing import FakeTier
from tests.house import CHEAP, DEAR, NO_CACHE, QUICK
from tests.support.ladders import ASK, CAN, JSON, OTHER, PLAN, cascading, confident, cost_of, well_of
from tests.support.served import Served


async def test_an_answer_that_fails_its_check_goes_one_tier_up() -> None:
    labels: list[Any] = []
    cheap, other, dear = FakeTier("no json"), FakeTier('{"a": 1}'), FakeTier()
    async with confident(well_of(cheap, other, dear, routing={"validators": ["json"]}), {}, labels) as well:
        reply = await well.achat(ASK, **JSON)
        spent = well.pipeline.ledger.spent_usd()
    assert (reply.text, reply.tier, len(dear.requests)) == ('{"a": 1}', "other", 0)
    (step,) = reply.trace.escalations
    assert (step.from_tier, step.to_tier, step.why) == ("cheap", "other", "json: not JSON")
    assert labels == [
        ("cheap", 0.0, "validate", "json: not JSON"),
        ("other", 1.0, "validate", "json: not JSON"),
    ]
    assert reply.cost_usd == pytest.approx(cost_of(cheap, CHEAP, 2) + cost_of(other, OTHER, 2))
    assert spent == pytest.approx(reply.cost_usd, abs=1e-8)
    assert not reply.is_degraded


async def test_where_no_answer_passes_the_last_one_comes_flagged_and_is_not_cached() -> None:
    cheap, other, dear = FakeTier("no"), FakeTier("neither"), FakeTier("{}")
    cache = {"exact": True, "semantic": "off"}
    async with well_of(cheap, other, dear, routing={"validators": ["json"]}, cache=cache) as well:
        for n in (1, 2):
            reply = await well.achat(ASK, **JSON)
            assert (reply.text, reply.tier, reply.is_degraded) == ("neither", "other", True)
            assert "in spite of json: not JSON" in reply.why
            assert "below the quality floor" not in reply.why
            assert len(cheap.requests) == n
    assert not dear.requests  # routing.max_escalations is 1


@pytest.mark.parametrize(("most", "tier"), [(0, "cheap"), (1, "other"), (2, "dear")])
async def test_steps_are_bounded(most: int, tier: str) -> None:
    routing = {"validators": ["json"], "max_escalations": most}
    async with well_of(FakeTier("no"), FakeTier("no"), FakeTier("{}"), routing=routing) as well:
        reply = await well.achat(ASK, **JSON)
    assert (reply.tier, len(reply.trace.escalations)) == (tier, most)
    assert reply.is_degraded == (tier != "dear")


async def test_a_pinned_tier_is_not_left() -> None:
    other = FakeTier("{}")
    async with well_of(FakeTier("no"), other, routing={"validators": ["json"]}) as well:
        reply = await well.achat(ASK, tier="cheap", **JSON)
    assert (reply.text, reply.is_degraded, other.requests) == ("no", True, [])


async def test_a_check_of_ones_own_decides_too() -> None:
    routing = {"validators": [f"{__name__}:is_long"]}
    async with well_of(FakeTier("short"), FakeTier("a longer answer"), routing=routing) as well:
        reply = await well.achat(ASK)
    assert reply.text == "a longer answer"


def is_long(request: ChatRequest, answer: Any) -> bool:
    return len(answer.text) > 8


async def test_a_guards_block_is_a_failed_check_where_that_is_wanted() -> None:
    guards = {"input": [], "output": [{"check": "email", "action": "block"}]}
    leaks, clean = FakeTier("write to a@b.example"), FakeTier("write to them")
    async with well_of(leaks, clean, guards=guards, routing={"validators": ["guard"]}) as well:
        reply = await well.achat(ASK)
        assert [e.why for e in reply.trace.escalations] == ["guard: blocked"]
    async with well_of(leaks, leaks, guards=guards, routing={"validators": ["guard"]}) as well:
        with pytest.raises(GuardBlocked):
            await well.achat(ASK)
        assert well.pipeline.ledger.spent_usd() > 0
    assert reply.text == "write to them"


async def test_a_dearer_tier_that_fails_leaves_the_answer_that_is_there() -> None:
    gone = FakeTier(TierUnavailable("gone", tier="x"))
    async with well_of(FakeTier("no"), gone, gone, routing={"validators": ["json"]}) as well:
        reply = await well.achat(ASK, **JSON)
    assert (reply.text, reply.is_degraded, reply.trace.escalations) == ("no", True, [])


async def test_an_agreed_answer_is_checked_like_any_other() -> None:
    plan = msgspec.structs.replace(PLAN, kind="short")
    async with cascading(FakeTier("no"), FakeTier("no"), FakeTier("{}"), plan=plan) as well:
        routing = well.config.routing.model_copy(update={"validators": ["json"]})
        ladder = make_ladder(routing, well.pipeline.dispatcher, well.pipeline.router.tiers)
        well.pipeline = replace(well.pipeline, ladder=ladder)
        reply = await well.achat(ASK, **JSON)
    assert (reply.text, reply.tier) == ("{}", "dear")


def test_the_official_client_sees_what_it_took() -> None:
    values: dict[str, Any] = {
        "tiers": {"cheap": CHEAP | CAN, "dear": DEAR | CAN},
        "backends": {"cheap": FakeTier("no json"), "dear": FakeTier("{}")},
        "routing": {"validators": ["json"]},
        "cache": NO_CACHE,
        "dispatch": QUICK,
        "promises": {"min_p_ok": 0},
    }
    ask: Any = [{"role": "user", "content": ASK}]
    with Served(values) as served:
        base_url = f"http://127.0.0.1:{served.port}/v1"
        with openai.OpenAI(api_key="unused", base_url=base_url, max_retries=0, timeout=20) as client:
            chat = client.chat.completions.with_raw_response
            up: Any = chat.create(model="auto", messages=ask, response_format={"type": "json_object"})
            plain = chat.create(model="auto", messages=ask)
    assert up.parse().choices[0].message.content == "{}"
    assert up.headers["x-stepwell-escalations"] == "1"
    assert up.headers["x-stepwell-tier"] == "dear"
    assert "escalated from cheap to dear: json: not JSON" in up.headers["x-stepwell-why"]
    assert float(up.headers["x-stepwell-cost-usd"]) > float(plain.headers["x-stepwell-cost-usd"])
    assert "x-stepwell-escalations" not in plain.headers
