"""Checks of an answer against what its request says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.errors import ConfigError
from stepwell.base.json_schema import first_fault
from stepwell.base.messages import Answer, Choice, FunctionCall, Message, ToolCall
from stepwell.base.request import ChatRequest
from stepwell.router.cascade.validate import Checked, load_validators, validate

SCHEMA = {
    "type": "object",
    "required": ["n"],
    "properties": {"n": {"type": "integer", "minimum": 1}},
    "additionalProperties": False,
}
ALL = ("json", "json_schema", "tool_arguments")


def is_brief(request: ChatRequest, answer: Answer) -> bool:
    return len(answer.text) < 10


def broken(request: ChatRequest, answer: Answer) -> bool:
    raise RuntimeError("a secret")


def asking(**fields: Any) -> ChatRequest:
    return ChatRequest.build({"messages": [{"role": "user", "content": "?"}], **fields})


def said(text: str) -> Answer:
    return Answer([Choice(Message("assistant", text))])


def called(name: str, arguments: str) -> Answer:
    call = ToolCall("c1", "function", FunctionCall(name, arguments))
    return Answer([Choice(Message("assistant", None, [call]))])


def check(request: ChatRequest, answer: Answer, *specs: str) -> Checked:
    return validate(request, answer, load_validators(specs))


STRUCTURED = asking(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}})
TOOL = asking(tools=[{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"n": 2}', ""),
        ('{"n": 2', "json: not JSON"),
        ("2", "json: not an object"),
        ('```json\n{"n": 2}\n```', "json: not JSON"),
        ('{"n": 0}', "json_schema: minimum"),
        ("{}", "json_schema: required"),
        ('{"n": 1, "m": 1}', "json_schema: additionalProperties"),
    ],
)
def test_structured_answers(text: str, why: str) -> None:
    assert check(STRUCTURED, said(text), *ALL) == Checked(not why, why)


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("look", '{"n": 2}', ""),
        ("look", '{"n": "2"}', "tool_arguments: type"),
        ("look", '{"n":', "tool_arguments: not JSON"),
        ("look", "", "tool_arguments: required"),
        ("jump", '{"n": 2}', "tool_arguments: unknown tool"),
    ],
)
def test_tool_arguments(name: str, arguments: str, why: str) -> None:
    assert check(TOOL, called(name, arguments), *ALL) == Checked(not why, why)


def test_what_nobody_asked_for_is_not_checked() -> None:
    assert check(asking(), said("plain words"), *ALL).is_ok
    assert check(TOOL, said("no tool needed"), *ALL).is_ok
    assert check(asking(response_format={"type": "json_object"}), called("look", "{}"), "json").is_ok


def test_a_users_function_fails_answers_and_its_own_fault_does_not() -> None:
    ours = f"{__name__}:is_brief"
    assert check(asking(), said("short"), ours).is_ok
    assert check(asking(), said("long " * 9), ours) == Checked(False, f"{ours}: not good enough")
    raised = check(asking(), said("short"), f"{__name__}:broken")
    assert raised.is_ok
    assert raised.why.endswith("raised RuntimeError")
    assert "secret" not in raised.why


@pytest.mark.parametrize("spec", ["jsonn", "no.such.module:f", f"{__name__}:SCHEMA"])
def test_an_unknown_check_is_refused_at_the_start(spec: str) -> None:
    with pytest.raises(ConfigError):
        load_validators([spec])


def test_no_schema_holds_up_the_house() -> None:
    bomb: dict[str, Any] = {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(40)}
    assert first_fault(1, {"$defs": bomb | {"d40": {"type": "string"}}, "$ref": "#/$defs/d0"}) is not None
    assert first_fault(1, {"$defs": bomb | {"d40": {"type": "integer"}}, "$ref": "#/$defs/d0"}) is None
    assert first_fault(1, {"$ref": "#"}) is None
    assert first_fault("a" * 60 + "!", {"pattern": "^(a+)+$"}) is None
    assert first_fault("a" * 900, {"pattern": "a?" * 15 + "$"}) is None


def test_nothing_is_fetched_and_a_broken_schema_finds_no_fault() -> None:
    assert first_fault(1, {"$ref": "http://127.0.0.1:9/schema"}) is None
    assert first_fault(1, {"type": 5}) is None
    assert first_fault(1, {"multipleOf": 0}) is None


def test_quick_patterns_count() -> None:
    assert first_fault("2026-01-02", {"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}) is None
    assert first_fault("abc", {"pattern": "^[0-9]+$"}) == "pattern"
    assert first_fault("teal", {"pattern": "^(?:red|green)$"}) == "pattern"
    assert first_fault({"x": 1}, {"patternProperties": {"^x": {"type": "string"}}}) is None


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_any_value_against_any_schema_comes_back(value: Any) -> None:
    assert first_fault(value, {}) is None
    assert first_fault(1, value if isinstance(value, dict) else {"const": value}) in (
        None,
        "const",
        *value_keys(value),
    )


def value_keys(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, dict) else ()
