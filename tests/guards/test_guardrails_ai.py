"""The guardrails-ai adapter, with the real package in a process of its own that may not leave the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stepwell.guards.guardrails_ai import changed

pytest.importorskip("guardrails_ai", reason="extra guardrails")

PLUG = """
from guardrails.validator_base import ErrorSpan, FailResult, PassResult, Validator, register_validator

@register_validator(name="test/no-plum", data_type="string")
class NoPlum(Validator):
    def __init__(self, word="plum", **kwargs):
        super().__init__(word=word, **kwargs)
        self.word = word

    def _validate(self, value, metadata):
        at = value.find(self.word)
        if at < 0:
            return PassResult()
        return FailResult(error_message=f"found in {value}", error_spans=[
            ErrorSpan(start=at, end=at + len(self.word), reason=value)])

@register_validator(name="test/short", data_type="string")
class Short(Validator):
    def _validate(self, value, metadata):
        return PassResult() if len(value) < 20 else FailResult(error_message=value)

@register_validator(name="test/slow-plum", data_type="string")
class SlowPlum(Validator):
    async def async_validate(self, value, metadata):
        import asyncio
        await asyncio.sleep(0)
        bad = "plum" in value and metadata.get("fruit") == "bad"
        return FailResult(error_message=value, fix_value=value.replace("plum", "fig")) if bad else PassResult()

@register_validator(name="test/crash", data_type="string")
class Crash(Validator):
    def _validate(self, value, metadata):
        raise RuntimeError(value)
"""

SCRIPT = """
import asyncio, json, os, socket, sys
tries = []
def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        host = args[1][0] if event == "socket.connect" and isinstance(args[1], tuple) else args[0]
        if host not in ("127.0.0.1", "::1", "localhost"):
            tries.append(event)
            raise OSError("refused")
sys.addaudithook(refuse)
home = os.environ["HOME"]

from stepwell.base.config import GuardsConfig
from stepwell.base.errors import GuardBlocked
from stepwell.base.messages import Event, Message, decode_chunk, encode_json
from stepwell.base.request import ChatRequest
from stepwell.guards.guard import Guard
assert "guardrails" not in sys.modules

def rule(name, **more):
    return {"check": f"guardrails:plug_of_mine:{name}", "timeout_s": 20, **more}

def guard(*rules):
    return Guard(GuardsConfig.model_validate({"input": list(rules), "output": list(rules)}))

def said(guard, text):
    try:
        verdict, request = asyncio.run(guard.check_input(ChatRequest.build({"messages": [Message("user", text)]})))
    except GuardBlocked as e:
        return str(e) + repr(e.verdict)
    return request.messages[0].content

def event(text, finish=None):
    payload = encode_json({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})
    return Event(payload, decode_chunk(payload))

plum, pear = guard(rule("NoPlum")), guard(rule("NoPlum", options={"word": "pear"}))
stream = plum.open_stream()
early = stream.feed([event("a pl"), event("um. And "), event("pears")])
late = stream.feed([event("", "stop")]) + stream.finish()

# a traced validator: what would be sent to its maker
from guardrails.hub_telemetry import hub_tracing
from guardrails.validator_base import Validator
traced = hub_tracing.trace(name="/validator_inference")(lambda: 7)()
from guardrails.utils.hub_telemetry_utils import HubTelemetry
HubTelemetry()._tracer_provider.force_flush(3000)
from guardrails.settings import settings
from opentelemetry.sdk.trace import TracerProvider
span = TracerProvider().get_tracer("mine").start_span("x")

print(json.dumps({
    "redacted": said(plum, "one plum, two"), "options": said(pear, "one plum, a pear"), "passes": said(plum, "nothing"),
    "whole": said(guard(rule("Short")), "much too long a text for it"),
    "blocked": said(guard(rule("Short", action="block")), "much too long a text for it"),
    "crash": said(guard(rule("Crash")), "private words"),
    "fixed": said(guard(rule("SlowPlum", options={"metadata": {"fruit": "bad"}})), "a plum, two plums, 3 pears"),
    "unfixed": said(guard(rule("SlowPlum")), "a plum"),
    "early": len(early), "late": "".join(e.chunk.choices[0].delta.content or "" for e in late),
    "metrics": settings.rc.enable_metrics, "traced": traced, "own_tracing_records": span.is_recording(),
    "home_kept": os.environ["HOME"] == home and os.listdir(home) == [], "otel": os.environ.get("OTEL_SDK_DISABLED"),
    "tries": tries,
}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder, home = tmp_path_factory.mktemp("plug"), tmp_path_factory.mktemp("home")
    Path(folder, "plug_of_mine.py").write_text(PLUG, encoding="utf-8")
    env = {**os.environ, "HOME": str(home), "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("OTEL_SDK_DISABLED", None)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_failure_with_spans_is_redacted_there(seen: dict[str, object]) -> None:
    assert seen["redacted"] == "one [NO_PLUM], two"
    assert seen["options"] == "one plum, a [NO_PLUM]"
    assert seen["passes"] == "nothing"


def test_a_failure_without_spans_is_the_whole_text(seen: dict[str, object]) -> None:
    assert seen["whole"] == "[SHORT]"
    assert "SHORT" in str(seen["blocked"])


def test_what_a_validator_says_or_raises_is_not_passed_on(seen: dict[str, object]) -> None:
    assert "too long" not in str(seen["blocked"])
    assert "Crash: RuntimeError" in str(seen["crash"])
    assert "private" not in str(seen["crash"])


def test_an_async_validator_with_metadata_and_a_fixed_text(seen: dict[str, object]) -> None:
    assert seen["fixed"] == "a [SLOW_PLUM], two [SLOW_PLUM], 3 pears"
    assert seen["unfixed"] == "a plum"


def test_a_stream_waits_for_its_end(seen: dict[str, object]) -> None:
    assert seen["early"] == 0
    assert seen["late"] == "a [NO_PLUM]. And pears"


def test_nothing_leaves_the_machine_and_the_users_own_tracing_stays(seen: dict[str, object]) -> None:
    assert seen["tries"] == []
    assert seen["metrics"] is False
    assert seen["traced"] == 7
    assert (seen["home_kept"], seen["otel"], seen["own_tracing_records"]) == (True, None, True)


@pytest.mark.parametrize(
    ("text", "fixed", "gone"),
    [
        ("a plum and a pear", "a fig and a pear", ["plum"]),
        ("one plum", "one", [" plum"]),
        ("plum", "plum!", []),
        ("x " * 2000 + "plum" + " y" * 2000, "x " * 2000 + "fig" + " y" * 2000, ["plum"]),
        ("a" * 9, "a" * 5, ["a" * 9]),
    ],
)
def test_what_a_fixed_text_changed(text: str, fixed: str, gone: list[str]) -> None:
    assert [text[a:b] for a, b in changed(text, fixed)] == gone
