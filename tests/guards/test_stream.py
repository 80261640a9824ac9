"""A guarded stream shows what redacting the whole text would show."""

from __future__ import annotations

import asyncio
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.config import CheckConfig, GuardsConfig
from stepwell.base.decisions import Finding, Verdict
from stepwell.base.errors import ConfigError, GuardBlocked
from stepwell.base.messages import (
    Event,
    FunctionCall,
    Message,
    ToolCall,
    decode_answer,
    decode_chunk,
    encode_json,
)
from stepwell.base.request import ChatRequest
from stepwell.guards import checks
from stepwell.guards.channel import MAX_HELD_CHARS
from stepwell.guards.check import StreamCheck
from stepwell.guards.guard import Guard
from stepwell.guards.plan import make_plan
from stepwell.guards.rules import Rule
from stepwell.guards.stream import GuardStream


def _reads_streams(name: str) -> bool:
    """Whether a check knows what of a text is open; those that need a model, a policy or the whole text don't."""
    try:
        return isinstance(checks.make(name, {}), StreamCheck)
    except ConfigError:
        return False


ALL = [name for name in checks.names() if _reads_streams(name)]
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + "GjWGIp44oJoW6ybeqDpfhFlQN2tM71QN\n" * 12
    + "-----END RSA PRIVATE KEY-----"
)
VALUES = (
    "jane.doe@example.org",
    "+44 20 7888 8577",
    "4111 1111 1111 1111",
    "GB82 WEST 1234 5698 7654 32",
    "413-18-7830",
    "218.68.44.86",
    "ghp_VIdwC05iwldnysNKJJKj5dGKe7bfSGxcJy6v",
    "postgres://ann:cCp4fjgf6MQ@db.internal.net:5432/app",
    "eyJhbGciOiAiSFMyNTYi.eyJzdWIiOiAiNDc0NTQ.KdhJHMKEGXx0LK51RVRKS4s",
    PEM,
)
WORDS = (
    "the ",
    "call me on ",
    "sk-",
    "a",
    "secret: ",
    "key ",
    "(",
    "v1.2.3.4",
    "12-",
    ". ",
    "\n",
    "https://",
    "\\n",
    "é ",
)
# identifiers, ordinary numbers, and what is almost a value
NEAR = (
    " zq12",
    "utf8 ",
    "x86_64",
    "sha256:",
    "at10 ",
    "2024-05-12 ",
    "1,250.50",
    "3.11.4",
    "12:30:45",
    "id 2147483647 ",
    "1719212858",
    "host:10.0.0.1",
    "::",
    "gb82west12345698765432",
    "DE89 is ",
    "GB82 WEST 1234 5698 7654 33",
    "4111 1111 1111 1112",
    "463-612-6138x",
    "(206) 479",
    "my phone ",
    "٣٤٥",
    "bearer ",
    "token=",
    "sk-ant-",
    "ghp_",
    "eyJ",
    "------",
    "SK",
    "_",
)
texts = st.lists(
    st.sampled_from(VALUES)
    | st.sampled_from(WORDS)
    | st.sampled_from(NEAR)
    | st.text("0123456789 -./()+:abGB@", max_size=12)
    | st.text(max_size=6),
    max_size=10,
).map("".join)


def ask(*messages: Message) -> ChatRequest:
    return ChatRequest.build({"messages": messages})


def guard(*names: str | CheckConfig) -> Guard:
    listed = [n if isinstance(n, CheckConfig) else CheckConfig(check=n) for n in names]
    return Guard(GuardsConfig(input=listed, output=listed))


ALL_CHECKS = guard(*ALL)
ALONE = {name: guard(name) for name in ALL}


def event(text: str, *, index: int = 0, finish: str | None = None, **more: object) -> Event:
    choice = {"index": index, "delta": {"content": text}, "finish_reason": finish, **more}
    return raw_event(
        {"id": "c1", "model": "m", "created": 1, "system_fingerprint": "fp", "choices": [choice]}
    )


def raw_event(fields: dict[str, object]) -> Event:
    payload = encode_json(fields)
    return Event(payload, decode_chunk(payload))


def call_event(arguments: str, call: int) -> Event:
    delta = {"tool_calls": [{"index": call, "function": {"arguments": arguments}}]}
    return raw_event({"id": "c1", "choices": [{"index": 0, "delta": delta}]})


def shown(events: list[Event], index: int = 0) -> str:
    choices = [c for e in events for c in e.chunk.choices if c.index == index]
    return "".join(c.delta.content or "" for c in choices)


def pieces(text: str, rng: random.Random, longest: int) -> list[str]:
    out, at = [], 0
    while at < len(text):
        n = rng.randint(1, longest)
        out.append(text[at : at + n])
        at += n
    return out


def whole(guard: Guard, text: str) -> tuple[Verdict, str]:
    """The verdict on an answer that isn't streamed, and its text."""
    message = {"role": "assistant", "content": text}
    body = encode_json({"id": "c1", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    verdict, _, answer = asyncio.run(guard.check_output(body, decode_answer(body)))
    return verdict, answer.choices[0].message.text


def redacted(guard: Guard, text: str) -> str:
    return whole(guard, text)[1]


@settings(max_examples=150, deadline=None)
@given(text=texts, seed=st.integers(0, 2**16), longest=st.sampled_from([1, 3, 12, 400]))
def test_a_stream_equals_the_whole_text_redacted(text: str, seed: int, longest: int) -> None:
    assert_streams_as_whole(ALL_CHECKS, text, seed, longest)


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=60, deadline=None)
@given(text=texts, seed=st.integers(0, 2**16), longest=st.sampled_from([1, 4, 20]))
def test_each_check_alone_streams_as_it_finds(name: str, text: str, seed: int, longest: int) -> None:
    assert_streams_as_whole(ALONE[name], text, seed, longest)


def assert_streams_as_whole(guard: Guard, text: str, seed: int, longest: int) -> None:
    stream = guard.open_stream()
    assert stream is not None
    parts = pieces(text, random.Random(seed), longest)
    out = [e for part in parts for e in stream.feed([event(part)])] + stream.finish()
    verdict, text = whole(guard, text)
    assert shown(out) == text
    assert stream.verdict.n_findings == verdict.n_findings
    assert stream.verdict.kinds == verdict.kinds


def test_identifiers_and_numbers_wait_for_one_word_at_most() -> None:
    text = (
        "".join(f" zq{i}" for i in range(100))
        + " utf8 sha256 x86_64 v3.11.4 costs 12,499.90 on page 7 at 10:45, "
    )
    stream = ALL_CHECKS.open_stream()
    assert stream is not None
    n_sent = n_shown = 0
    for word in text.split(" "):
        n_sent += len(word) + 1
        n_shown += len(shown(stream.feed([event(word + " ")])))
        assert n_sent - n_shown <= len(word) + 1


def test_sixty_four_streams_at_once_do_not_mix() -> None:
    rng = random.Random(3)
    sources = [f"Answer {i}: {rng.choice(VALUES)} and {rng.choice(VALUES)} of {i}." for i in range(64)]
    streams = [ALL_CHECKS.open_stream() for _ in sources]
    queues = [pieces(s, rng, 5) for s in sources]
    out: list[list[Event]] = [[] for _ in sources]
    while live := [i for i, q in enumerate(queues) if q]:
        i = rng.choice(live)
        stream = streams[i]
        assert stream is not None
        if i % 9 == 8:  # this client went away
            queues[i].clear()
            continue
        out[i] += stream.feed([event(queues[i].pop(0))])
    for i, (stream, source) in enumerate(zip(streams, sources, strict=True)):
        if stream is not None and i % 9 != 8:
            assert shown(out[i] + stream.finish()) == redacted(ALL_CHECKS, source)


def test_prose_passes_as_the_same_objects_and_waits_for_one_word_at_most() -> None:
    prose = "The quick brown fox, whom nobody in Paris knows, jumps over a lazy dog; it is fine weather. " * 5
    for checked in (guard("secrets"), ALL_CHECKS):
        stream = checked.open_stream()
        assert stream is not None
        sent = [event(w + " ") for w in prose.split(" ")]
        out: list[Event] = []
        for n, one in enumerate(sent, start=1):
            out += stream.feed([one])
            assert n - len(out) <= 1
        out += stream.finish()
        assert all(a is b for a, b in zip(out, sent, strict=True))
        assert stream.verdict.action == "allow"


def test_hold_back_is_bounded_in_text_without_values() -> None:
    rng = random.Random(5)
    text = " ".join(
        rng.choice(["12", "2024", "the", "key", "secret:", "v1.2", "(3)", "a", "fine"]) for _ in range(900)
    )
    stream = ALL_CHECKS.open_stream()
    assert stream is not None
    n_sent = n_shown = 0
    for part in pieces(text, rng, 40):
        n_sent += len(part)
        n_shown += len(shown(stream.feed([event(part)])))
        assert n_sent - n_shown <= 64
    assert n_shown + len(shown(stream.finish())) == len(text)
    assert stream.verdict.n_findings == 0


def test_a_long_word_and_the_space_behind_it_wait_for_64_characters_at_most() -> None:
    digest = "1f0e" * 16
    for text in (f"sum {digest} ok", f"sum {digest}. ok", f"{digest}{digest} ok", f"...{digest} ok"):
        stream = guard("email").open_stream()
        assert stream is not None
        for char in text:
            stream.feed([event(char)])
            assert stream.n_held_chars <= 64


def test_choices_and_other_fields_keep_apart() -> None:
    stream = guard("email").open_stream()
    assert stream is not None
    out = stream.feed([event("a@exam", index=0), event("plain, ", index=1)])
    assert shown(out, 1) == "plain, "
    out += stream.feed(
        [event("ple.org ", index=0, logprobs={"content": [{"token": "ple.org"}]}), event("b@x.io", index=1)]
    )
    out += stream.feed([event("", index=0, finish="stop"), event("", index=1, finish="stop")])
    out += stream.finish()
    assert (shown(out, 0), shown(out, 1)) == ("[EMAIL] ", "plain, [EMAIL]")
    assert all(b'"system_fingerprint":"fp"' in e.payload for e in out)
    assert not any(b"exam" in e.payload or b"ple.org" in e.payload for e in out)
    assert [c.finish_reason for e in out for c in e.chunk.choices if c.finish_reason] == ["stop", "stop"]


def test_an_event_with_several_choices_is_taken_apart() -> None:
    stream = guard("email").open_stream()
    assert stream is not None
    deltas = [{"index": i, "delta": {"content": f"u{i}@x.io "}} for i in range(2)]
    out = (
        stream.feed([raw_event({"id": "c1", "choices": deltas, "usage": {"total_tokens": 3}})])
        + stream.finish()
    )
    assert [shown(out, i) for i in range(2)] == ["[EMAIL] ", "[EMAIL] "]
    assert [e.chunk.usage is not None for e in out] == [False, True]


def test_finish_reason_and_usage_come_last() -> None:
    stream = guard("email").open_stream()
    assert stream is not None
    out = stream.feed([event("write to jane"), event("@x.io", finish="stop")])
    usage = raw_event({"id": "c1", "choices": [], "usage": {"total_tokens": 9}})
    out += stream.feed([usage]) + stream.finish()
    assert shown(out) == "write to [EMAIL]"
    assert [c.finish_reason for e in out for c in e.chunk.choices if c.finish_reason] == ["stop"]
    assert [c.finish_reason for c in out[-2].chunk.choices] == ["stop"]
    assert out[-1] is usage
    assert stream.finish() == []


@pytest.mark.parametrize("cut", range(1, 15))
@pytest.mark.parametrize("between", ["usage", "finish", "finish with text", "error"])
def test_upstreams_that_go_on_behind_an_end_leak_nothing(between: str, cut: int) -> None:
    stream = guard("email").open_stream()
    assert stream is not None
    value = "ann@example.org"
    ends = {
        "usage": [event(value[:cut]), raw_event({"id": "c1", "choices": [], "usage": {"total_tokens": 9}})],
        "finish": [event(value[:cut]), event("", finish="stop")],
        "finish with text": [event(value[:cut], finish="stop")],
        "error": [event(value[:cut]), raw_event({"choices": [], "error": {"message": "no"}})],
    }
    out = stream.feed([event("to "), *ends[between], event(value[cut:] + " so")]) + stream.finish()
    assert shown(out) == "to [EMAIL] so"
    assert shown(out[-1:]) == ""


def test_what_ends_a_stream_passes_as_it_came() -> None:
    stream = guard("email").open_stream()
    assert stream is not None
    last = [event("", finish="stop"), raw_event({"id": "c1", "choices": [], "usage": {"total_tokens": 9}})]
    assert stream.feed([event("so! "), *last])[1:] == []
    assert all(a is b for a, b in zip(stream.finish(), last, strict=True))


def test_tool_arguments_are_guarded_and_stay_json() -> None:
    arguments = encode_json(
        {"to": "x\njane@x.io", "card": 4111111111111111, "say": 'p "413-18-7830"\n413-18-7831'}
    ).decode()
    call = ToolCall(id="1", function=FunctionCall("f", arguments))
    checked = guard("email", "credit_card", "us_ssn")
    _, request = asyncio.run(checked.check_input(ask(Message("assistant", tool_calls=[call]))))
    assert request.messages[0].tool_calls is not None
    whole = request.messages[0].tool_calls[0].function.arguments
    assert msgspec.json.decode(whole) == {
        "to": "x\n[EMAIL]",
        "card": "[CREDIT_CARD]",
        "say": 'p "[US_SSN]"\n[US_SSN]',
    }
    for longest in (1, 7):
        stream = checked.open_stream()
        assert stream is not None
        parts = pieces(arguments, random.Random(2), longest)
        out = stream.feed([call_event(p, n) for p in parts for n in (0, 1)]) + stream.finish()
        calls = [t for e in out for c in e.chunk.choices for t in c.delta.tool_calls or ()]
        for n in (0, 1):
            assert "".join(t.function.arguments for t in calls if t.index == n) == whole


def test_block_stops_the_stream_before_the_value_shows() -> None:
    stream = guard(CheckConfig(check="us_ssn", action="block")).open_stream()
    assert stream is not None
    out = stream.feed([event("Hello. ")])
    with pytest.raises(GuardBlocked) as caught:
        stream.feed([event(part) for part in ("413", "-18-", "7830", " ok", " then")])
    assert shown(out) == "Hello. "
    assert stream.verdict.action == "block"
    assert "413" not in str(caught.value)


def test_log_finds_without_waiting() -> None:
    stream = guard(CheckConfig(check="email", action="log")).open_stream()
    assert stream is not None
    sent = [event(t) for t in ("jane", "@x", ".io ")]
    assert stream.feed(sent) == sent
    stream.finish()
    assert stream.verdict.why == "allow(EMAIL)"


def test_one_endless_word_is_cut_and_its_value_does_not_leak() -> None:
    stream = guard("secrets").open_stream()
    assert stream is not None
    token = "bearer " + "a1" * MAX_HELD_CHARS
    out = [e for p in pieces(token + " end", random.Random(1), 30) for e in stream.feed([event(p)])]
    assert "".join((shown(out), shown(stream.finish()))) == "bearer [BEARER] end"


class Shout:
    """A third party's check: words in capitals, six letters at most."""

    name, kinds, max_len = "shout", ("SHOUT",), 6

    def find(self, text: str) -> list[Finding]:
        return [Finding("SHOUT", i, i + 3) for i in range(len(text)) if text.startswith("LOU", i)]


def test_a_plugged_check_holds_back_its_window() -> None:
    plugged = GuardStream(make_plan([Rule(Shout(), "redact", is_plugged=True)], hold_back_chars=16))
    assert plugged.is_blocking
    out = [
        e for c in "so LOUD it is, and again LOUD enough" for e in plugged.feed([event(c)])
    ] + plugged.finish()
    assert shown(out) == "so [SHOUT]D it is, and again [SHOUT]D enough"
