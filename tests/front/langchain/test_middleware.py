"""The middleware of LangChain's agents: what their model reads fits, and their state keeps everything."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import pytest

if importlib.util.find_spec("langchain") is None:
    pytest.skip("the package langchain (extra of that name) is not installed", allow_module_level=True)

import msgspec
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain.agents.structured_output import AutoStrategy, ProviderStrategy, ToolStrategy
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.tool import tool_call
from langchain_core.tools import BaseTool, tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.memory import InMemorySaver
from numpy.typing import NDArray
from pydantic import BaseModel

from stepwell import ConfigError, ContextTooLong, Stepwell
from stepwell.base.messages import Answer, Choice, FunctionCall, Message, ToolCall, Usage
from stepwell.base.request import ChatRequest
from stepwell.base.tokens import count_messages
from stepwell.front.langchain import ChatStepwell, StepwellContextMiddleware
from stepwell.front.langchain.convert import to_wire
from stepwell.testing import FakeTier
from tests.house import CHEAP, NO_CACHE, house

MODEL = "gpt-4o"
FACT = "My sister Ines moved to Porto in May."
ASK = "Where did my sister Ines move to?"


@tool
def weather(city: str) -> str:
    """The weather in a city, as the weather office of that city reports it at this very hour."""
    return f"It rains in {city}."


class Forecast(BaseModel):
    """What the weather will be, for each of the next days, with all that is known of wind and rain."""

    city: str
    days: list[str]


class Letters:
    """An embedder that costs nothing: a text's letters, counted."""

    name = "letters"
    dim = 26

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = np.array([[t.lower().count(chr(97 + i)) + 0.01 for i in range(self.dim)] for t in texts])
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture(scope="module", autouse=True)
def embedder() -> Iterator[None]:
    module = ModuleType("letters_for_tests")
    module.Letters = Letters  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)
        yield


LETTERS = {"embedder": "letters_for_tests:Letters"}


@pytest.fixture(scope="module")
def well(embedder: None) -> Iterator[Stepwell]:
    with house(FakeTier("In Porto."), embedding=LETTERS) as made:
        yield made


def small_talk(n: int) -> list[AnyMessage]:
    """n exchanges, every fifth with a tool call."""
    made: list[AnyMessage] = []
    for i in range(n):
        made.append(HumanMessage(f"Tell me of topic{i}, and take your time for it, as you always do."))
        if i % 5 == 0:
            made.append(
                AIMessage("", tool_calls=[tool_call(name="weather", args={"city": f"C{i}"}, id=f"c{i}")])
            )
            made.append(ToolMessage(f"It rains in C{i}.", tool_call_id=f"c{i}"))
        made.append(AIMessage(f"Of topic{i} there is this to say, and that, and a few other things as well."))
    return made


def n_tokens(messages: Sequence[Any], tools: Sequence[Any] = ()) -> int:
    wire = [msgspec.convert(m, Message) for m in to_wire(messages)]
    listed = [convert_to_openai_tool(t) for t in tools]
    return count_messages(wire, model=MODEL, tools_json=json.dumps(listed).encode() if listed else None)


def sent(
    well: Stepwell,
    messages: list[AnyMessage],
    *,
    max_tokens: int,
    system: str | None = None,
    tools: list[BaseTool | dict[str, Any]] | None = None,
    response_format: Any = None,
) -> list[AnyMessage]:
    """What the middleware hands to a model."""
    seen: list[ModelRequest[Any]] = []

    def model(request: ModelRequest[Any]) -> ModelResponse[Any]:
        seen.append(request)
        return ModelResponse([AIMessage("ok")])

    request: ModelRequest[Any] = ModelRequest(
        model=GenericFakeChatModel(messages=iter(())),
        messages=messages,
        system_message=None if system is None else SystemMessage(system),
        tools=tools or [],
        response_format=response_format,
    )
    before = list(messages)
    StepwellContextMiddleware(well, max_tokens=max_tokens, model=MODEL).wrap_model_call(request, model)
    assert request.messages == before
    assert seen[0].system_message == request.system_message
    return seen[0].messages


def test_what_matters_is_kept_and_what_fits_is_left_alone(well: Stepwell) -> None:
    messages = [HumanMessage(FACT), AIMessage("How nice."), *small_talk(100), HumanMessage(ASK)]
    assert sent(well, messages, max_tokens=100_000) == messages
    kept = sent(well, messages, max_tokens=700, system="Be brief.")
    assert FACT in [m.text for m in kept]
    assert kept[-1].text == ASK
    assert len(kept) < 60
    assert n_tokens([SystemMessage("Be brief."), *kept]) <= 700


def test_what_was_kept_stays_as_a_provider_has_cached_it(well: Stepwell) -> None:
    """Each call goes on where the one before ended, as long as that choice is still good."""
    middleware = StepwellContextMiddleware(well, max_tokens=3000, model=MODEL)
    messages, seen = small_talk(100), list[list[AnyMessage]]()

    def model(request: ModelRequest[Any]) -> ModelResponse[Any]:
        seen.append(request.messages)
        return ModelResponse([AIMessage("ok")])

    for _ in range(3):
        messages = [*messages, HumanMessage("And what of topic7?")]
        plain = GenericFakeChatModel(messages=iter(()))
        middleware.wrap_model_call(ModelRequest(model=plain, messages=messages), model)
        messages = [*messages, AIMessage("Well.")]
    assert seen[1][: len(seen[0])] == seen[0]
    assert seen[2][: len(seen[1])] == seen[1]
    assert len(seen[2]) < 150


def test_system_prompt_tools_and_schema_are_counted(well: Stepwell) -> None:
    messages = [*small_talk(100), HumanMessage(ASK)]
    system, tools = "Be brief. " * 30, [weather] * 5
    kept = sent(well, messages, max_tokens=1200, system=system, tools=[*tools])
    assert n_tokens([SystemMessage(system), *kept], tools) <= 1200
    plain = sent(well, messages, max_tokens=1200)
    assert len(kept) < len(plain)
    for form in (Forecast, AutoStrategy(Forecast), ToolStrategy(Forecast), ProviderStrategy(Forecast)):
        assert len(sent(well, messages, max_tokens=1200, response_format=form)) < len(plain)


def test_what_must_stay_and_does_not_fit_is_named(well: Stepwell) -> None:
    with pytest.raises(ContextTooLong, match="largest part is the last turn"):
        sent(well, [HumanMessage("word " * 500)], max_tokens=200)
    with pytest.raises(ContextTooLong, match="largest part is the tools"):
        sent(well, [HumanMessage("Hello?")], max_tokens=200, tools=[weather] * 20)


@pytest.mark.parametrize(
    "wrong",
    [*({"max_tokens": n} for n in (0, -1, "5", True, 2.5, None)), {"model": 7}, {"tenant": 7}, {"user": 7}],
)
def test_a_wrong_argument_is_named(well: Stepwell, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"StepwellContextMiddleware: {next(iter(wrong))} must be"):
        StepwellContextMiddleware(well, **{"max_tokens": 100, **wrong})


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


@st.composite
def histories(draw: st.DrawFn) -> list[AnyMessage]:
    """Any order of turns, calls with and without their results, and results of nothing."""
    made: list[AnyMessage] = []
    for i in range(draw(st.integers(0, 25))):
        kind = draw(st.sampled_from(["user", "assistant", "calls", "system", "orphan", "picture"]))
        if kind == "user":
            made.append(HumanMessage(draw(WORDS) * 5))
        elif kind == "assistant":
            made.append(AIMessage(draw(WORDS) * 5))
        elif kind == "system":
            made.append(SystemMessage(draw(WORDS)))
        elif kind == "picture":
            made.append(HumanMessage([{"type": "text", "text": draw(WORDS)}, PICTURE]))
        elif kind == "orphan":
            made.append(ToolMessage(draw(WORDS), tool_call_id=f"none{i}"))
        else:
            n = draw(st.integers(1, 3))
            calls = [tool_call(name="weather", args={"city": draw(WORDS)}, id=f"c{i}-{k}") for k in range(n)]
            made.append(AIMessage(draw(WORDS), tool_calls=calls))
            made += [
                ToolMessage(draw(WORDS) * 3, tool_call_id=f"c{i}-{k}")
                for k in draw(st.permutations(range(n)))
                if draw(st.integers(0, 9))
            ]
    return [*made, HumanMessage(draw(WORDS))]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories(), st.integers(60, 1500), st.none() | WORDS)
def test_whatever_the_history_what_is_sent_is_whole(
    well: Stepwell, messages: list[AnyMessage], max_tokens: int, system: str | None
) -> None:
    try:
        kept = sent(well, messages, max_tokens=max_tokens, system=system)
    except ContextTooLong:
        return
    head = [] if system is None else [SystemMessage(system)]
    assert n_tokens([*head, *kept]) <= max_tokens
    places = [next(i for i, m in enumerate(messages) if m is one) for one in kept]
    assert places == sorted(set(places))
    assert kept[-1] is messages[-1]
    assert [m for m in kept if m.type == "system"] == [m for m in messages if m.type == "system"]
    if len(kept) < len(messages):
        open_calls: set[str | None] = set()
        for one in kept:
            if isinstance(one, ToolMessage):
                assert one.tool_call_id in open_calls
                open_calls.discard(one.tool_call_id)
            elif isinstance(one, AIMessage):
                assert not open_calls
                open_calls = {c["id"] for c in one.tool_calls}
        assert not open_calls


# ---- in an agent


def behave(request: ChatRequest) -> Answer:
    """Ask for the weather once in each turn, then answer."""
    calls = None
    if request.messages[-1].role == "user":
        calls = [ToolCall("call_1", "function", FunctionCall("weather", '{"city": "Porto"}'))]
    message = Message("assistant", None if calls else "It rains there.", calls)
    return Answer([Choice(message, 0, "tool_calls" if calls else "stop")], "x", "m", 0, Usage(1, 1, 2))


def test_an_agents_state_keeps_everything_that_its_model_no_longer_reads() -> None:
    fake = FakeTier(behave)
    able = {"cheap": {**CHEAP, "capabilities": ["tools"]}}
    plain: dict[str, Any] = {"cache": NO_CACHE, "promises": {"min_p_ok": 0}, "embedding": LETTERS}
    with Stepwell(tiers=able, backends={"cheap": fake}, **plain) as well:
        agent: Any = create_agent(
            ChatStepwell(well=well),
            tools=[weather],
            system_prompt="Be brief.",
            middleware=[StepwellContextMiddleware(well, max_tokens=900)],
            checkpointer=InMemorySaver(),
        )
        config: Any = {"configurable": {"thread_id": "t"}}
        talk = [HumanMessage(FACT), AIMessage("How nice."), *small_talk(60)]
        done = agent.invoke({"messages": [*talk, HumanMessage(ASK)]}, config)
        assert [m.text for m in done["messages"][:2]] == [FACT, "How nice."]
        assert len(done["messages"]) == len(talk) + 4  # ask, call, result, answer
        again = agent.invoke({"messages": [HumanMessage("And is it dry there?")]}, config)
        assert len(again["messages"]) == len(talk) + 8
    assert len(fake.requests) == 4
    for request in fake.requests:
        assert request.messages[0].text == "Be brief."
        assert len(request.messages) < 50
    assert all(FACT in [m.text for m in request.messages] for request in fake.requests[:2])
    assert fake.requests[1].messages[-1].role == "tool"


async def test_an_async_agent_does_the_same() -> None:
    fake = FakeTier("In Porto.")
    with house(fake, embedding=LETTERS) as well:
        agent: Any = create_agent(
            ChatStepwell(well=well), middleware=[StepwellContextMiddleware(well, max_tokens=700)]
        )
        talk = [HumanMessage(FACT), AIMessage("How nice."), *small_talk(60), HumanMessage(ASK)]
        done = await agent.ainvoke({"messages": talk})
        assert len(done["messages"]) == len(talk) + 1
    assert FACT in [m.text for m in fake.requests[-1].messages]
    assert len(fake.requests[-1].messages) < 50
