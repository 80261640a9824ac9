"""Whether an answer is JSON, and follows the schema that the caller asked for, or a schema or model of the policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from stepwell.base.decisions import Finding
from stepwell.base.json_schema import faults, names_in, place_of
from stepwell.base.plug import load
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.context import Context
from stepwell.guards.deadline import CheckFailed

_NOT_JSON = "it is not JSON alone: no words and no code fence may stand around it"
_MOST_FAULTS = 3
_SHOWN = ("ge", "gt", "le", "lt", "multiple_of", "expected", "min_length", "max_length", "pattern")


class JsonSchema:
    """One finding over the whole text: NOT_JSON or SCHEMA. Without any schema nothing is wrong.

    It looks at the content of answers; not at refusals, thoughts, tools' names and arguments.
    """

    name = "json_schema"
    kinds = ("NOT_JSON", "SCHEMA")
    max_len = WHOLE_TEXT

    def __init__(self, schema: Mapping[str, Any] | None, model: str | None) -> None:
        self._schema = schema
        self.has_own_schema = schema is not None or model is not None
        self._model = None if model is None else load(model, group="stepwell.checks")
        self._known = frozenset() if self._model is None else names_in(self._model.model_json_schema())

    def find(self, text: str) -> list[Finding]:
        return self.find_in(text, Context("output"))

    def find_in(self, text: str, context: Context) -> list[Finding]:
        """Raises CheckFailed where the model's own validators fail."""
        fault = self.fault(text, context)
        if not fault or not text:
            return []
        return [Finding("NOT_JSON" if fault == _NOT_JSON else "SCHEMA", 0, len(text), check=self.name)]

    def fault(self, text: str, context: Context) -> str:
        """What is wrong, in words of the schema; "" where nothing is."""
        if not _is_content(context):
            return ""
        if self._model is not None:
            return self._model_fault(text)
        schema = context.schema if self._schema is None else self._schema
        return "" if schema is None else fault_of(text, schema) or ""

    def _model_fault(self, text: str) -> str:
        from pydantic import ValidationError

        assert self._model is not None
        try:
            self._model.model_validate_json(text)
        except ValidationError as e:
            errors = e.errors(include_url=False, include_input=False)
        except Exception as e:  # noqa: BLE001  a model's own validators may raise anything; it may hold text
            raise CheckFailed(f"{self.name}: {type(e).__name__}") from None
        else:
            return ""
        if any(error["type"] == "json_invalid" for error in errors):
            return _NOT_JSON
        said = [f"at {place_of(e['loc'], self._known)}: {_said(e)}" for e in errors[:_MOST_FAULTS]]
        return "; ".join(dict.fromkeys(said))


def fault_of(text: str, schema: Mapping[str, Any]) -> str | None:
    """What is wrong with a text that should follow a schema, in words of the schema; never of the text."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return _NOT_JSON
    return "; ".join(faults(value, schema, most=_MOST_FAULTS)) or None


def _is_content(context: Context) -> bool:
    if context.stage not in ("output", "stream"):
        return False
    return not context.where or ".content" in context.where


def _said(error: Any) -> str:
    """A pydantic error by its type and the model's own bounds: its message may quote the value."""
    known = error.get("ctx", {})
    bounds = ", ".join(f"{name} {known[name]}" for name in _SHOWN if name in known)
    return " ".join(filter(None, (str(error["type"]).replace("_", " "), bounds)))


def make(schema: Mapping[str, Any] | None = None, model: str | None = None) -> JsonSchema:
    """Build the check.

    Args:
        schema: A JSON schema that every answer must follow; default: the one that the request asks for.
        model: A pydantic model instead, as 'module:Class'.
    """
    return JsonSchema(schema, model)
