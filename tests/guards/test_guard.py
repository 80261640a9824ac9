"""The guard's face: every text of a request or answer is checked, and nothing else is touched."""

from __future__ import annotations

import time

import msgspec
import pytest

from stepwell.base.assemble import answer_body
from stepwell.base.config import CheckConfig, GuardsConfig
from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError, GuardBlocked
from stepwell.base.messages import Answer, Choice, FunctionCall, Message, Part, ToolCall, decode_answer
from stepwell.base.request import ChatRequest
from stepwell.guards.guard import Guard

KEY = "ghp_VIdwC05iwldnysNKJJKj5dGKe7bfSGxcJy6v"


class Broken:
    name, kinds, max_len = "broken", ("BROKEN",), 8

    def find(self, text: str) -> list[Finding]:
        raise ValueError(f"can't read {text}")


class Slow(Broken):
    def find(self, text: str) -> list[Finding]:
        time.sleep(0.5)
        return []


class Outside(Broken):
    def find(self, text: str) -> list[Finding]:
        return [Finding("BROKEN", 0, len(text) + 1)]


class Hello(Broken):
    def find(self, text: str) -> list[Finding]:
        return [Finding("BROKEN", 0, 5)] if text.startswith("hello") else []


def ask(*messages: Message) -> ChatRequest:
    return ChatRequest.build({"messages": messages})


def guard(*checks: CheckConfig) -> Guard:
    return Guard(GuardsConfig(input=list(checks), output=list(checks)))


def plugged(kind: type, **more: object) -> CheckConfig:
    return CheckConfig.model_validate({"check": f"guard_plugs:{kind.__name__}", **more})


@pytest.fixture(autouse=True)
def _plugs(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    module = types.ModuleType("guard_plugs")
    vars(module).update({c.__name__: c for c in (Broken, Slow, Outside, Hello)})
    monkeypatch.setitem(sys.modules, "guard_plugs", module)


async def test_every_text_of_a_message_is_checked() -> None:
    call = ToolCall(id="t1", type="function", function=FunctionCall("send", f'{{"key":"{KEY}"}}'))
    messages = [
        Message("system", "fine"),
        Message("user", [Part("text", f"my key is {KEY}"), Part("image_url")]),
        Message("assistant", None, tool_calls=[call]),
        Message("tool", f"result {KEY}", tool_call_id="t1"),
    ]
    verdict, request = await guard(CheckConfig(check="secrets")).check_input(ask(*messages))
    edits = request.messages
    assert edits[0] == messages[0]
    assert edits[1].content == [Part("text", "my key is [GITHUB_PAT]"), Part("image_url")]
    assert edits[2].tool_calls is not None
    assert edits[2].tool_calls[0].function == FunctionCall("send", '{"key":"[GITHUB_PAT]"}')
    assert edits[3] == Message("tool", "result [GITHUB_PAT]", tool_call_id="t1")
    assert (verdict.stage, verdict.action, verdict.kinds, verdict.n_findings) == (
        "input",
        "redact",
        ("GITHUB_PAT",),
        3,
    )
    assert messages[3].content == f"result {KEY}"


async def test_answers_are_edited_by_position() -> None:
    answer = Answer([Choice(Message("assistant", "fine")), Choice(Message("assistant", KEY), index=1)])
    verdict, body, shown = await guard(CheckConfig(check="secrets")).check_output(answer_body(answer), answer)
    assert verdict.stage == "output"
    assert [c.message.content for c in shown.choices] == ["fine", "[GITHUB_PAT]"]
    assert KEY.encode() not in body


RARE = {
    "refusal": KEY,
    "reasoning_content": KEY,
    "reasoning_details": [{"type": "reasoning.text", "text": KEY}],
    "function_call": {"name": "f", "arguments": f'{{"key":{{"in":"{KEY}"}}}}'},
    "tool_calls": [
        {"id": "t1", "type": "custom", "custom": {"name": "c", "input": KEY}},
        {
            "id": "t2",
            "type": "function",
            "function": {"name": "f", "arguments": f'{{"key":"{KEY}"}}'},
            "extra_content": {"google": {"thought_signature": "c2ln"}},
        },
    ],
}


def redacted(value: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(value).replace(KEY.encode(), b"[GITHUB_PAT]"))


@pytest.mark.parametrize(
    "more",
    [
        {"messages": [{"role": "assistant", "content": None, **RARE}]},
        {"messages": [{"role": "user", "content": [{"type": "refusal", "refusal": KEY}], "x": 1e400}]},
        {"messages": [{"role": "user", "name": KEY, "content": "hi"}]},
        {"tools": [{"type": "function", "function": {"name": "f", "description": KEY}}]},
        {"response_format": {"type": "json_schema", "json_schema": {"description": KEY}}},
        {"prediction": {"type": "content", "content": KEY}},
        {"metadata": {"note": KEY}},
    ],
)
async def test_no_text_that_a_model_reads_is_passed_unread(more: dict[str, object]) -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], **more}
    request = ChatRequest.build(body)
    _, shown = await guard(CheckConfig(check="secrets")).check_input(request)
    assert {k: msgspec.json.decode(v) for k, v in shown.fields.items()} == redacted(body)
    assert shown.wire == ChatRequest.build(shown.fields).wire
    with pytest.raises(GuardBlocked):
        await guard(CheckConfig(check="secrets", action="block")).check_input(request)


async def test_broken_text_of_a_field_is_read_too() -> None:
    body = (
        b'{"messages":[{"role":"user","content":"hi"}],"metadata":{"a":"\xff\xfe","b":"%b"}}' % KEY.encode()
    )
    _, shown = await guard(CheckConfig(check="secrets")).check_input(ChatRequest.parse(body))
    assert bytes(shown.fields["metadata"]) == b'{"a":"\xff\xfe","b":"[GITHUB_PAT]"}'


async def test_no_text_of_an_answer_is_shown_unread() -> None:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "fine", **RARE},
        "logprobs": {"content": []},
    }
    whole = {"id": "c", "choices": [choice], "ours": {"to": "keep"}}
    body = msgspec.json.encode(whole)
    _, shown, _ = await guard(CheckConfig(check="secrets")).check_output(body, decode_answer(body))
    choice["logprobs"] = None
    assert msgspec.json.decode(shown) == redacted(whole)


async def test_block_raises_and_quotes_nothing() -> None:
    with pytest.raises(GuardBlocked, match="GITHUB_PAT") as caught:
        await guard(CheckConfig(check="secrets", action="block")).check_input(ask(Message("user", KEY)))
    assert KEY not in str(caught.value) + repr(caught.value.verdict)


async def test_the_most_severe_action_wins() -> None:
    both = guard(CheckConfig(check="email"), CheckConfig(check="us_ssn", action="block"))
    with pytest.raises(GuardBlocked):
        await both.check_input(ask(Message("user", "a@x.io 413-18-7830")))


async def test_overlapping_findings_become_one_placeholder() -> None:
    both = guard(CheckConfig(check="email"), CheckConfig(check="secrets"))
    _, request = await both.check_input(ask(Message("user", f"password: {KEY}@mail.example.org")))
    text = str(request.messages[0].content)
    assert text.count("[") == 1
    assert KEY[:20] not in text


async def test_log_changes_nothing() -> None:
    verdict, request = await guard(CheckConfig(check="email", action="log")).check_input(
        ask(Message("user", "a@x.io"))
    )
    assert request.messages[0].content == "a@x.io"
    assert (verdict.action, verdict.kinds) == ("allow", ("EMAIL",))


@pytest.mark.parametrize(("kind", "error"), [(Broken, "ValueError"), (Slow, "timeout"), (Outside, "spans")])
async def test_a_failing_plug_is_closed_unless_told(kind: type, error: str) -> None:
    with pytest.raises(GuardBlocked) as caught:
        await guard(plugged(kind, timeout_s=0.1)).check_input(ask(Message("user", "private words")))
    assert "private" not in str(caught.value) + repr(caught.value.verdict)
    verdict, request = await guard(plugged(kind, timeout_s=0.1, on_error="open")).check_input(
        ask(Message("user", "x"))
    )
    assert request.messages[0].content == "x"
    assert error in verdict.errors[0]


async def test_a_plugged_check_redacts() -> None:
    _, request = await guard(plugged(Hello)).check_input(ask(Message("user", "hello there")))
    assert request.messages[0].content == "[BROKEN] there"


def test_a_failing_plug_blocks_a_stream_too() -> None:
    from stepwell.base.messages import Event, decode_chunk

    stream = guard(plugged(Broken)).open_stream()
    assert stream is not None
    payload = b'{"choices":[{"index":0,"delta":{"content":"private words"},"finish_reason":"stop"}]}'
    stream.feed([Event(payload, decode_chunk(payload))])
    with pytest.raises(GuardBlocked):
        stream.finish()
    assert stream.verdict.errors == ("broken: ValueError",)


async def test_no_checks_cost_nothing() -> None:
    empty = guard()
    assert empty.open_stream() is None
    request = ask(Message("user", KEY))
    verdict, same = await empty.check_input(request)
    assert verdict.action == "allow"
    assert same is request


@pytest.mark.parametrize("check", ["emial", "no.such.module:Thing", "guardrails:nothing"])
def test_an_unknown_check_is_a_config_error(check: str) -> None:
    with pytest.raises(ConfigError, match="nothing" if "nothing" in check else "email, encoding"):
        guard(CheckConfig(check=check))


def test_describe_tells_the_effective_policy() -> None:
    lines = guard(CheckConfig(check="email"), CheckConfig(check="us_ssn", action="block")).describe()
    assert [(v.stage, v.check, v.action) for v in lines if v.stage == "input"] == [
        ("input", "us_ssn", "block"),
        ("input", "email", "redact"),
    ]
