"""What ChatStepwell adds to LangChain: tier, cost and why; wishes that reach the router; streams that stop."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import msgspec
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from stepwell import Stepwell
from stepwell.base.errors import BadRequest, BudgetExceeded, StreamBroken
from stepwell.base.messages import Answer, Choice, FunctionCall, Message, ToolCall, Usage
from stepwell.front.langchain import ChatStepwell, StepwellCache
from stepwell.testing import FakeTier

TIER = {
    "model": "fake/talker",
    "window_tokens": 100_000,
    "capabilities": ["tools", "json_schema"],
    "usd_per_1m_input": 1.0,
    "usd_per_1m_output": 2.0,
    "quality": 0.95,
}


def well_of(*replies: Any, **fake: Any) -> tuple[Stepwell, FakeTier]:
    tier = FakeTier(list(replies) if replies else "ok", **fake)
    plain: dict[str, Any] = {
        "cache": {"exact": False, "semantic": "off"},
        "guards": {"input": [], "output": []},
    }
    return Stepwell(tiers={"standard": TIER}, backends={"standard": tier}, **plain), tier


def sent(tier: FakeTier) -> dict[str, Any]:
    return {name: msgspec.json.decode(raw) for name, raw in tier.requests[-1].fields.items()}


@pytest.fixture
def no_way_out(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that somebody tries to reach."""
    tried: list[Any] = []

    def refuse(self: socket.socket, address: Any) -> None:
        tried.append(address)
        raise OSError("no way out")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: refuse(socket.socket(), a[:2]))
    return tried


def test_a_message_tells_tier_cost_and_why() -> None:
    well, _ = well_of()
    with well:
        told = ChatStepwell(well=well).invoke("hello").response_metadata
    assert told["tier"] == "standard"
    assert told["cost_usd"] > 0
    assert told["why"].startswith("standard by ")
    assert told["finish_reason"] == "stop"
    assert not told["is_degraded"]


def test_a_stream_tells_the_same_once_at_its_end() -> None:
    well, _ = well_of("one two three")
    with well:
        chunks = list(ChatStepwell(well=well).stream("hello"))
    assert [c.content for c in chunks if c.content] == ["one", " two", " three"]
    with_cost = [c.response_metadata["cost_usd"] for c in chunks if "cost_usd" in c.response_metadata]
    assert len(with_cost) == 1
    assert with_cost[0] > 0
    assert sum(c.usage_metadata is not None for c in chunks) == 1


def test_constructor_and_call_wishes_reach_the_router() -> None:
    well, tier = well_of()
    with well:
        model = ChatStepwell(well=well, temperature=0.5, max_tokens=7, tier="standard", tenant="t", seed=3)
        model.invoke("hello", stop=["x"], max_usd=1.0, temperature=0.1, top_p=0.9)
        request = tier.requests[-1]
        assert (request.wishes.tier, request.wishes.max_usd, request.caller.tenant) == ("standard", 1.0, "t")
        body = sent(tier)
        assert (body["temperature"], body["top_p"], body["seed"], body["stop"]) == (0.1, 0.9, 3, ["x"])
        with pytest.raises(BudgetExceeded):
            model.invoke("hello", max_usd=1e-9)


def test_tool_choice_is_put_in_openais_words() -> None:
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    well, tier = well_of()
    named = {"type": "function", "function": {"name": "add"}}
    cases: list[tuple[Any, Any]] = [("any", "required"), (True, "required"), ("add", named), ("none", "none")]
    with well:
        model = ChatStepwell(well=well)
        for given, wire in cases:
            model.bind_tools([add], tool_choice=given).invoke("hello")
            assert sent(tier)["tool_choice"] == wire
        model.bind_tools([add]).invoke("hello")
    assert "tool_choice" not in sent(tier)
    assert sent(tier)["tools"][0]["function"]["name"] == "add"


def test_broken_tool_arguments_are_invalid_calls_not_errors() -> None:
    call = ToolCall("c1", "function", FunctionCall("add", '{"a": 1'))
    answer = Answer(
        [Choice(Message("assistant", None, [call]), 0, "tool_calls")], "id", "talker", 0, Usage(1, 1, 2)
    )
    well, _ = well_of(answer)
    with well:
        message = ChatStepwell(well=well).invoke("hello")
    assert message.tool_calls == []
    assert [(c["name"], c["args"]) for c in message.invalid_tool_calls] == [("add", '{"a": 1')]


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def test_structured_output_asks_by_schema_and_keeps_what_it_cannot_parse() -> None:
    well, tier = well_of('{"name": "Ada", "age": 36}', '{"name": "Ada"}')
    with well:
        model = ChatStepwell(well=well).with_structured_output(Person, include_raw=True, strict=True)
        good, bad = model.invoke("who?"), model.invoke("who?")
    assert good["parsed"] == Person(name="Ada", age=36)
    assert good["parsing_error"] is None
    assert bad["parsed"] is None
    assert bad["parsing_error"] is not None
    assert bad["raw"].content == '{"name": "Ada"}'
    described = sent(tier)["response_format"]["json_schema"]
    assert (described["name"], described["strict"]) == ("Person", True)
    assert set(described["schema"]["properties"]) == {"name", "age"}


def test_leaving_a_stream_stops_the_upstream() -> None:
    well, tier = well_of(" ".join(["word"] * 10_000))
    with well:
        stream = ChatStepwell(well=well).stream("hello")
        next(stream)
        stream.close()  # type: ignore[attr-defined]
        _until(lambda: tier.n_cancelled == 1)


async def test_a_cancelled_call_stops_the_upstream() -> None:
    well, tier = well_of(delay_s=60)
    with well:
        call = asyncio.create_task(ChatStepwell(well=well).ainvoke("hello"))
        await asyncio.to_thread(_until, lambda: len(tier.requests) == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.to_thread(_until, lambda: tier.n_cancelled == 1)


def _until(holds: Any) -> None:
    ends_s = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < ends_s
        time.sleep(0.001)


def test_a_broken_stream_is_no_clean_end() -> None:
    well, _ = well_of("one two three four", break_after=2, broken=StreamBroken("broken", tier="standard"))
    with well:
        stream = ChatStepwell(well=well).stream("hello")
        assert [next(stream).content, next(stream).content] == ["one", " two"]
        with pytest.raises(StreamBroken):
            next(stream)


def test_one_well_serves_one_event_loop_after_another() -> None:
    well, _ = well_of()
    with well:
        model = ChatStepwell(well=well)
        texts = [asyncio.run(model.ainvoke("hello")).content for _ in range(2)]
        assert [*texts, model.invoke("hello").content] == ["ok", "ok", "ok"]


def test_several_choices_come_by_generate_and_not_by_stream() -> None:
    choices = [Choice(Message("assistant", text), i, "stop") for i, text in enumerate(("a", "b"))]
    well, _ = well_of(Answer(choices, "id", "talker", 0, Usage(1, 2, 3)))
    with well:
        model = ChatStepwell(well=well, n=2)
        generations = model.generate([[HumanMessage("hello")]]).generations[0]
        assert [g.text for g in generations] == ["a", "b"]
        usages = [g.message.usage_metadata for g in generations if isinstance(g.message, AIMessage)]  # type: ignore[union-attr]
        assert [u is not None for u in usages] == [True, False]
        with pytest.raises(BadRequest):
            list(model.stream("hello"))


@pytest.mark.parametrize("make", [StepwellCache, InMemoryCache])
def test_langchains_cache_serves_the_second_ask(make: Any) -> None:
    well, tier = well_of()
    with well:
        model = ChatStepwell(well=well, cache=make())
        first, second = model.invoke("hello"), model.invoke("hello")
        assert first.content == second.content
        assert len(tier.requests) == 1
        ChatStepwell(well=well, cache=model.cache, temperature=0.1).invoke("hello")
        assert len(tier.requests) == 2


def test_nobody_phones_home(no_way_out: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    well, _ = well_of()
    with well:
        model = ChatStepwell(well=well)
        model.invoke("hello")
        list(model.stream("hello"))
    assert no_way_out == []


def test_a_named_conversation_is_the_wells_to_keep() -> None:
    well, tier = well_of("One.", "Two.", "Three.")
    with well:
        model = ChatStepwell(well=well, conversation="c")
        first = model.invoke("First?")
        model.invoke("Second?")  # only what is new
        history = [
            HumanMessage("First?"),
            first,
            HumanMessage("Second?"),
            AIMessage("Two."),
            HumanMessage("Third?"),
        ]
        model.invoke(history)  # all of it
        assert [m.text for m in tier.requests[-1].messages] == ["First?", "One.", "Second?", "Two.", "Third?"]
        assert len(well.conversation("c").messages()) == 6
