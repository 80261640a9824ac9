"""What stands beside the texts of an answer is read too: other fields, ids, labels, names, probabilities."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from stepwell.base.config import CheckConfig, GuardsConfig
from stepwell.base.errors import GuardBlocked
from stepwell.base.messages import Event, decode_answer, decode_chunk, encode_json
from stepwell.guards.guard import Guard

MAIL = "ann@example.org"
REDACTS = Guard(GuardsConfig(input=[], output=[CheckConfig(check="email")]))
BLOCKS = Guard(GuardsConfig(input=[], output=[CheckConfig(check="email", action="block")]))
LOGS = Guard(GuardsConfig(input=[], output=[CheckConfig(check="email", action="log")]))


def token(text: str, *others: str, spelled: list[int] | None = None) -> dict[str, Any]:
    more = [{"token": o, "logprob": -2.0, "bytes": None} for o in others]
    return {"token": text, "logprob": -0.5, "bytes": spelled, "top_logprobs": more}


def call(**fields: Any) -> dict[str, Any]:
    made = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    return {"tool_calls": [{**made, **fields}]}


# fields of the answer, of its choice, and of the message or delta, with the value somewhere
HIDDEN: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "citations": ({"citations": [f"by {MAIL}"]}, {}, {}),
    "an object": ({"x": {"y": [{"z": MAIL}]}}, {}, {}),
    "a note": ({}, {"note": MAIL}, {}),
    "provider fields": ({}, {"provider_specific_fields": {"a": MAIL}}, {}),
    "stop reason": ({}, {"stop_reason": MAIL}, {}),
    "finish reason": ({}, {"finish_reason": MAIL}, {}),
    "role": ({}, {}, {"role": MAIL}),
    "type": ({}, {}, {"thinking": {"type": MAIL}}),
    "call id": ({}, {}, call(id=MAIL)),
    "call type": ({}, {}, call(type=MAIL)),
    "name of a top field": ({MAIL: 1}, {}, {}),
    "name of a choice field": ({}, {MAIL: 1}, {}),
    "name of a text": ({}, {}, {MAIL: "so"}),
    "name within": ({}, {}, {"x": {"y": {MAIL: ["so"], "z": "so"}}}),
    "token": ({}, {"logprobs": {"content": [token(MAIL)]}}, {}),
    "tokens": ({}, {"logprobs": {"content": [token(t) for t in ("ann@", "example", ".org")]}}, {}),
    "alternative": ({}, {"logprobs": {"content": [token("x", "a", MAIL)]}}, {}),
    "alternatives": (
        {},
        {"logprobs": {"content": [token("x", "no", "ann@"), token("", "no", "example.org")]}},
        {},
    ),
    "bytes": ({}, {"logprobs": {"content": [token("x", spelled=list(MAIL.encode()))]}}, {}),
    "probabilities of a refusal": ({}, {"logprobs": {"refusal": [token(MAIL)]}}, {}),
    "probabilities of another shape": ({}, {"logprobs": {"tokens": [MAIL]}}, {}),
}


def as_event(top: dict[str, Any], choice: dict[str, Any], delta: dict[str, Any]) -> Event:
    made = {"index": 0, "delta": {"content": "x", **delta}, "finish_reason": None, **choice}
    return raw_event({"id": "c1", "model": "m", **top, "choices": [made]})


def raw_event(fields: dict[str, Any]) -> Event:
    payload = encode_json(fields)
    return Event(payload, decode_chunk(payload))


def as_body(top: dict[str, Any], choice: dict[str, Any], message: dict[str, Any]) -> bytes:
    said = {"role": "assistant", "content": "x", **message}
    made = {"index": 0, "message": said, "finish_reason": "stop", **choice}
    return encode_json({"id": "c1", "model": "m", "n": 1.50, **top, "choices": [made]})


def checked(guard: Guard, body: bytes) -> bytes:
    return asyncio.run(guard.check_output(body, decode_answer(body)))[1]


def streamed(guard: Guard, *events: Event) -> list[Event]:
    stream = guard.open_stream()
    assert stream is not None
    return stream.feed(list(events)) + stream.finish()


def is_hidden(payload: bytes) -> bool:
    """Whether the value is in it neither as text nor as the bytes of tokens."""
    return MAIL.encode() not in payload and b"97,110,110,64" not in payload and b'"ann@"' not in payload


@pytest.mark.parametrize("where", HIDDEN)
def test_a_value_beside_the_texts_of_a_stream_goes(where: str) -> None:
    out = streamed(REDACTS, as_event(*HIDDEN[where]), as_event({}, {"finish_reason": "stop"}, {}))
    assert all(is_hidden(e.payload) for e in out)
    assert "".join(c.delta.content or "" for e in out for c in e.chunk.choices) == "xx"


@pytest.mark.parametrize("where", HIDDEN)
def test_a_value_beside_the_texts_of_an_answer_goes(where: str) -> None:
    body = checked(REDACTS, as_body(*HIDDEN[where]))
    assert is_hidden(body)
    assert decode_answer(body).text == "x"


@pytest.mark.parametrize("where", ["citations", "provider fields", "call id", "name of a text", "role"])
def test_a_value_beside_the_texts_blocks(where: str) -> None:
    with pytest.raises(GuardBlocked):
        streamed(BLOCKS, as_event(*HIDDEN[where]))
    with pytest.raises(GuardBlocked):
        checked(BLOCKS, as_body(*HIDDEN[where]))


@pytest.mark.parametrize("where", HIDDEN)
def test_what_is_only_logged_stays(where: str) -> None:
    event, body = as_event(*HIDDEN[where]), as_body(*HIDDEN[where])
    assert all(e is event for e in streamed(LOGS, event)) or "finish" in where
    assert checked(LOGS, body) is body


def test_an_event_without_a_choice_is_read_too() -> None:
    events = [raw_event({"id": "c1", "choices": [], "citations": [MAIL]})]
    events.append(raw_event({"id": "c1", "choices": [], "error": {"message": MAIL}}))
    assert all(is_hidden(e.payload) for e in streamed(REDACTS, *events))
    with pytest.raises(GuardBlocked):
        streamed(BLOCKS, *events)


def test_harmless_fields_stay_as_they_came() -> None:
    fine = {"content": [token("x", "y", "zed")]}
    event = as_event({"citations": ["https://a.example/b"], "obfuscation": "aB3"}, {"logprobs": fine}, {})
    assert all(e is event for e in streamed(REDACTS, event, event))
    body = as_body({"citations": ["https://a.example/b"]}, {"logprobs": fine}, {"a1": {"b-2": "c"}})
    assert checked(REDACTS, body) is body


def test_probabilities_stay_where_they_spell_the_text_also_in_bytes() -> None:
    star = "✨".encode()
    listed = [
        token("bytes:\\xe2\\x9c", spelled=list(star[:2])),
        token("bytes:\\xa8", spelled=list(star[2:])),
    ]
    event = as_event({}, {"logprobs": {"content": listed}}, {"content": "✨"})
    assert streamed(REDACTS, event) == [event]


def test_probabilities_of_another_text_go_from_a_stream() -> None:
    """They may be pieces of a value that only stands there."""
    event = as_event({}, {"logprobs": {"content": [token("ann")]}}, {})
    assert [json.loads(e.payload)["choices"][0]["logprobs"] for e in streamed(REDACTS, event)] == [None]


def test_only_what_holds_a_value_changes() -> None:
    top = {"citations": [f"by {MAIL}", "by Bo"], MAIL: 1, "price": 1.50, "n": 12345678901234567890123}
    body = checked(REDACTS, as_body(top, {}, {}))
    assert b'"citations":["by [EMAIL]","by Bo"]' in body
    assert b'"n":12345678901234567890123' in body


def test_no_verdict_shows_names_that_may_be_text() -> None:
    hidden = {"x": {MAIL: MAIL}}
    stream = LOGS.open_stream()
    assert stream is not None
    events = [as_event(hidden, {"x": hidden}, hidden), as_event({}, {}, {MAIL: f"to {MAIL} "})]
    stream.feed(events)
    stream.finish()
    body = as_body(hidden, {"x": hidden}, {**hidden, MAIL: MAIL})
    whole, _, _ = asyncio.run(LOGS.check_output(body, decode_answer(body)))
    for verdict in (stream.verdict, whole):
        assert verdict.n_findings >= 3
        assert MAIL not in repr(verdict)
        assert any(f.where.endswith(".*") for f in verdict.findings)
