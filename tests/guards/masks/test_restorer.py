"""Values come back into answers, however those are cut into events."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.messages import Event, decode_chunk, encode_json
from stepwell.guards.masks.restorer import StreamRestorer, restore_body, restore_message
from stepwell.guards.masks.vault import Vault

NAME = 'Ann "A" Lee\\\n'
VALUES = {"EMAIL_1": "ann@example.org", "CREDIT_CARD_1": "4111 1111 1111 1111", "NAME_1": NAME}
VAULT = Vault(VALUES)
WORDS = (
    "Dear [NAME_1], ",
    "[EMAIL_1]",
    "EMAIL_1",
    "\\[CREDIT\\_CARD\\_1\\] ",
    "[credit card 1]",
    "[EMAIL_",
    "[EM",
    "[",
    "CREDIT",
    "[EMAIL_7] ",
    "the ",
    "E",
    "1",
    " ",
    "é",
    '"',
)
sentences = st.lists(st.sampled_from(WORDS), max_size=8).map("".join)
inputs = st.dictionaries(st.sampled_from(["to", "say"]), sentences).map(
    lambda v: json.dumps(v, ensure_ascii=False)
)


def delta_event(delta: dict[str, Any], index: int = 0, finish: str | None = None, **more: object) -> Event:
    choice = {"index": index, "delta": delta, "finish_reason": finish, **more}
    return raw_event({"id": "c1", "model": "m", "created": 1, "choices": [choice]})


def raw_event(fields: dict[str, object]) -> Event:
    payload = encode_json(fields)
    return Event(payload, decode_chunk(payload))


def said(text: str) -> dict[str, Any]:
    return {"content": text}


def args(text: str, call: int = 0) -> dict[str, Any]:
    return {"tool_calls": [{"index": call, "function": {"arguments": text}}]}


MAKERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "content": said,
    "refusal": lambda t: {"refusal": t},
    "reasoning_content": lambda t: {"reasoning_content": t},
    "call 0": args,
    "call 1": lambda t: args(t, 1),
    "function_call": lambda t: {"function_call": {"arguments": t}},
    "custom": lambda t: {"tool_calls": [{"index": 2, "type": "custom", "custom": {"input": t}}]},
}


def joined(events: list[Event], index: int = 0) -> dict[str, str]:
    """What a client has, at the end."""
    made = dict.fromkeys(MAKERS, "")
    for event in events:
        for choice in json.loads(event.payload).get("choices", ()):
            if choice["index"] != index:
                continue
            delta = choice["delta"]
            for name in ("content", "refusal", "reasoning_content"):
                made[name] += delta.get(name) or ""
            made["function_call"] += delta.get("function_call", {}).get("arguments", "")
            for call in delta.get("tool_calls", ()):
                if "custom" in call:
                    made["custom"] += call["custom"]["input"]
                else:
                    made[f"call {call['index']}"] += call["function"]["arguments"]
    return made


def cut(text: str, rng: random.Random) -> list[str]:
    longest, parts, at = rng.choice((1, 3, 9, 80)), [], 0
    while at < len(text):
        n = rng.randint(1, longest)
        parts.append(text[at : at + n])
        at += n
    return parts


@settings(max_examples=150)
@given(
    spoken=st.fixed_dictionaries({n: inputs if n[:4] in ("call", "func") else sentences for n in MAKERS}),
    seed=st.integers(0, 2**16),
    ends=st.booleans(),
)
def test_streams_join_to_what_the_whole_restores_to(spoken: dict[str, str], seed: int, ends: bool) -> None:
    rng = random.Random(seed)
    parts = {(n, i): cut(t, rng) for n, t in spoken.items() for i in (0, 1)}
    restorer, out = StreamRestorer(VAULT), list[Event]()
    while open_ := [k for k, v in parts.items() if v]:
        name, index = rng.choice(open_)
        out += restorer.feed([delta_event(MAKERS[name](parts[name, index].pop(0)), index)])
        assert restorer.n_held_chars <= 40 * len(parts)
    if ends:
        out += restorer.feed([delta_event({}, i, "stop") for i in (0, 1)])
    out += restorer.finish()
    is_json = {n: True if n[:4] in ("call", "func") else None for n in MAKERS}
    expected = {n: VAULT.restore(t, is_json=is_json[n]) for n, t in spoken.items()}
    assert [joined(out, i) for i in (0, 1)] == [expected, expected]
    for name in ("call 0", "function_call"):
        masked = json.loads(spoken[name])
        assert json.loads(expected[name]) == {k: restored_in_string(v) for k, v in masked.items()}
    finishes = [c.finish_reason for e in out for c in e.chunk.choices]
    assert [f for f in finishes if f] == ["stop"] * 2 * ends
    assert not ends or all(not joined([e])[n] for e in out[-1:] for n in MAKERS)


def restored_in_string(text: str) -> str:
    """As `restore` of JSON: an escaped quote there is no edge of a string."""
    return VAULT.restore(text)


def test_what_holds_no_placeholder_passes_as_the_same_object() -> None:
    restorer = StreamRestorer(VAULT)
    events = [delta_event(said(t), logprobs={"content": []}) for t in ("Every ", "email (", "a) is [fine] ")]
    events.append(delta_event(args('{"a": 1}')))
    assert all(a is b for a, b in zip(restorer.feed(events), events, strict=True))
    quiet = StreamRestorer(Vault())
    assert quiet.feed(events) is events
    assert quiet.finish() == []


def test_only_the_beginning_of_a_placeholder_waits_and_only_its_own_text() -> None:
    restorer = StreamRestorer(VAULT)
    out = restorer.feed(
        [delta_event(said("to [EMA"), logprobs={"content": [{"token": "[EMA"}]}), delta_event(args("{}"))]
    )
    assert joined(out)["content"] == "to "
    assert joined(out)["call 0"] == "{}"
    assert b"EMA" not in b"".join(e.payload for e in out)
    out += restorer.feed([delta_event(said("IL_1]!"))])
    assert joined(out)["content"] == "to ann@example.org!"


def test_the_rest_leaves_before_finish_usage_and_error() -> None:
    usage = raw_event({"id": "c1", "choices": [], "usage": {"total_tokens": 9}})
    error = raw_event({"error": {"message": "broken"}})
    for last in (delta_event({}, finish="stop"), usage, error):
        restorer = StreamRestorer(VAULT)
        out = restorer.feed([delta_event(said("to EMAIL_1")), last]) + restorer.finish()
        assert joined(out)["content"] == "to ann@example.org"
        assert out[-1] is last
    restorer = StreamRestorer(VAULT)
    out = restorer.feed([delta_event(said("to EMAIL_1"), finish="stop")]) + restorer.finish()
    assert [c.finish_reason for e in out for c in e.chunk.choices] == [None, None, "stop"]
    assert joined(out)["content"] == "to ann@example.org"


def test_a_placeholder_that_goes_on_behind_an_end_is_restored() -> None:
    usage = raw_event({"id": "c1", "choices": [], "usage": {"total_tokens": 9}})
    for last in (delta_event({}, finish="stop"), delta_event(said("M"), finish="stop"), usage):
        restorer = StreamRestorer(VAULT)
        begun = "to [E" if last.chunk.choices and last.chunk.choices[0].delta.content else "to [EM"
        out = restorer.feed([delta_event(said(begun)), last, delta_event(said("AIL_1]!"))])
        out += restorer.finish()
        assert joined(out)["content"] == "to ann@example.org!"
        assert joined(out[-1:])["content"] == ""


def test_an_event_with_several_choices_or_a_text_said_twice_is_restored_too() -> None:
    restorer = StreamRestorer(VAULT)
    deltas = [
        {"index": i, "delta": {"content": f"{i} [EMAIL_1]"}, "message": {"content": "[EMAIL_1]"}}
        for i in (0, 1)
    ]
    out = restorer.feed([raw_event({"id": "c1", "choices": deltas})])
    assert [joined(out, i)["content"] for i in (0, 1)] == ["0 ann@example.org", "1 ann@example.org"]
    assert b"EMAIL_1" not in b"".join(e.payload for e in out)


def test_whole_answers_are_restored_in_every_text() -> None:
    call = {
        "id": "call_[EMAIL_1]",
        "type": "function",
        "function": {"name": "f", "arguments": '{"n": "[NAME_1]", "c": [CREDIT_CARD_1]}'},
    }
    message = {
        "role": "assistant",
        "content": '{"to": "[NAME_1]"}',
        "refusal": "no, [NAME_1]",
        "tool_calls": [call],
    }
    plain = {"message": {"role": "assistant", "content": "hi"}, "index": 1, "logprobs": {"content": []}}
    body = encode_json(
        {
            "id": "x",
            "choices": [{"message": message, "index": 0, "logprobs": {"content": []}}, plain],
            "extra": 1.50,
        }
    )
    made = json.loads(restore_body(body, VAULT))
    first = made["choices"][0]["message"]
    assert json.loads(first["content"]) == {"to": NAME}
    assert first["refusal"] == f"no, {NAME}"
    assert json.loads(first["tool_calls"][0]["function"]["arguments"]) == {
        "n": NAME,
        "c": VALUES["CREDIT_CARD_1"],
    }
    assert first["tool_calls"][0]["id"] == "call_[EMAIL_1]"
    assert made["choices"][0]["logprobs"] is None
    assert made["choices"][1] == plain
    assert restore_body(body, Vault()) is body
    assert restore_body(b'{"choices":[]}', VAULT) == b'{"choices":[]}'


def test_one_message_is_restored_and_the_rest_of_it_stays() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"n":"[NAME_1]"}'}}
    raw = encode_json({"role": "assistant", "content": "Hi [EMAIL_1]", "tool_calls": [call], "x": 1.50})
    made = json.loads(restore_message(raw, VAULT))
    assert made["content"] == "Hi ann@example.org"
    assert json.loads(made["tool_calls"][0]["function"]["arguments"]) == {"n": NAME}
    assert made["x"] == 1.5
    plain = encode_json({"role": "user", "content": "Hi"})
    assert restore_message(plain, VAULT) is plain
