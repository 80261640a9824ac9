"""Whatever field of a delta carries text: the stream shows what redacting the whole answer would show."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.config import CheckConfig, GuardsConfig
from stepwell.base.errors import GuardBlocked
from stepwell.base.messages import Event, decode_answer, decode_chunk, encode_json
from stepwell.guards.guard import Guard

CHECKS = ("email", "phone", "credit_card", "iban", "us_ssn", "ip_address", "secrets")
EMAIL = Guard(GuardsConfig(input=[], output=[CheckConfig(check="email")]))
ALL = Guard(GuardsConfig(input=[], output=[CheckConfig(check=c) for c in CHECKS]))
PARTS = (
    "jane.doe@example.org",
    "4111 1111 1111 1111",
    "413-18-7830",
    "GB82 WEST 1234 5698 7654 32",
    "+44 20 7888 8577",
    "ghp_VIdwC05iwldnysNKJJKj5dGKe7bfSGxcJy6v",
    "password: hunter2-and-more",
    "call ",
    "the ",
    ". ",
    "\n",
    '"',
    "12-",
    "a",
    "sk-",
    " zq1 ",
    "é",
    "，",
    "“so” ",
)
# as a writer may dress a value up: each character by itself, so that any cut may go through it
DRESSES = (
    str,
    lambda s: "\u200b".join(s),
    lambda s: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in s),
    lambda s: "".join(chr(0xE0000 + ord(c)) for c in s),
    lambda s: s.replace("e", "e\u00ad").replace("1", "\U0001d7cf"),
)
texts = st.lists(st.tuples(st.sampled_from(PARTS), st.sampled_from(DRESSES)), max_size=6).map(
    lambda parts: "".join(dress(part) for part, dress in parts)
)
Field = tuple[str | int, ...]
FIELDS: tuple[Field, ...] = (
    ("content",),
    ("refusal",),
    ("reasoning_content",),
    ("reasoning_details", 0, "text"),
    ("audio", "transcript"),
    ("some_field", "of", "theirs"),
    ("tool_calls", 0, "function", "name"),
    ("tool_calls", 0, "function", "arguments"),
    ("tool_calls", 1, "custom", "input"),
    ("tool_calls", 2, "function", "arguments"),
    ("function_call", "arguments"),
)


def put(path: Field, text: str) -> Any:
    """A delta, or a message, with the text at `path`."""
    value: Any = text
    for depth in range(len(path) - 1, -1, -1):
        step = path[depth]
        value = [{"index": step, **value}] if isinstance(step, int) else {step: value}
    return value


def merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    """As a client puts deltas together."""
    for key, value in more.items():
        if isinstance(value, list):
            into.setdefault(key, {})
            for item in value:
                merge(into[key].setdefault(item["index"], {}), item)
        elif isinstance(value, dict):
            merge(into.setdefault(key, {}), value)
        elif isinstance(value, str):
            into[key] = into.get(key, "") + value
        else:
            into[key] = value


def whole(guard: Guard, fields: dict[Field, str]) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for path, text in fields.items():
        merge(message, put(path, text))
    for name in ("tool_calls", "reasoning_details"):
        if name in message:
            message[name] = list(message[name].values())
    body = encode_json({"choices": [{"index": 0, "message": {"role": "assistant", **message}}]})
    _, body, _ = asyncio.run(guard.check_output(body, decode_answer(body)))
    out: dict[str, Any] = {}
    merge(out, json.loads(body)["choices"][0]["message"])
    del out["role"]
    return out


def event(delta: dict[str, Any], index: int = 0, finish: str | None = None, **more: Any) -> Event:
    choice = {"index": index, "delta": delta, "finish_reason": finish, **more}
    payload = encode_json({"id": "c1", "model": "m", "choices": [choice]})
    return Event(payload, decode_chunk(payload))


def assembled(events: list[Event], index: int = 0) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for e in events:
        for choice in json.loads(e.payload)["choices"]:
            if choice["index"] == index:
                merge(out, choice["delta"])
    return out


def deltas(fields: dict[Field, str], rng: random.Random) -> list[dict[str, Any]]:
    """The texts in random pieces, mixed as upstreams mix them: several in one event, names before arguments."""
    queues = {path: pieces(text, rng) for path, text in fields.items()}
    out = []
    while live := [path for path, queue in queues.items() if queue and not waits(path, queues)]:
        delta: dict[str, Any] = {}
        taken = rng.sample(live, min(len(live), rng.choice((1, 1, 1, 2, 3))))
        for path in sorted(taken, key=FIELDS.index):
            merge(delta, put(path, queues[path].pop(0)))
        for name in ("tool_calls", "reasoning_details"):
            if name in delta:
                delta[name] = list(delta[name].values())
        out.append(delta)
    return out


def waits(path: Field, queues: dict[Field, list[str]]) -> bool:
    """Arguments wait for the name."""
    return path[-1] == "arguments" and bool(queues.get((*path[:-1], "name")))


def pieces(text: str, rng: random.Random) -> list[str]:
    longest, out, at = rng.choice((1, 4, 30)), [], 0
    while at < len(text):
        n = rng.randint(1, longest)
        out.append(text[at : at + n])
        at += n
    return out


answers = st.dictionaries(st.sampled_from(FIELDS), texts.filter(bool), max_size=4)


@settings(max_examples=120)
@given(choices=st.lists(answers, min_size=1, max_size=3), seed=st.integers(0, 2**16))
def test_every_field_of_every_choice_equals_the_whole(choices: list[dict[Field, str]], seed: int) -> None:
    rng = random.Random(seed)
    as_json = [{p: json.dumps(t) if p[-1] == "arguments" else t for p, t in c.items()} for c in choices]
    queues = [[event(d, i) for d in deltas(c, rng)] for i, c in enumerate(as_json)]
    queues = [[*q, event({}, i, "stop")] for i, q in enumerate(queues)]
    stream = ALL.open_stream()
    assert stream is not None
    out: list[Event] = []
    while live := [q for q in queues if q]:
        out += stream.feed([rng.choice(live).pop(0)])
    out += stream.finish()
    for i, fields in enumerate(as_json):
        assert assembled(out, i) == whole(ALL, fields)


@pytest.mark.parametrize("path", FIELDS)
def test_a_value_split_over_deltas_is_cut_out_of_every_field(path: Field) -> None:
    stream = EMAIL.open_stream()
    assert stream is not None
    out = (
        stream.feed([event(put(path, part)) for part in ('"ask jane', "@x", ".io", ' now"')])
        + stream.finish()
    )
    assert assembled(out) == assembled([event(put(path, '"ask [EMAIL] now"'))])
    assert not any(b"jane" in e.payload for e in out)


def test_texts_of_one_choice_do_not_wait_for_one_another() -> None:
    stream = EMAIL.open_stream()
    assert stream is not None
    out = stream.feed([event({"reasoning_content": "so be it"}), event({"content": "It is! "})])
    assert assembled(out) == {"content": "It is! "}
    out = stream.feed([event({}, finish="stop")]) + stream.finish()
    assert assembled(out) == {"reasoning_content": "so be it"}
    assert [json.loads(e.payload)["choices"][0]["finish_reason"] for e in out] == [None, "stop"]


def test_a_call_s_name_comes_before_its_arguments_and_its_id_comes_once() -> None:
    stream = EMAIL.open_stream()
    assert stream is not None
    begins = {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": "look_up", "arguments": ""},
    }
    out = stream.feed([event({"role": "assistant", "tool_calls": [begins]})])
    assert out == []
    parts = ['{"to": "', "jane@", "x.io", '"}']
    for part in parts:
        out += stream.feed([event({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})])
    said = assembled(out)["tool_calls"][0]
    assert said == {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": "look_up", "arguments": '{"to": "[EMAIL]"}'},
    }
    assert b"call_1" in out[0].payload


def test_an_event_with_several_texts_is_taken_apart_only_where_one_has_to_wait() -> None:
    stream = EMAIL.open_stream()
    assert stream is not None
    whole_event = event({"role": "assistant", "content": "so! ", "reasoning_content": "hm! "})
    assert stream.feed([whole_event]) == [whole_event]
    calls = [
        {"index": i, "id": f"call_{i}", "function": {"name": "f", "arguments": a}}
        for i, a in enumerate(['{"a": "', '{"b": 1} '])
    ]
    out = stream.feed([event({"content": "jane", "tool_calls": calls})]) + stream.finish()
    said = assembled(out)
    assert said["content"] == "jane"
    assert [said["tool_calls"][i]["id"] for i in (0, 1)] == ["call_0", "call_1"]
    assert [said["tool_calls"][i]["function"]["arguments"] for i in (0, 1)] == ['{"a": "', '{"b": 1} ']


def test_calls_without_a_number_begin_with_an_id() -> None:
    stream = EMAIL.open_stream()
    assert stream is not None
    out: list[Event] = []
    for call in ("call_1", "call_2"):
        out += stream.feed(
            [event({"tool_calls": [{"id": call, "function": {"name": "f", "arguments": ""}}]})]
        )
        for part in ("ja", "ne@x.", "io"):
            out += stream.feed([event({"tool_calls": [{"function": {"arguments": part}}]})])
    out += stream.finish()
    said = [
        c["function"].get("arguments")
        for e in out
        for c in json.loads(e.payload)["choices"][0]["delta"]["tool_calls"]
    ]
    assert list(filter(None, said)) == ['"[EMAIL]"', '"[EMAIL]"']


def test_a_choice_that_says_its_text_twice_says_it_once() -> None:
    """Some upstreams send the message so far beside each delta."""
    stream = EMAIL.open_stream()
    assert stream is not None
    sofar, out = "", []
    for part in ("ask ja", "ne@x.io ", "now"):
        sofar += part
        out += stream.feed([event({"content": part}, message={"role": "assistant", "content": sofar})])
    out += stream.finish()
    assert assembled(out) == {"content": "ask [EMAIL] now"}
    assert not any(b"jane" in e.payload or b"message" in e.payload for e in out)


def test_tool_arguments_meet_the_rules_of_their_own_stage() -> None:
    guard = Guard(
        GuardsConfig(
            input=[],
            output=[],
            stream=[CheckConfig(check="email")],
            tool_args=[CheckConfig(check="us_ssn", action="block")],
        )
    )
    stream = guard.open_stream()
    assert stream is not None
    out = stream.feed([event({"content": "413-18-7830, jane@x.io, "})])
    arguments = {"tool_calls": [{"index": 0, "function": {"arguments": '{"to": "jane@x.io"} '}}]}
    out += stream.feed([event(arguments)])
    said = assembled(out)
    assert said["content"] == "413-18-7830, [EMAIL], "
    assert said["tool_calls"][0]["function"]["arguments"] == '{"to": "jane@x.io"} '
    arguments["tool_calls"][0]["function"]["arguments"] = "413-18-7830 "  # type: ignore[index]
    with pytest.raises(GuardBlocked):
        stream.feed([event(arguments)])
