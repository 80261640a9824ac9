"""A well whose one tier behaves like a small model: talks, calls tools, writes JSON to a schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from stepwell import Stepwell
from stepwell.base.messages import Answer, Choice, FunctionCall, Message, ToolCall, Usage
from stepwell.base.request import ChatRequest
from stepwell.testing import FakeTier

TIERS = {
    "standard": {
        "model": "fake/talker",
        "window_tokens": 100_000,
        "capabilities": ["tools", "json_schema", "images"],
        "usd_per_1m_input": 1.0,
        "usd_per_1m_output": 2.0,
        "quality": 0.95,
    }
}
JOKE = {"setup": "Why do cats sit on keyboards?", "punchline": "To keep an eye on the mouse."}


def sample(schema: dict[str, Any], ask: str, name: str = "") -> Any:
    """A value that a JSON schema allows; a text is what the ask quotes, where it quotes something."""
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], ask, name)
    kind = schema.get("type", "string")
    if kind == "object":
        return {key: sample(inner, ask, key) for key, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [sample(schema.get("items", {}), ask, name)]
    plain: dict[str, Any] = {"integer": 3, "number": 1.5, "boolean": True, "null": None}
    quoted = re.search("'([^']+)'", ask)
    return plain.get(kind, JOKE.get(name, quoted[1] if quoted else "some text"))


def behave(request: ChatRequest) -> Answer:
    """Answer as a model would: a tool result with text, a tool that must or may be used with a call."""
    body = {name: msgspec.json.decode(raw) for name, raw in request.fields.items()}
    message = _call(body) or Message("assistant", _text(body))
    reason = "tool_calls" if message.tool_calls else "stop"
    n_in, n_out = sum(len(m.text.split()) + 4 for m in request.messages), len(message.text.split()) + 2
    return Answer(
        [Choice(message, i, reason) for i in range(body.get("n") or 1)],
        "chatcmpl-fake",
        "talker",
        0,
        Usage(n_in, n_out, n_in + n_out),
    )


def _call(body: dict[str, Any]) -> Message | None:
    tools = {t["function"]["name"]: t["function"] for t in body.get("tools", [])}
    choice = body.get("tool_choice", "auto")
    is_answered = body["messages"][-1]["role"] == "tool"
    if not tools or choice == "none" or (is_answered and choice == "auto"):
        return None
    name = choice["function"]["name"] if isinstance(choice, dict) else next(iter(tools))
    args = sample(tools[name].get("parameters", {"type": "object"}), str(body["messages"][-1]["content"]))
    call = FunctionCall(name, json.dumps(args))
    return Message("assistant", None, [ToolCall("call_1", "function", call)])


def _text(body: dict[str, Any]) -> str:
    form = body.get("response_format", {}).get("type")
    if form == "json_schema":
        return json.dumps(sample(body["response_format"]["json_schema"]["schema"], ""))
    if form == "json_object":
        return json.dumps(JOKE)
    return "Hello there, friend."


@pytest.fixture(scope="session")
def fake() -> FakeTier:
    return FakeTier(behave, model="talker")


@pytest.fixture(scope="session")
def well(fake: FakeTier) -> Iterator[Stepwell]:
    made = Stepwell(
        tiers=TIERS,
        backends={"standard": fake},
        cache={"exact": False, "semantic": "off"},
        guards={"input": [], "output": []},
    )
    yield made
    made.close()
