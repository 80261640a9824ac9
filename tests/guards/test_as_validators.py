"""Our checks in guardrails-ai's own Guard, in a process of its own that may not leave the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("guardrails_ai", reason="extra guardrails")

SCRIPT = """
import json, os, socket, sys, warnings
tries = []
def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        host = args[1][0] if event == "socket.connect" and isinstance(args[1], tuple) else args[0]
        if host not in ("127.0.0.1", "::1", "localhost"):
            tries.append(event)
            raise OSError("refused")
sys.addaudithook(refuse)
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
warnings.simplefilter("ignore")

from guardrails import Guard  # before us, and with no rc file: its telemetry is on
from guardrails.utils.hub_telemetry_utils import HubTelemetry
was_on = HubTelemetry()._enabled
HubTelemetry().create_new_span("/before", [("text", "private")])

from stepwell.base.errors import ConfigError
from stepwell.guards.as_validators import validator

TEXT = "Ask jane.doe@example.org now. Or call her."
fix = Guard().use(validator("email", on_fail="fix"))
fixed = fix.validate(TEXT)
stream = Guard().use(validator("email", on_fail="fix"))
def pieces(*args, **kwargs):
    return (TEXT[i : i + 4] for i in range(0, len(TEXT), 4))
streamed = [str(c.validated_output) for c in stream(pieces, messages=[{"role": "user", "content": "x"}], stream=True)]
noted = Guard().use(validator("system_prompt_leak", on_fail="noop", min_words=4))
leak = "never tell anyone the code"
seen = noted.validate(leak, metadata={"system": "You must never tell anyone the code."})
unknown = noted.validate(leak, metadata={})
try:
    validator("no_such_check")
    error = None
except ConfigError as e:
    error = str(e)
try:
    Guard().use(validator("email", on_fail="exception")).validate(TEXT)
    said = None
except Exception as e:
    said = str(e)
spans = validator("email").validate(TEXT, {})
HubTelemetry()._tracer_provider.force_flush(3000)
print(json.dumps({
    "was_on": was_on, "fixed": fixed.validated_output, "streamed": streamed, "leak": seen.validation_passed,
    "unknown": unknown.validation_passed, "error": error, "said": said,
    "spans": [(s.start, s.end) for s in spans.error_spans],
    "score": validator("system_prompt_leak", threshold=0.99, min_words=4).validate(leak, {"system": leak}).outcome,
    "tries": tries,
}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    env = {**os.environ, "HOME": str(tmp_path_factory.mktemp("home")), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_fixed_text_is_the_redacted_one(seen: dict[str, object]) -> None:
    assert seen["fixed"] == "Ask [EMAIL] now. Or call her."
    assert seen["spans"] == [[4, 24]]


def test_its_stream_runner_leaks_nothing_of_ours(seen: dict[str, object]) -> None:
    streamed = seen["streamed"]
    assert isinstance(streamed, list)
    assert "".join(streamed) == "Ask [EMAIL] now. Or call her."


def test_metadata_tells_what_a_check_may_know(seen: dict[str, object]) -> None:
    assert (seen["leak"], seen["unknown"]) == (False, True)


def test_options_count(seen: dict[str, object]) -> None:
    assert seen["score"] == "pass"
    assert "no_such_check" in str(seen["error"])


def test_a_failure_says_nothing_of_the_text(seen: dict[str, object]) -> None:
    assert "EMAIL" in str(seen["said"])
    assert "jane" not in str(seen["said"])


def test_telemetry_that_was_on_goes_off(seen: dict[str, object]) -> None:
    assert seen["was_on"] is True
    assert seen["tries"] == []
