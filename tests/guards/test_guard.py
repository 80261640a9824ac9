"""The guard's face: every text of a request or answer is checked, and nothing else is touched."""

from __future__ import annotations

import time

import pytest

from stepwell.base.config import CheckConfig, GuardsConfig
from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError, GuardBlocked
from stepwell.base.messages import Answer, Choice, FunctionCall, Message, Part, ToolCall
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
    verdict, edits = await guard(CheckConfig(check="secrets")).check_input(messages)
    assert sorted(edits) == [1, 2, 3]
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
    verdict, edits = await guard(CheckConfig(check="secrets")).check_output(answer)
    assert verdict.stage == "output"
    assert {i: m.content for i, m in edits.items()} == {1: "[GITHUB_PAT]"}


async def test_block_raises_and_quotes_nothing() -> None:
    with pytest.raises(GuardBlocked, match="GITHUB_PAT") as caught:
        await guard(CheckConfig(check="secrets", action="block")).check_input([Message("user", KEY)])
    assert KEY not in str(caught.value) + repr(caught.value.verdict)


async def test_the_most_severe_action_wins() -> None:
    both = guard(CheckConfig(check="email"), CheckConfig(check="us_ssn", action="block"))
    with pytest.raises(GuardBlocked):
        await both.check_input([Message("user", "a@x.io 413-18-7830")])


async def test_overlapping_findings_become_one_placeholder() -> None:
    both = guard(CheckConfig(check="email"), CheckConfig(check="secrets"))
    _, edits = await both.check_input([Message("user", f"password: {KEY}@mail.example.org")])
    text = str(edits[0].content)
    assert text.count("[") == 1
    assert KEY[:20] not in text


async def test_log_changes_nothing() -> None:
    verdict, edits = await guard(CheckConfig(check="email", action="log")).check_input(
        [Message("user", "a@x.io")]
    )
    assert edits == {}
    assert (verdict.action, verdict.kinds) == ("allow", ("EMAIL",))


@pytest.mark.parametrize(("kind", "error"), [(Broken, "ValueError"), (Slow, "timeout"), (Outside, "spans")])
async def test_a_failing_plug_is_closed_unless_told(kind: type, error: str) -> None:
    with pytest.raises(GuardBlocked) as caught:
        await guard(plugged(kind, timeout_s=0.1)).check_input([Message("user", "private words")])
    assert "private" not in str(caught.value) + repr(caught.value.verdict)
    verdict, edits = await guard(plugged(kind, timeout_s=0.1, on_error="open")).check_input(
        [Message("user", "x")]
    )
    assert edits == {}
    assert error in verdict.errors[0]


async def test_a_plugged_check_redacts() -> None:
    _, edits = await guard(plugged(Hello)).check_input([Message("user", "hello there")])
    assert edits[0].content == "[BROKEN] there"


def test_a_failing_plug_blocks_a_stream_too() -> None:
    from stepwell.base.messages import Event, decode_chunk

    stream = guard(plugged(Broken)).open_stream()
    assert stream is not None
    payload = b'{"choices":[{"index":0,"delta":{"content":"private words"},"finish_reason":"stop"}]}'
    with pytest.raises(GuardBlocked):
        stream.feed([Event(payload, decode_chunk(payload))])
    assert stream.verdict.errors == ("broken: ValueError",)


async def test_no_checks_cost_nothing() -> None:
    empty = guard()
    assert (empty.checks_input, empty.checks_output, empty.open_stream()) == (False, False, None)
    verdict, edits = await empty.check_input([Message("user", KEY)])
    assert (verdict.action, edits) == ("allow", {})


@pytest.mark.parametrize("check", ["emial", "no.such.module:Thing", "guardrails:nothing"])
def test_an_unknown_check_is_a_config_error(check: str) -> None:
    with pytest.raises(ConfigError, match="nothing" if "nothing" in check else "email, iban"):
        guard(CheckConfig(check=check))


def test_describe_tells_the_effective_policy() -> None:
    lines = guard(CheckConfig(check="email"), CheckConfig(check="us_ssn", action="block")).describe()
    assert [(v.stage, v.check, v.action) for v in lines if v.stage == "input"] == [
        ("input", "us_ssn", "block"),
        ("input", "email", "redact"),
    ]
