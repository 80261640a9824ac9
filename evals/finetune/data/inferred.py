"""A JSON schema that all of some answers keep to: what a served model may then be held to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from stepwell.base.json_schema import first_fault

# a value stands for a choice where there are few of them and each came often
MAX_CHOICES, LEAST_OF_EACH = 100, 5
# a whole number today may come with decimals tomorrow
_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", dict: "object", list: "array"}
_decode = msgspec.json.Decoder(dict[str, object]).decode


def inferred_schema(answers: Sequence[str]) -> dict[str, object] | None:
    """The schema of flat JSON objects with the same keys in the same order; None where answers are none such.

    A field whose strings are few and each came at least five times becomes an enum; every other field gets the types
    that came.
    """
    rows = [_object(answer) for answer in answers]
    if not rows or rows[0] is None or any(row is None or list(row) != list(rows[0]) for row in rows):
        return None
    columns = {key: [row[key] for row in rows if row is not None] for key in rows[0]}
    return {
        "type": "object",
        "properties": {key: _field(values) for key, values in columns.items()},
        "required": list(columns),
        "additionalProperties": False,
    }


def choices(schema_json: str) -> list[str]:
    """Fields of an inferred schema that were made enums."""
    fields = _of(schema_json).get("properties")
    return [name for name, of in fields.items() if "enum" in of] if isinstance(fields, dict) else []


def n_unsaid(schema_json: str, answers: Sequence[str]) -> int:
    """Answers that a model which is held to the schema can't give."""
    schema = _of(schema_json)
    return sum(first_fault(_object(answer), schema) is not None for answer in answers)


def _of(schema_json: str) -> dict[str, object]:
    return msgspec.json.decode(schema_json, type=dict[str, object])


def _object(answer: str) -> dict[str, object] | None:
    try:
        return _decode(answer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _field(values: Sequence[object]) -> dict[str, object]:
    texts = [v for v in values if isinstance(v, str)]
    if len(texts) == len(values):
        counts = Counter(texts)
        if len(counts) <= MAX_CHOICES and min(counts.values()) >= LEAST_OF_EACH:
            return {"enum": sorted(counts)}
        return {"type": "string"}
    types = {"null" if v is None else _TYPES[type(v)] for v in values}
    return {"type": next(iter(types)) if len(types) == 1 else sorted(types)}
