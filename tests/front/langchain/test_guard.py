"""The guards of LangChain's agents: what a model reads and says, what tools get and give."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import pytest

if importlib.util.find_spec("langchain") is None:
    pytest.skip("the package langchain (extra of that name) is not installed", allow_module_level=True)

from hypothesis import given
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.types import Command
from pydantic import BaseModel, Field

from stepwell import ConfigError, Stepwell
from stepwell.base.errors import GuardBlocked
from stepwell.front.langchain import GuardMiddleware
from stepwell.front.langchain.guard import BLOCKED
from stepwell.front.langchain.guard_view import from_view, to_view
from stepwell.testing import FakeTier
from tests.house import house

MAIL = "jane.doe@acme.org"
KEY = "AKIA" + "B2" * 8
MASKING = {"input": [{"check": "email", "action": "mask"}], "output": []}


class Scripted(BaseChatModel):
    """Says what it is told to, and keeps what it was asked."""

    says: list[AIMessage]
    asked: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.asked.append(messages)
        return ChatResult(generations=[ChatGeneration(message=self.says[len(self.asked) - 1])])


def calling(name: str, **args: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": "c1", "type": "tool_call"}])


mailed: list[str] = []


@tool
def mail(to: str) -> str:
    """Send a mail."""
    mailed.append(to)
    return f"sent to {to} with {KEY}"


@tool
def read_page() -> str:
    """Read a page."""
    return "a bad page"


def run(guards: Any, says: list[AIMessage], text: str, **options: Any) -> tuple[list[BaseMessage], Scripted]:
    model = Scripted(says=says)
    system = options.pop("system", None)
    agent: Any = create_agent(
        model, [mail, read_page], system_prompt=system, middleware=[GuardMiddleware(guards, **options)]
    )
    return agent.invoke({"messages": [HumanMessage(text)]})["messages"], model


def texts(messages: Sequence[BaseMessage]) -> list[str]:
    return [m.text for m in messages]


def test_the_model_reads_placeholders_and_tools_get_values() -> None:
    mailed.clear()
    guards = {**MASKING, "tool_result": [{"check": "secrets"}, {"check": "email", "action": "mask"}]}
    says = [calling("mail", to="[EMAIL_1]"), AIMessage("I wrote to [EMAIL_1].")]
    state, model = run(guards, says, f"Write to {MAIL}", system="Be brief.")
    assert mailed == [MAIL]
    assert texts(state)[-1] == f"I wrote to {MAIL}."
    assert texts(state)[0] == f"Write to {MAIL}"
    assert state[1].tool_calls[0]["args"] == {"to": MAIL}  # type: ignore[attr-defined]
    assert texts(state)[2] == f"sent to {MAIL} with [AWS_ACCESS_KEY]"
    shown = str([m.model_dump() for messages in model.asked for m in messages])
    assert MAIL not in shown
    assert KEY not in shown


def test_answers_and_tool_arguments_are_redacted() -> None:
    mailed.clear()
    guards = {"input": [], "output": [{"check": "secrets"}]}
    state, _ = run(guards, [calling("mail", to=f"x {KEY}"), AIMessage(f"The key: {KEY}")], "Hi")
    assert mailed == ["x [AWS_ACCESS_KEY]"]
    assert texts(state)[-1] == "The key: [AWS_ACCESS_KEY]"


@pytest.mark.parametrize("stage", ["input", "output", "tool_args"])
def test_what_blocks_raises_or_ends_the_run(stage: str) -> None:
    mailed.clear()
    guards = {"input": [], "output": [], "tool_args": [], stage: [{"check": "email", "action": "block"}]}
    says = [calling("mail", to=MAIL), AIMessage(f"See {MAIL}")]
    text = f"Hi {MAIL}" if stage == "input" else "Hi"
    with pytest.raises(GuardBlocked):
        run(guards, says, text)
    state, model = run(guards, says, text, on_block="end")
    assert texts(state)[-1] == BLOCKED
    assert len(model.asked) == {"input": 0, "output": 2, "tool_args": 1}[stage]


def test_a_blocked_tool_result_is_replaced_and_the_run_goes_on() -> None:
    guards = {
        "input": [],
        "tool_result": [{"check": "tests.front.langchain.test_guard:NoBad", "action": "block"}],
    }
    says = [calling("read_page"), AIMessage("That did not work.")]
    with pytest.raises(GuardBlocked):
        run(guards, says, "a bad joke")
    state, _ = run(guards, says, "a bad joke", on_block="end", message="no")
    assert texts(state)[1:] == ["", "no", "That did not work."]
    assert isinstance(state[2], ToolMessage)
    assert state[2].status == "error"


class NoBad:
    name = "no_bad"
    kinds = ("BAD",)
    max_len = 8

    def find(self, text: str) -> list[Any]:
        from stepwell.base.decisions import Finding

        return [Finding("BAD", i, i + 3) for i in [text.find("bad")] if i >= 0]


def reasking(**rule: Any) -> dict[str, Any]:
    schema = {"type": "object", "required": ["n"]}
    return {
        "input": [],
        "output": [{"check": "json_schema", "action": "reask", "options": {"schema": schema}, **rule}],
    }


def test_a_model_is_asked_again_and_told_why() -> None:
    state, model = run(reasking(), [AIMessage("four"), AIMessage('{"n": 4}')], "How many?")
    assert texts(state) == ["How many?", '{"n": 4}']
    assert texts(model.asked[1])[:2] == ["How many?", "four"]
    assert "not JSON" in texts(model.asked[1])[2]
    with pytest.raises(GuardBlocked):
        run(reasking(n_reasks=2), [AIMessage("four")] * 3, "How many?")


async def test_async_agents_and_the_policy_of_a_well() -> None:
    well = house(FakeTier(), guards={**MASKING, "output": [{"check": "secrets"}]})
    model = Scripted(says=[AIMessage(f"I wrote to [EMAIL_1], {KEY}")])
    agent: Any = create_agent(model, [mail], middleware=[GuardMiddleware(well)])
    state = (await agent.ainvoke({"messages": [HumanMessage(f"Write to {MAIL}")]}))["messages"]
    assert texts(model.asked[0]) == ["Write to [EMAIL_1]"]
    assert texts(state)[-1] == f"I wrote to {MAIL}, [AWS_ACCESS_KEY]"
    well.close()


def test_a_sync_agent_of_a_well(well: Stepwell) -> None:
    state, _ = run(well, [AIMessage("Hello.")], "Hi")
    assert texts(state) == ["Hi", "Hello."]


def test_what_cant_be_kept_is_refused() -> None:
    keep = {"input": [{"check": "email", "action": "keep_to", "tiers": ["local"]}]}
    with pytest.raises(ConfigError, match="keep_to"):
        GuardMiddleware(keep)
    with pytest.raises(ConfigError, match="keep_to"):
        GuardMiddleware({"routes": [{"name": "a", "tenants": ["x"], "keep_to": ["local"]}]})
    with pytest.raises(ConfigError, match="on_block"):
        GuardMiddleware({}, on_block="stop")  # type: ignore[arg-type]


def test_a_route_s_rules_hold_for_its_tenant() -> None:
    rule = {"check": "email", "action": "redact"}
    guards = {"input": [], "routes": [{"name": "acme", "tenants": ["acme"], "input": [rule]}]}
    for tenant, shown in (("acme", "Hi [EMAIL]"), ("other", f"Hi {MAIL}"), (None, f"Hi {MAIL}")):
        _, model = run(guards, [AIMessage("ok")], f"Hi {MAIL}", tenant=tenant)
        assert texts(model.asked[0]) == [shown]


class Letter(BaseModel):
    to: str


def responded(response: ModelResponse[Any], response_format: Any = None) -> ModelResponse[Any]:
    request: ModelRequest[Any] = ModelRequest(
        model=GenericFakeChatModel(messages=iter(())),
        messages=[HumanMessage("x")],
        system_message=SystemMessage("y"),
        response_format=response_format,
    )
    guards = {"input": [], "output": [{"check": "email"}, {"check": "json_schema"}]}
    made = GuardMiddleware(guards).wrap_model_call(request, lambda _: response)
    assert isinstance(made, ModelResponse)
    return made


def test_structured_answers_are_redacted_with_their_text() -> None:
    call = calling("Letter", to=MAIL)
    said = ToolMessage(f"Returning structured response: to='{MAIL}'", tool_call_id="c1")
    made = responded(ModelResponse([call, said], Letter(to=MAIL)), ToolStrategy(Letter))
    assert MAIL not in repr(made)
    assert made.structured_response == Letter(to="[EMAIL]")
    assert responded(ModelResponse([call], {"to": [MAIL]})).structured_response == {"to": ["[EMAIL]"]}
    kept = ModelResponse([AIMessage("ok")], Letter(to="x"))
    assert responded(kept).structured_response is kept.structured_response


def test_a_provider_s_schema_is_checked() -> None:
    text = '{"too": 1}'
    with pytest.raises(GuardBlocked):
        responded(ModelResponse([AIMessage(text)]), ProviderStrategy(Letter))


def test_a_tool_that_gives_a_command() -> None:
    guards = GuardMiddleware({"input": [], "tool_result": [{"check": "email"}]})
    command: Any = Command(update={"messages": [ToolMessage(MAIL, tool_call_id="c")], "more": 1})
    made: Any = guards.wrap_tool_call(None, lambda _: command)  # type: ignore[arg-type]
    assert texts(made.update["messages"]) == ["[EMAIL]"]
    assert made.update["more"] == 1
    other: Any = Command(goto="end")
    assert guards.wrap_tool_call(None, lambda _: other) is other  # type: ignore[arg-type]


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
SOUND = {"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"}
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
BLOCKS = st.lists(
    WORDS | WORDS.map(lambda t: {"type": "text", "text": t}) | st.sampled_from([PICTURE, SOUND])
)
messages = st.one_of(
    st.builds(HumanMessage, WORDS | BLOCKS),
    st.builds(AIMessage, WORDS),
    st.builds(lambda t: ToolMessage(t, tool_call_id="c1"), WORDS),
    WORDS.map(lambda t: calling("mail", to=t)),
)


@given(message=messages)
def test_what_no_guard_changes_stays_as_it_is(message: AnyMessage) -> None:
    assert from_view(message, to_view(message)) is message


@given(message=messages)
def test_what_a_guard_changes_is_all_that_changes(message: AnyMessage) -> None:
    view = to_view(message)
    content = view["content"]
    if isinstance(content, str):
        view["content"] = f"{content}!"
    else:
        view["content"] = [b | {"text": b["text"] + "!"} if b["type"] == "text" else b for b in content]
    made = from_view(message, view)
    assert to_view(made) == view
    if isinstance(message.content, list):
        kept = [b for b in message.content if b in (PICTURE, SOUND)]
        assert [b for b in made.content if b in (PICTURE, SOUND)] == kept


def test_pictures_are_not_read() -> None:
    assert "AAAA" not in str(to_view(HumanMessage([PICTURE, SOUND, "x"])))
