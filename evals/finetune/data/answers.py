"""Answers in one form: the kind of a dataset, JSON written compactly, and what breaks it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import msgspec

from stepwell.base.json_schema import first_fault
from stepwell.evals.finetune.data.dataset import Kind
from stepwell.evals.finetune.data.example import Example, FinetuneError

_JSON_SHARE = 0.9
_LABEL_SHARE, _MAX_LABELS = 0.2, 200
_FENCED = re.compile(r"```(?:json)?\s*\n(.*)\n\s*```", re.S)
# as the guards write what they took out
_PLACEHOLDER = re.compile(r"\[[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)*\]")
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_value = msgspec.json.Decoder().decode


def kind_of(answers: Sequence[str]) -> Kind:
    """What most answers are: JSON objects, a few labels that stand for all, or text."""
    n_json = sum(compact(answer) is not None for answer in answers)
    if answers and n_json >= _JSON_SHARE * len(answers):
        return "json"
    return "labels" if is_few({a.strip() for a in answers}, len(answers)) else "text"


def is_few(distinct: Collection[str], n: int) -> bool:
    """Whether so few distinct answers stand for `n` examples that they are labels."""
    return 0 < len(distinct) <= min(_MAX_LABELS, _LABEL_SHARE * n)


def compact(answer: str, keys: Sequence[str] = ()) -> str | None:
    """A JSON object without blanks, its numbers as they were written; None for what is no object.

    Args:
        keys: Go first, in this order; the others follow as they came.
    """
    text = answer.strip()
    fenced = _FENCED.fullmatch(text)
    try:
        found = _fields(msgspec.json.format((fenced[1] if fenced else text).encode(), indent=-1))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    order = [k for k in keys if k in found]
    ordered = {k: found[k] for k in (*order, *(k for k in found if k not in order))}
    return msgspec.json.encode(ordered).decode()


def as_json(answer: str, field: str) -> str:
    """A label as a compact JSON object with that field; an object stays as it is."""
    return answer if compact(answer) is not None else msgspec.json.encode({field: answer.strip()}).decode()


def read_schema(text: str) -> dict[str, object]:
    """A JSON schema of objects.

    Raises:
        FinetuneError: It is none.
    """
    from stepwell.evals.scoring.structured import schema_fault

    try:
        schema = msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise FinetuneError("the schema is no JSON object") from None
    problem = schema_fault({"schema": schema})
    if problem is not None:
        raise FinetuneError(f"the schema: {problem}")
    return schema


def keys_of(schema: Mapping[str, object] | None) -> tuple[str, ...]:
    """A schema's properties, in their order."""
    found = (schema or {}).get("properties")
    return tuple(found) if isinstance(found, dict) else ()


def breaks(answer: str, schema: Mapping[str, object]) -> bool:
    """Whether JSON is not as the schema has it."""
    return first_fault(_value(answer), schema) is not None


def is_poisoned(example: Example) -> bool:
    """Whether the answer quotes what the guards took out of some other text: a placeholder that the ask lacks."""
    quoted = set(_PLACEHOLDER.findall(example.answer))
    if not quoted:
        return False
    asked = msgspec.json.encode(example.messages).decode()
    return any(name not in asked for name in quoted)
