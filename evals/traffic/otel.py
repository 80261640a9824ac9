"""OpenTelemetry's traces as OTLP JSON: spans of GenAI calls, with messages as attributes or events.

Attributes: opentelemetry.io/docs/specs/semconv/gen-ai, and the older names that instrumentations still send.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from stepwell.evals.traffic.plain import (
    Said,
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

_CHATS = ("chat", "text_completion", "generate_content", "")
_OLD = re.compile(r"gen_ai\.(prompt|completion)\.(\d+)\.(role|content)")
_EVENT_ROLES = {f"gen_ai.{role}.message": role for role in ("system", "user", "assistant", "tool")}
_TEXTS = ("", "text", "reasoning", "tool_call", "tool_call_response")
_DETAILS = "gen_ai.client.inference.operation.details"


def is_otel(values: Mapping[str, object]) -> bool:
    """Whether a record is OTLP JSON."""
    return any(n in values for n in ("resourceSpans", "resource_spans", "resourceLogs", "resource_logs"))


def spans_of(values: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Spans of a record, with their attributes and events as plain values."""
    for span in _inner(values, ("resourceSpans", "resource_spans"), ("scopeSpans", "scope_spans"), "spans"):
        events = [e for e in _list(span.get("events")) if is_object(e)]
        yield {**span, "attributes": _attributes(span), "events": [_event(e) for e in events]}


def events_of(values: Mapping[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    """Span ids and events of a record of logs: messages may come apart from their span."""
    found = _inner(values, ("resourceLogs", "resource_logs"), ("scopeLogs", "scope_logs"), "logRecords")
    for record in found:
        yield text(first(record, "spanId", "span_id")), _event(record)


def from_otel(span: Mapping[str, object], events: Iterable[Mapping[str, object]] = ()) -> Logged | None:
    """One call of a model; None for spans of something else.

    Args:
        events: Further ones of this span, from logs.

    Raises:
        BadRecord: It names no model, or its messages are of no known form.
    """
    of = span["attributes"]
    assert is_object(of)
    if not any(n.startswith("gen_ai.") for n in of) or text(of.get("gen_ai.operation.name")) not in _CHATS:
        return None
    model = text(first(of, "gen_ai.response.model", "gen_ai.request.model"))
    name = text(first(span, "spanId", "span_id"))
    if not name or not model:
        raise BadRecord("no span id, or no model")
    all_events = [*(e for e in _list(span.get("events")) if is_object(e)), *events]
    said, answer = _said(of, all_events)
    began = seconds(first(span, "startTimeUnixNano", "start_time_unix_nano"))
    ended = seconds(first(span, "endTimeUnixNano", "end_time_unix_nano"))
    error = text(of.get("error.type"))
    tier = text(of.get("gen_ai.request.model")) or model
    n_in = count(first(of, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"))
    score = _score(all_events)
    tenant = hashed(first(of, "enduser.id", "user.id"))
    # a trace is of one request: it tells two turns of one conversation apart
    talks = (of.get("gen_ai.conversation.id"), of.get("session.id"))
    return Logged(
        id=name,
        at_s=ended or began or 0.0,
        source="otel",
        tenant=tenant,
        user=hashed_user(tenant, of.get("enduser.id"), of.get("user.id")),
        conversation=hashed_conversation(tenant, *talks),
        status=500 if error else 200,
        error="failed" if error else "",
        body_id=text(of.get("gen_ai.response.id")),
        tier=tier,
        served="" if error else tier,
        model=model,
        in_tokens=n_in,
        n_input_tokens=n_in,
        out_tokens=count(first(of, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")),
        cost_usd=number(first(of, "gen_ai.usage.cost", "gen_ai.usage.total_cost")),
        is_whole=not error,
        ms=1e3 * max(0.0, ended - began) if began and ended else 0.0,
        needs=Needs(
            max_tokens=count(of.get("gen_ai.request.max_tokens")) or None,
            has_tools=bool(of.get("gen_ai.tool.definitions")),
            has_images=_has_media(of, all_events),
            response_format="json_object" if of.get("gen_ai.output.type") == "json" else "",
        ),
        messages=said,
        answer=answer,
        scores={} if score is None else {tier: score},
    )


def _inner(
    values: Mapping[str, object], outer: tuple[str, str], scopes: tuple[str, str], leaves: str
) -> Iterator[dict[str, object]]:
    for resource in _list(first(values, *outer)):
        for scope in _list(first(resource, *scopes) if is_object(resource) else None):
            for leaf in _list(first(scope, leaves, "log_records") if is_object(scope) else None):
                if is_object(leaf):
                    yield leaf


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _attributes(holder: Mapping[str, object]) -> dict[str, object]:
    """Of [{key, value: {stringValue: ...}}]; of a plain object as it is."""
    found = holder.get("attributes")
    if is_object(found):
        return found
    pairs = [p for p in _list(found) if is_object(p)]
    return {text(p.get("key")): _value(p.get("value")) for p in pairs}


def _value(value: object) -> object:
    if not is_object(value):
        return value
    for name, inner in value.items():
        if name in ("arrayValue", "array_value") and is_object(inner):
            return [_value(v) for v in _list(inner.get("values"))]
        if name in ("kvlistValue", "kvlist_value") and is_object(inner):
            pairs = [p for p in _list(inner.get("values")) if is_object(p)]
            return {text(p.get("key")): _value(p.get("value")) for p in pairs}
        return inner
    return None


def _event(event: Mapping[str, object]) -> dict[str, object]:
    of = _attributes(event)
    body = _value(event.get("body"))
    name = text(first(event, "name", "eventName", "event_name")) or text(of.get("event.name"))
    return {"name": name, "of": {**of, **body} if is_object(body) else of}


def _said(of: Mapping[str, object], events: Iterable[Mapping[str, object]]) -> tuple[Said, str | None]:
    """Messages and answer: by today's attributes, by events, by the numbered attributes of older ones."""
    details = next((e["of"] for e in events if e.get("name") == _DETAILS), None)
    found = {**of, **details} if is_object(details) else dict(of)
    listed = parsed(found.get("gen_ai.input.messages"))
    if isinstance(listed, list):
        system = parsed(found.get("gen_ai.system_instructions"))
        first_said = ({"role": "system", "content": _parts(system)},) if system else ()
        said = messages_of([_joined(m) for m in listed])
        return (*first_said, *said), _output(found.get("gen_ai.output.messages"))
    return _by_events(events) or _by_numbers(of)


def _has_media(of: Mapping[str, object], events: Iterable[Mapping[str, object]]) -> bool:
    """Whether a part of what was asked is neither text nor of a tool: only its text is kept."""
    details = next((e["of"] for e in events if e.get("name") == _DETAILS), None)
    found = {**of, **details} if is_object(details) else of
    listed = [m for m in _list(parsed(found.get("gen_ai.input.messages"))) if is_object(m)]
    parts = [p for m in listed for p in _list(parsed(first(m, "parts", "content"))) if is_object(p)]
    return any(text(p.get("type")) not in _TEXTS for p in parts)


def _joined(message: object) -> object:
    if not is_object(message):
        return message
    return {"role": message.get("role"), "content": _parts(first(message, "parts", "content"))}


def _parts(value: object) -> str:
    """The text of a message's parts; tool calls and their results as they are written."""
    found = parsed(value)
    if isinstance(found, str):
        return found
    parts = [p for p in _list(found) if is_object(p)]
    return "\n".join(text(first(p, "content", "text", "response")) for p in parts)


def _output(value: object) -> str | None:
    found = parsed(value)
    texts = [_parts(first(m, "parts", "content")) for m in _list(found) if is_object(m)]
    return texts[0] if texts and texts[0] else answer_of(found) if isinstance(found, str) else None


def _by_events(events: Iterable[Mapping[str, object]]) -> tuple[Said, str | None] | None:
    said: list[dict[str, object]] = []
    answer: str | None = None
    for event in events:
        name, of = text(event.get("name")), event.get("of")
        if not is_object(of):
            continue
        if name in _EVENT_ROLES:
            said.append(
                {"role": _EVENT_ROLES[name], "content": _parts(first(of, "content", "gen_ai.prompt"))}
            )
        elif name == "gen_ai.content.prompt":
            said += messages_of(of.get("gen_ai.prompt"))
        elif name in ("gen_ai.choice", "gen_ai.content.completion"):
            answer = answer or answer_of(first(of, "message", "content", "gen_ai.completion"))
    return (tuple(said), answer) if said else None


def _by_numbers(of: Mapping[str, object]) -> tuple[Said, str | None]:
    found: dict[tuple[str, int], dict[str, object]] = {}
    for name, value in of.items():
        match = _OLD.fullmatch(name)
        if match:
            found.setdefault((match[1], int(match[2])), {})[match[3]] = value
    said = [found[key] for key in sorted(found) if key[0] == "prompt"]
    answer = found.get(("completion", 0), {}).get("content")
    return messages_of(said), answer_of(answer)


def _score(events: Iterable[Mapping[str, object]]) -> float | None:
    """Mean of evaluations 0..1 of the call."""
    found = [
        s
        for e in events
        if e.get("name") == "gen_ai.evaluation.result" and is_object(of := e.get("of"))
        if (s := share(of.get("gen_ai.evaluation.score.value"))) is not None
    ]
    return sum(found) / len(found) if found else None
