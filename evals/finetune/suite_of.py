"""A dataset's held-out examples as a suite of the evals, and the schema that answers keep to."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.data.example import Example
from stepwell.evals.finetune.data.inferred import inferred_schema
from stepwell.evals.report import GRADED
from stepwell.evals.suite import Row, Suite, canonical_json

EXACT_JSON, SAME_LABEL = "json_exact", "normalised"


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
    """The dataset's schema as JSON, else the one that all training answers keep to; None where there is none."""
    if dataset.card.schema_json is not None:
        return dataset.card.schema_json
    inferred = inferred_schema([e.answer for e in dataset.train])
    return None if inferred is None else msgspec.json.encode(inferred).decode()


def _json(text: str) -> object:
    """The value; a plain text stands for itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
