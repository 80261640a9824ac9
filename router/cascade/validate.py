"""Check an answer by what the request itself says it must be: JSON, a schema, arguments of a tool, a user's function.

No check says why in words of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from stepwell.base import plug
from stepwell.base.errors import ConfigError
from stepwell.base.json_schema import first_fault
from stepwell.base.messages import Answer, Message
from stepwell.base.request import ChatRequest

_decode = msgspec.json.decode


class Checked(msgspec.Struct, frozen=True):
    """Whether an answer passed; `why` is one word or two of plain ASCII, the check first: "json: not JSON"."""

    is_ok: bool
    why: str = ""


class Validator(msgspec.Struct, frozen=True):
    """One check: what is wrong with an answer to a request, or None."""

    name: str
    fault: Callable[[ChatRequest, Answer], str | None]


OK = Checked(True)


def load_validators(specs: Sequence[str]) -> tuple[Validator, ...]:
    """The checks that `routing.validators` names.

    Args:
        specs: "json", "json_schema", "tool_arguments", or 'module:function': called with (ChatRequest, Answer), it
            gives True or None where the answer is good; it may be slow only at the caller's cost, it runs in line.

    Raises:
        ConfigError: Nothing has that name, or it can't be called.
    """
    return tuple(Validator(s, _BUILT_IN[s]) if s in _BUILT_IN else _plugged(s) for s in specs)


def validate(request: ChatRequest, answer: Answer, validators: Sequence[Validator]) -> Checked:
    """The first check that fails, or `OK`. A check passes where it does not apply: JSON that nobody asked for.

    A user's function that raises fails nothing: its fault would send every request a tier up. `why` then says
    "NAME: raised TypeError" beside `is_ok`.
    """
    raised = ""
    for validator in validators:
        try:
            fault = validator.fault(request, answer)
        except Exception as e:  # noqa: BLE001 - a user's function may raise anything
            raised = raised or f"{validator.name}: raised {type(e).__name__}"
            continue
        if fault is not None:
            return Checked(False, f"{validator.name}: {fault}")
    return Checked(True, raised) if raised else OK


def _json(request: ChatRequest, answer: Answer) -> str | None:
    form = request.wire.response_format
    if form is None or form.type == "text":
        return None
    return next((f for f in map(_json_fault, _texts(answer)) if f is not None), None)


def _json_fault(text: str) -> str | None:
    try:
        value = _decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return "not JSON"
    return None if isinstance(value, dict | list) else "not an object"


def _json_schema(request: ChatRequest, answer: Answer) -> str | None:
    form = request.wire.response_format
    if form is None or form.type != "json_schema" or not isinstance(form.json_schema, dict):
        return None
    schema = form.json_schema.get("schema")
    for text in _texts(answer):
        fault = _schema_fault(text, schema)
        if fault is not None:
            return fault
    return None


def _tool_arguments(request: ChatRequest, answer: Answer) -> str | None:
    if not request.wire.tools:
        return None
    known = dict(_parameters(t) for t in request.wire.tools)
    for call in [c for m in _messages(answer) for c in m.tool_calls or ()]:
        if call.type not in ("", "function"):
            continue
        if call.function.name not in known:
            return "unknown tool"
        fault = _schema_fault(call.function.arguments or "{}", known[call.function.name])
        if fault is not None:
            return fault
    return None


def _parameters(tool: dict[str, Any]) -> tuple[object, object]:
    function = tool.get("function")
    function = function if isinstance(function, dict) else {}
    return function.get("name"), function.get("parameters")


def _schema_fault(text: str, schema: object) -> str | None:
    try:
        value = _decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return "not JSON"
    return first_fault(value, schema) if isinstance(schema, dict) else None


def _messages(answer: Answer) -> list[Message]:
    return [c.message for c in answer.choices]


def _texts(answer: Answer) -> list[str]:
    """Of every choice that answers in text; one that calls a tool or refuses has none to check."""
    return [m.text for m in _messages(answer) if not m.tool_calls]


def _plugged(spec: str) -> Validator:
    if ":" not in spec:
        raise ConfigError(
            f"routing.validators has no {spec!r}; there are {', '.join(_BUILT_IN)}, 'module:function'"
        )
    function = plug.load(spec, group="stepwell.checks")
    if not callable(function):
        raise ConfigError(f"routing.validators: {spec!r} can't be called")

    def fault(request: ChatRequest, answer: Answer) -> str | None:
        return "not good enough" if function(request, answer) not in (True, None) else None

    return Validator(spec, fault)


_BUILT_IN: dict[str, Callable[[ChatRequest, Answer], str | None]] = {
    "json": _json,
    "json_schema": _json_schema,
    "tool_arguments": _tool_arguments,
}
