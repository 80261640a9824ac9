"""Langfuse's observations: exports of its page, of its API, and of blob storage (JSON or JSON Lines).

Fields: langfuse.com/docs/api-and-data-platform/features/blob-storage-export-fields, and the API's ObservationsView.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepwell.evals.traffic.plain import (
    answer_of,
    count,
    first,
    messages_of,
    number,
    parsed,
    seconds,
    share,
    text,
)
from stepwell.evals.traffic.records import BadRecord, is_object
from stepwell.evals.traffic.tenant import hashed, hashed_conversation, hashed_user
from stepwell.traffic_line import Logged, Needs

_COMPARABLE = ("NUMERIC", "BOOLEAN", "")


def is_langfuse(values: Mapping[str, object]) -> bool:
    """Whether a record looks like an observation, or a score, of Langfuse."""
    kind = text(values.get("type")).upper()
    is_observation = kind in ("GENERATION", "SPAN", "EVENT") and ("input" in values or "output" in values)
    has_cost = any(
        n in values for n in ("usageDetails", "usage_details", "calculatedTotalCost", "costDetails")
    )
    return is_observation or has_cost or is_score(values)


def is_score(values: Mapping[str, object]) -> bool:
    """Whether a record is a score by itself, as blob storage writes them."""
    named = "observation_id" in values or "observationId" in values
    return named and "value" in values and "name" in values and "input" not in values


def score_of(values: Mapping[str, object]) -> tuple[str, float] | None:
    """The observation's id and its score 0..1; None for what is on another scale or is a category."""
    kind = text(first(values, "data_type", "dataType")).upper()
    value = share(values.get("value"))
    name = text(first(values, "observation_id", "observationId"))
    return (name, value) if name and value is not None and kind in _COMPARABLE else None


def from_langfuse(values: Mapping[str, object]) -> Logged | None:
    """One generation; None for spans and events, which ask no model.

    Raises:
        BadRecord: It names no model, or its input is of no known form.
    """
    if text(values.get("type")).upper() not in ("GENERATION", ""):
        return None
    name = text(values.get("id"))
    model = text(first(values, "model", "provided_model_name", "providedModelName", "internalModel"))
    if not name or not model:
        raise BadRecord("no id, or no model")
    began = seconds(first(values, "startTime", "start_time"))
    ended = seconds(first(values, "endTime", "end_time"))
    is_ok = text(values.get("level")).upper() != "ERROR"
    usage = _usage(values)
    scores = list(_scores(values.get("scores")))
    tenant = hashed(first(values, "userId", "user_id", "metadata"))
    # a trace is of one request: it tells two turns of one conversation apart
    talks = ("sessionId", "session_id")
    return Logged(
        id=name,
        at_s=ended or began or 0.0,
        source="langfuse",
        tenant=tenant,
        user=hashed_user(tenant, values.get("userId"), values.get("user_id")),
        conversation=hashed_conversation(tenant, *(values.get(n) for n in talks)),
        status=200 if is_ok else 500,
        error="" if is_ok else "failed",
        body_id=name,
        tier=model,
        served=model if is_ok else "",
        model=model,
        in_tokens=usage[0],
        n_input_tokens=usage[0],
        out_tokens=usage[1],
        cost_usd=_cost(values),
        is_whole=is_ok,
        ms=_ms(values, began, ended),
        ttft_ms=_ttft_ms(values, began),
        needs=_needs(values),
        messages=messages_of(values.get("input")),
        answer=answer_of(values.get("output")),
        scores={model: sum(scores) / len(scores)} if scores else {},
    )


def _usage(values: Mapping[str, object]) -> tuple[int, int]:
    found = parsed(first(values, "usageDetails", "usage_details", "usage"))
    usage = found if is_object(found) else values
    read = first(usage, "input", "prompt_tokens", "promptTokens", "inputUsage", "input_tokens")
    written = first(usage, "output", "completion_tokens", "completionTokens", "outputUsage", "output_tokens")
    return count(read), count(written)


def _cost(values: Mapping[str, object]) -> float | None:
    details = parsed(first(values, "costDetails", "cost_details"))
    if is_object(details) and number(details.get("total")) is not None:
        return number(details["total"])
    return number(first(values, "totalCost", "total_cost", "calculatedTotalCost", "calculated_total_cost"))


def _ms(values: Mapping[str, object], began: float | None, ended: float | None) -> float:
    if began is not None and ended is not None:
        return 1e3 * max(0.0, ended - began)
    return 1e3 * (number(values.get("latency")) or 0.0)


def _ttft_ms(values: Mapping[str, object], began: float | None) -> float | None:
    at = seconds(first(values, "completionStartTime", "completion_start_time"))
    if at is not None and began is not None:
        return 1e3 * max(0.0, at - began)
    waited = number(first(values, "timeToFirstToken", "time_to_first_token"))
    return None if waited is None else 1e3 * waited


def _needs(values: Mapping[str, object]) -> Needs:
    given = parsed(first(values, "modelParameters", "model_parameters"))
    asked = given if is_object(given) else {}
    return Needs(max_tokens=count(first(asked, "max_completion_tokens", "max_tokens")) or None)


def _scores(value: object) -> Iterator[float]:
    """Of a list of scores, or of {name: value or values}."""
    found = parsed(value)
    items = list(found.values()) if is_object(found) else found if isinstance(found, list) else []
    for item in items:
        if is_object(item):
            kind = text(first(item, "dataType", "data_type")).upper()
            one = share(item.get("value")) if kind in _COMPARABLE else None
            yield from () if one is None else (one,)
        else:
            yield from (
                s for v in (item if isinstance(item, list) else [item]) if (s := share(v)) is not None
            )
