"""Guards through the whole house: requests bound to tiers, answers asked for again, people asked."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell import GuardBlocked, Stepwell
from stepwell.base.decisions import Finding
from stepwell.base.errors import (
    GuardUnavailable,
    HeldForReview,
    NoCapableTier,
    StepwellError,
    TierUnavailable,
)
from stepwell.base.messages import Answer, Choice, Message, Usage
from stepwell.base.request import ChatRequest
from stepwell.testing import FakeTier
from tests.house import QUICK
from tests.support.ladders import PLAN, cascading, well_of

EMAIL = "write to ann@example.com"
KEEP = [{"check": "email", "action": "keep_to", "tiers": ["cheap"]}]
DOWN = TierUnavailable("down", tier="cheap")


def saw(*fakes: FakeTier) -> list[str]:
    return [
        m.text for fake in fakes for r in fake.requests for m in r.messages if "ann@example.com" in m.text
    ]


async def test_personal_data_binds_a_request_and_the_trace_says_so() -> None:
    cheap, other, dear = FakeTier("hello"), FakeTier(), FakeTier()
    async with well_of(cheap, other, dear, guards={"input": KEEP, "output": []}) as well:
        reply = await well.achat(EMAIL, min_tier=None)
        assert (reply.tier, len(cheap.requests)) == ("cheap", 1)
        assert reply.trace.guard_input is not None
        assert reply.trace.guard_input.keep_to == ("cheap",)
        assert reply.trace.route is not None
        assert {e.tier: e.status for e in reply.trace.route.estimates}["dear"] == "keep_to"
        with pytest.raises(NoCapableTier, match="bound to others"):
            await well.achat(EMAIL, tier="dear")
        assert (await well.achat("hello", tier="dear")).tier == "dear"
    assert not saw(other, dear)


SECTIONS = st.fixed_dictionaries(
    {
        "validators": st.sampled_from([[], ["json"], ["guard"]]),
        "cascades": st.booleans(),
        "fails": st.booleans(),
        "repeats": st.booleans(),
        "streams": st.booleans(),
        "by": st.sampled_from(["finding", "wish", "tenant", "tag", "talk"]),
        "escalates": st.booleans(),
        "semantic": st.sampled_from(["off", "serve"]),
        "asks": st.sampled_from([{}, {"tier": "dear"}, {"min_tier": "other"}, {"below_floor": "flag"}]),
    }
)


@settings(max_examples=60, deadline=None)
@given(SECTIONS)
async def test_a_bound_request_never_reaches_another_tier(case: dict[str, Any]) -> None:
    """Over fallbacks, retries, escalations, cascades, conversations and the cache."""
    replies: list[Any] = [DOWN, "no json", "ann@example.com"] if case["fails"] else ["no json", "use 12"]
    cheap, other, dear = FakeTier(replies), FakeTier("no json"), FakeTier("{}")
    output = [{"check": "email", "action": "escalate"}] if case["escalates"] else []
    by_tenant = {"name": "eu", "tenants": ["eu"], "keep_to": ["cheap"]}
    by_tag = {"name": "own", "tags": ["own"], "keep_to": ["cheap"]}
    finds = KEEP if case["by"] in ("finding", "talk") else []
    sections: dict[str, Any] = {
        "guards": {"input": finds, "output": output, "routes": [by_tenant, by_tag]},
        "routing": {"validators": case["validators"], "max_escalations": 2, "cascade": "on"},
        "cache": {"exact": True, "semantic": case["semantic"], "judge": "tier:dear"},
        "dispatch": {**QUICK, "max_retries": 1, "failures_before_cooldown": 100},
    }
    make = cascading if case["cascades"] else well_of
    if make is cascading:
        del sections["routing"]
    async with make(cheap, other, dear, **sections) as well:
        by: dict[str, dict[str, Any]] = {
            "finding": {},
            "wish": {"keep_to": ["cheap"]},
            "tenant": {"tenant": "eu"},
            "tag": {"tags": ["own"]},
            "talk": {"conversation": "c"},
        }
        asks = by[case["by"]]
        for _ in range(2 if case["repeats"] else 1):
            await _try(well, EMAIL, case["streams"], {**asks, **case["asks"]})
        if case["by"] == "talk" and cheap.requests:
            await _try(well, "what was that address?", case["streams"], {**asks, **case["asks"]})
    assert not saw(other, dear)


async def _try(well: Stepwell, text: str, is_stream: bool, asks: dict[str, Any]) -> None:
    try:
        if not is_stream:
            await well.achat(text, **asks)
            return
        async for _ in await well.astream(text, **asks):
            pass
    except StepwellError:
        return


async def test_a_tier_that_may_not_be_asked_is_not_even_where_a_plan_names_it() -> None:
    cheap, other, dear = FakeTier("4"), FakeTier("5"), FakeTier("4")
    async with cascading(cheap, other, dear, guards={"input": KEEP, "output": []}) as well:
        await _try(well, EMAIL, False, {})
        await _try(well, "no data here", False, {})
    assert not saw(other, dear)
    assert set(PLAN.opinions) == {"cheap", "other"}
    assert len(other.requests) == 1


async def test_a_conversation_stays_bound_after_a_restart(tmp_path: Path) -> None:
    sections: dict[str, Any] = {
        "guards": {"input": [], "output": []},
        "context": {"path": str(tmp_path / "log.db")},
    }
    async with well_of(FakeTier("noted"), **sections) as well:
        await well.achat(EMAIL, conversation="c", keep_to=["cheap"])
    cheap, other, dear = FakeTier("yes"), FakeTier(), FakeTier()
    async with well_of(cheap, other, dear, **sections) as well:
        reply = await well.achat("do you remember?", conversation="c", min_tier=None)
        assert reply.tier == "cheap"
        with pytest.raises(NoCapableTier):
            await well.achat("do you remember?", conversation="c", tier="dear")
    assert saw(cheap)
    assert not saw(other, dear)


SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "a",
        "schema": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},
    },
}


async def test_an_answer_against_the_schema_is_asked_for_again_with_the_fault_and_paid() -> None:
    cheap = FakeTier(["no json at all", '{"a": "x"}', '{"a": 1}'])
    guards = {"input": [], "output": [{"check": "json_schema", "action": "reask", "n_reasks": 2}]}
    async with well_of(cheap, guards=guards) as well:
        reply = await well.achat("give a", tier="cheap", response_format=SCHEMA)
        spent = well.pipeline.ledger.spent_usd()
    assert reply.text == '{"a": 1}'
    assert len(cheap.requests) == 3
    roles = [m.role for m in cheap.requests[1].messages]
    assert roles == ["user", "assistant", "user"]
    assert "no json at all" not in cheap.requests[1].messages[-1].text
    assert len(reply.trace.escalations) == 2
    assert spent == pytest.approx(reply.cost_usd, abs=1e-8)


async def test_after_the_last_try_it_is_blocked_and_all_tries_are_paid() -> None:
    cheap = FakeTier("no json")
    guards = {"input": [], "output": [{"check": "json_schema", "action": "reask", "n_reasks": 2}]}
    async with well_of(cheap, guards=guards) as well:
        with pytest.raises(GuardBlocked) as e:
            await well.achat("give a", tier="cheap", response_format=SCHEMA)
        assert well.pipeline.ledger.spent_usd() > 0
    assert len(cheap.requests) == 3
    assert e.value.verdict.action in ("reask", "block")


async def test_a_streamed_answer_that_may_be_asked_for_again_comes_whole() -> None:
    cheap = FakeTier(["no json", '{"a": 1}'])
    guards = {"input": [], "output": [{"check": "json_schema", "action": "reask"}]}
    async with well_of(cheap, guards=guards) as well:
        stream = await well.astream("give a", tier="cheap", response_format=SCHEMA)
        assert "".join([piece async for piece in stream.text_deltas()]) == '{"a": 1}'
    assert len(cheap.requests) == 2


async def test_a_flagged_answer_goes_a_tier_up() -> None:
    cheap, other = FakeTier("ask ann@example.com"), FakeTier("ask the desk")
    guards = {"input": [], "output": [{"check": "email", "action": "escalate"}]}
    async with well_of(cheap, other, guards=guards) as well:
        reply = await well.achat("whom do I ask?")
    assert (reply.text, reply.tier) == ("ask the desk", "other")
    assert [(x.from_tier, x.to_tier, x.why) for x in reply.trace.escalations] == [
        ("cheap", "other", "guard: EMAIL")
    ]


async def test_what_people_have_to_look_at_waits_passes_or_is_blocked() -> None:
    guards = {"input": [{"check": "email", "action": "review"}], "output": []}
    async with well_of(FakeTier("sent"), guards=guards) as well:
        with pytest.raises(HeldForReview) as held:
            await well.achat(EMAIL)
        reviews = well.pipeline.reviews
        assert reviews is not None
        with pytest.raises(HeldForReview) as again:
            await well.achat(EMAIL)
        assert again.value.review_id == held.value.review_id
        await reviews.approve(held.value.review_id, by="ann")
        assert (await well.achat(EMAIL)).text == "sent"
        with pytest.raises(HeldForReview) as other:
            await well.achat(EMAIL, tenant="other")
        await reviews.reject(other.value.review_id, by="ann")
        with pytest.raises(GuardBlocked) as blocked:
            await well.achat(EMAIL, tenant="other")
        assert not isinstance(blocked.value, HeldForReview)


async def test_the_audit_proves_where_a_request_went(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    guards = {"input": KEEP, "output": [], "audit": {"path": str(path)}}
    async with well_of(FakeTier("hello"), guards=guards) as well:
        await well.achat(EMAIL)
        with pytest.raises(NoCapableTier):
            await well.achat(EMAIL, tier="dear")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 2
    assert "ann@" not in path.read_text()
    assert lines[0]["keep_to"] == ["cheap"]


@pytest.mark.parametrize("again", [{}, {"action": "escalate"}])
async def test_an_answer_that_is_replayed_meets_the_rules_of_streams(again: dict[str, Any]) -> None:
    """A kept answer, or one that had to be whole, is streamed under the rules of streams and no others."""
    guards = {"input": [], "output": [], "stream": [{"check": "email", **again}]}
    cache = {"exact": True, "semantic": "off"}
    cheap, other = FakeTier("ask ann@example.com"), FakeTier("ask the desk")
    async with well_of(cheap, other, guards=guards, cache=cache) as well:
        assert (await well.achat("whom do I ask?")).text == "ask ann@example.com"
        stream = await well.astream("whom do I ask?")
        said = "".join([piece async for piece in stream.text_deltas()])
    assert said == ("ask the desk" if again else "ask [EMAIL]")


@pytest.mark.parametrize("action", ["keep_to", "mask", "redact", "block"])
@pytest.mark.parametrize("by", ["tenant", "tag", "base"])
async def test_what_an_answer_says_is_input_under_the_same_rules(action: str, by: str) -> None:
    """An answer that names an address goes into the next prompt: bound, masked, redacted or left out."""
    rule: dict[str, Any] = {"check": "email", "action": action}
    if action == "keep_to":
        rule["tiers"] = ["cheap"]
    where: dict[str, Any] = {"tenant": {"tenants": ["eu"]}, "tag": {"tags": ["eu"]}}.get(by, {})
    route = [{"name": "eu", **where, "input": [rule]}] if where else []
    guards = {"input": [] if where else [rule], "output": [], "routes": route}
    given: dict[str, dict[str, Any]] = {"tenant": {"tenant": "eu"}, "tag": {"tags": ["eu"]}}
    asks = given.get(by, {})
    dear = FakeTier(["the boss is ann@example.com", "second"])
    async with well_of(FakeTier("cheap"), FakeTier(), dear, guards=guards) as well:
        await well.achat("who is the boss?", tier="dear", conversation="c", **asks)
        await _try(well, "thanks, go on", False, {"tier": "dear", "conversation": "c", **asks})
    assert not saw(dear)


async def test_who_shares_a_call_gets_an_answer_by_rules_of_their_own() -> None:
    strict = {"name": "strict", "tags": ["strict"], "output": [{"check": "email", "action": "block"}]}
    tier = FakeTier("ask ann@example.com", delay_s=0.1)
    cache = {"exact": True, "semantic": "off"}
    async with well_of(tier, guards={"input": [], "output": [], "routes": [strict]}, cache=cache) as well:
        free, bound, free_too = await asyncio.gather(
            well.achat("whom?"),
            well.achat("whom?", tags=["strict"]),
            well.achat("whom?"),
            return_exceptions=True,
        )
    assert not isinstance(free, BaseException)
    assert not isinstance(free_too, BaseException)
    assert free.text == free_too.text == "ask ann@example.com"
    assert isinstance(bound, GuardBlocked)
    assert len(tier.requests) == 2


@pytest.mark.parametrize("max_usd", [0.00035, 0.0005, 0.0008, 0.002])
async def test_asking_again_keeps_the_dollar_limit(max_usd: float) -> None:
    """The refused answer goes along, so the next try is dearer than the first."""

    def say(request: ChatRequest) -> Answer:
        n_in = sum(len(m.text) for m in request.messages) // 4 + 1
        said = Message("assistant", "x" * 390 + " ann@example.com")
        return Answer([Choice(said, 0, "stop")], "a", "fake", 1, Usage(n_in, 100, n_in + 100))

    guards = {"input": [], "output": [{"check": "email", "action": "reask", "n_reasks": 5}]}
    tier = FakeTier(say)
    async with well_of(tier, guards=guards) as well:
        with pytest.raises(GuardBlocked):
            await well.achat("hello there", max_usd=max_usd)
        assert 0 < well.pipeline.ledger.spent_usd() <= max_usd
    assert tier.requests


async def test_a_schema_check_holds_up_no_stream_without_a_schema() -> None:
    guards = {"input": [], "output": [{"check": "json_schema", "action": "reask"}]}
    async with well_of(FakeTier("one two three four"), guards=guards) as well:
        stream = await well.astream("count")
        assert [piece async for piece in stream.text_deltas()] == ["one", " two", " three", " four"]
        with pytest.raises(GuardBlocked):
            await well.astream("give a", tier="cheap", response_format=SCHEMA)


class Slow:
    """A plug-in that takes its time over every text."""

    name, kinds, max_len = "slow", ("SLOW",), 8

    def find(self, text: str) -> list[Finding]:
        time.sleep(0.2)
        return []


async def test_guards_take_no_longer_than_the_request_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "slow_plug", SimpleNamespace(Slow=Slow))
    tier = FakeTier()
    messages = [{"role": "user", "content": f"text {n}"} for n in range(20)]
    async with well_of(tier, guards={"input": [{"check": "slow_plug:Slow"}], "output": []}) as well:
        with pytest.raises(GuardUnavailable, match="time"):
            await well.achat(messages, timeout_s=0.5)
    assert not tier.requests
