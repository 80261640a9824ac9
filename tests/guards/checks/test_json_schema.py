"""Answers against the schema that was asked for, and what is said about a fault."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator

from stepwell.base.config import GuardsConfig
from stepwell.base.errors import ConfigError
from stepwell.base.messages import Answer, decode_answer, encode_json
from stepwell.base.request import ChatRequest
from stepwell.guards.checks.json_schema import fault_of, make
from stepwell.guards.context import Context
from stepwell.guards.deadline import CheckFailed
from stepwell.guards.guard import Guard
from stepwell.guards.scan import AskAgain

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name", "items"],
    "properties": {
        "name": {"type": "string", "maxLength": 9},
        "items": {"type": "array", "items": {"type": "object", "properties": {"price": {"type": "number"}}}},
        "kind": {"enum": ["plum", "pear"]},
        "more": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    "additionalProperties": False,
}
GOOD = {"name": "a", "items": [{"price": 1}]}


class Plum(BaseModel):
    weight_g: int = Field(ge=1)
    colour: str = "blue"
    tags: dict[str, int] = {}

    @field_validator("colour")
    @classmethod
    def _is_a_colour(cls, value: str) -> str:
        if value == "crash":
            raise RuntimeError(value)
        if value == "secret":
            raise ValueError(f"{value} is no colour")
        return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (GOOD, None),
        ({"items": []}, "at $: lacks name"),
        ({**GOOD, "items": [{"price": 1}, {"price": "4711"}]}, "at $.items[1].price: must be of type number"),
        ({**GOOD, "kind": "private"}, 'at $.kind: must be one of ["plum","pear"]'),
        ({**GOOD, "name": "much too long"}, "at $.name: must have 9 characters or less"),
        ({**GOOD, "private": 1}, "at $: has properties that are not allowed"),
        ({**GOOD, "more": {"private": "x"}}, "at $.more.*: must be of type integer"),
    ],
)
def test_says_in_words_of_the_schema(value: object, said: str | None) -> None:
    assert fault_of(json.dumps(value), SCHEMA) == said


def test_says_several_faults_once_each() -> None:
    fault = fault_of(json.dumps({"name": 1, "items": 2, "kind": 3, "more": 4}), SCHEMA)
    assert fault is not None
    assert len(set(fault.split("; "))) == len(fault.split("; ")) == 3


def test_a_schema_that_cant_be_read_finds_nothing() -> None:
    assert fault_of("{}", {"type": 7}) is None
    assert fault_of("{}", {"$ref": "https://example.org/schema"}) is None


@pytest.mark.parametrize(
    "text", ["plum", '```json\n{"a": 1}\n```', '{"a": 1', "NaN", "[" * 100_000, "\ud800"]
)
def test_not_json(text: str) -> None:
    found = make().find_in(text, Context("output", schema=SCHEMA))
    assert [(f.kind, f.start, f.end) for f in found] == [("NOT_JSON", 0, len(text))]


def test_the_request_s_schema_or_the_policy_s() -> None:
    text = json.dumps({"name": "x"})
    assert make().find(text) == []
    assert [f.kind for f in make().find_in(text, Context("output", schema=SCHEMA))] == ["SCHEMA"]
    assert make(schema={"type": "object"}).find_in(text, Context("output", schema=SCHEMA)) == []
    assert [f.kind for f in make(schema={"type": "array"}).find(text)] == ["SCHEMA"]


@pytest.mark.parametrize(
    ("stage", "where", "n"),
    [
        ("output", "choices.0.message.content", 1),
        ("stream", "choices.1.message.content.0.text", 1),
        ("output", "choices.0.message.refusal", 0),
        ("output", "choices.0.message.reasoning_content", 0),
        ("output", "choices.0.message.tool_calls.0.function.name", 0),
        ("tool_args", "", 0),
        ("input", "", 0),
    ],
)
def test_looks_at_content_alone(stage: Any, where: str, n: int) -> None:
    context = Context(stage, schema=SCHEMA)
    context.where = where
    assert len(make().find_in("no", context)) == n


def test_a_model() -> None:
    check, context = make(model=f"{__name__}:Plum"), Context("output")
    assert check.find('{"weight_g": 3}') == []
    assert check.fault('{"weight_g": 0}', context) == "at $.weight_g: greater than equal ge 1"
    assert check.fault('{"weight_g": 1, "tags": {"private": "x"}}', context) == "at $.tags.*: int parsing"
    assert check.fault('{"weight_g": 1, "colour": "secret"}', context) == "at $.colour: value error"
    assert [f.kind for f in check.find("{")] == ["NOT_JSON"]
    with pytest.raises(CheckFailed, match=r"^json_schema: RuntimeError$"):
        check.find('{"weight_g": 1, "colour": "crash"}')


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(ConfigError):
        make(model="nothing.of:mine")


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text("xyzXYZ", min_size=12),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("xyzXYZ", min_size=12), inner),
    max_leaves=8,
)


@given(value=values)
def test_nothing_of_the_text_is_said(value: object) -> None:
    fault = fault_of(json.dumps(value), SCHEMA) or ""
    words = {w for w in json.dumps(value).replace('"', " ").split() if set(w) <= set("xyzXYZ")}
    assert not [w for w in words if w in fault]


def answered(**message: Any) -> tuple[bytes, Answer]:
    body = encode_json({"choices": [{"index": 0, "message": {"role": "assistant", **message}}]})
    return body, decode_answer(body)


async def test_in_a_guard_it_looks_at_content_and_says_what_is_wrong() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    messages = [{"role": "user", "content": "?"}]
    request = ChatRequest.build({"messages": messages, "response_format": form})
    guard = Guard(GuardsConfig.model_validate({"output": [{"check": "json_schema", "action": "reask"}]}))
    function = {"name": "look", "arguments": "{}"}
    call = {"id": "c", "type": "function", "function": function}
    for good in ({"content": json.dumps(GOOD)}, {"content": None, "tool_calls": [call]}, {"refusal": "No."}):
        assert (await guard.check_output(*answered(**good), request))[0].kinds == ()
    with pytest.raises(AskAgain) as asked:
        await guard.check_output(*answered(content='{"name": "x"}'), request)
    assert asked.value.hints == ("at $: lacks items",)
    assert asked.value.verdict.kinds == ("SCHEMA",)
