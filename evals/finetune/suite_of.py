"""A dataset's held-out examples as a suite of the evals, and the schema that answers keep to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.data.example import Example
from stepwell.evals.report import GRADED
from stepwell.evals.suite import Row, Suite, canonical_json

EXACT_JSON, SAME_LABEL = "json_exact", "normalised"
_MAX_VALUES = 100


def scorer_of(dataset: Dataset) -> str:
    """What judges answers: the same JSON value, the same label, or a judge."""
    if all(isinstance(_json(e.answer), dict | list) for e in dataset.held_out):
        return EXACT_JSON
    return SAME_LABEL if dataset.card.kind == "labels" else GRADED


def held_out_suite(dataset: Dataset, *, limit: int | None = None, rubric: str | None = None) -> Suite:
    """The held-out examples, each once, scored as the dataset's kind asks for.

    Args:
        limit: So many of them, drawn once and for all by their names.
        rubric: What a judge grades free text by; None: by the dataset's answer.
    """
    scorer = scorer_of(dataset)
    options = {"rubric": rubric} if rubric is not None and scorer == GRADED else {}
    by_id = {e.sha256[:16]: e for e in dataset.held_out}
    suite = Suite.of("held-out", (_row(id, e, scorer, options) for id, e in by_id.items()))
    return suite if limit is None or limit >= len(suite.rows) else suite.take(limit)


def _row(id: str, e: Example, scorer: str, options: Mapping[str, str]) -> Row:
    messages = canonical_json(e.messages)
    return Row(id, messages, (e.answer,), scorer, (), {}, (), canonical_json(options), e.group or None)


def schema_of(dataset: Dataset) -> str | None:
    """The dataset's schema as JSON, else the one that all training answers show; None where they are no objects.

    A text that repeats over the training answers is held to the values seen there, where these are few.
    """
    if dataset.card.schema_json is not None:
        return dataset.card.schema_json
    found = [_json(e.answer) for e in dataset.train]
    answers = [a for a in found if isinstance(a, dict)]
    if not answers or len(answers) < len(found) or len({frozenset(a) for a in answers}) > 1:
        return None
    properties = {key: _property([a[key] for a in answers]) for key in answers[0]}
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return msgspec.json.encode(schema).decode()


def _property(values: Sequence[object]) -> dict[str, object]:
    texts = {v for v in values if isinstance(v, str)}
    is_closed = len(texts) <= _MAX_VALUES and 5 * len(texts) <= len(values)
    if is_closed and all(isinstance(v, str) for v in values):
        return {"enum": sorted(texts)}
    types = sorted(set(_types(values)))
    return {"type": types[0] if len(types) == 1 else types}


def _types(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, bool):
            yield "boolean"
        elif value is None:
            yield "null"
        elif isinstance(value, int | float):
            yield "number"
        elif isinstance(value, str):
            yield "string"
        else:
            yield "object" if isinstance(value, dict) else "array"


def _json(text: str) -> object:
    """The value; a plain text stands for itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
