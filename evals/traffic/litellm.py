"""LiteLLM's logs: a StandardLoggingPayload a line, or rows of its spend logs.

Fields: docs.litellm.ai/docs/proxy/logging_spec, and the table LiteLLM_SpendLogs.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.evals.traffic.plain import answer_of, count, first, messages_of, number, parsed, seconds, text
from stepwell.evals.traffic.records import BadRecord, is_object
from stepwell.evals.traffic.tenant import hashed, hashed_conversation, hashed_user
from stepwell.traffic_line import Logged, Needs

# what litellm.turn_off_message_logging leaves in place of texts
_REDACTED = "redacted-by-litellm"


def is_litellm(values: Mapping[str, object]) -> bool:
    """Whether a record looks like one of LiteLLM's."""
    inner = values.get("standard_logging_object")
    found = inner if is_object(inner) else values
    return "call_type" in found or ("response_cost" in found and "model" in found) or _is_spend(found)


def _is_spend(values: Mapping[str, object]) -> bool:
    return "spend" in values and "request_id" in values


def from_litellm(values: Mapping[str, object]) -> Logged:
    """One call.

    Raises:
        BadRecord: It names no call and no model, or is no chat.
    """
    inner = values.get("standard_logging_object")
    record = inner if is_object(inner) else values
    name, model = text(first(record, "id", "request_id", "trace_id")), text(record.get("model"))
    if not name or not model:
        raise BadRecord("no id, or no model")
    began, ended = seconds(record.get("startTime")), seconds(record.get("endTime"))
    asked = parsed(first(record, "messages", "proxy_server_request"))
    is_redacted = _REDACTED in str(asked)
    is_ok = text(record.get("status")) in ("", "success")
    tier = text(record.get("model_group")) or model
    said = parsed(record.get("metadata"))
    of = said if is_object(said) else {}
    # a team is who agrees; where none is named, who asked stands for it
    teams = (record.get("team_id"), of.get("user_api_key_team_id"))
    owners = (*teams, record.get("end_user"), of.get("user_api_key_end_user_id"), record.get("user"), of)
    tenant = next((digest for owner in owners if (digest := hashed(owner))), "")
    users = (record.get("end_user"), of.get("user_api_key_end_user_id"), record.get("user"))
    # a trace is of one request: it tells two turns of one conversation apart
    talks = (record.get("session_id"), of.get("session_id"))
    return Logged(
        id=name,
        at_s=ended or began or 0.0,
        source="litellm",
        tenant=tenant,
        user=hashed_user(tenant, *users, of.get("user_api_key_user_id")),
        conversation=hashed_conversation(tenant, *talks),
        status=200 if is_ok else _status(record),
        error="" if is_ok else text(_error(record).get("error_class")) or "failed",
        cache="hit" if str(record.get("cache_hit")).lower() == "true" else "",
        body_id=name,
        tier=tier,
        served=tier if is_ok else "",
        model=model,
        in_tokens=count(record.get("prompt_tokens")),
        n_input_tokens=count(record.get("prompt_tokens")),
        out_tokens=count(record.get("completion_tokens")),
        cost_usd=number(first(record, "response_cost", "spend")),
        is_whole=is_ok,
        ms=1e3 * max(0.0, ended - began) if began and ended else 0.0,
        ttft_ms=_ttft_ms(record, began),
        needs=_needs(record),
        messages=() if is_redacted else messages_of(asked),
        answer=None if is_redacted else answer_of(record.get("response")),
    )


def _error(record: Mapping[str, object]) -> Mapping[str, object]:
    found = record.get("error_information")
    return found if is_object(found) else {}


def _status(record: Mapping[str, object]) -> int:
    return count(_error(record).get("error_code")) or 500


def _ttft_ms(record: Mapping[str, object], began: float | None) -> float | None:
    at = seconds(record.get("completionStartTime"))
    return 1e3 * (at - began) if at is not None and began is not None and at >= began else None


def _needs(record: Mapping[str, object]) -> Needs:
    given = parsed(first(record, "model_parameters", "optional_params"))
    asked = given if is_object(given) else {}
    form = parsed(asked.get("response_format"))
    return Needs(
        max_tokens=count(first(asked, "max_completion_tokens", "max_tokens")) or None,
        has_tools=bool(asked.get("tools")),
        response_format=text(form.get("type")) if is_object(form) else "",
    )
