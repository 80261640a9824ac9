"""With everything outside loopback refused, the whole default path makes no attempt to leave the machine."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent / "conformance" / "offline.py"
PLUMS = """
from guardrails.validators import FailResult, PassResult, Validator, register_validator

@register_validator(name="no-plums", data_type="string")
class NoPlums(Validator):
    def _validate(self, value, metadata):
        return FailResult(error_message="plum") if "plum" in value else PassResult()
"""
IP4 = re.compile(r'inet_addr\("([^"]+)"\)')
IP6 = re.compile(r'inet_pton\(AF_INET6, "([^"]+)"')


@dataclass(frozen=True)
class Walk:
    """One run of the script: what it printed, and the system calls where they could be traced."""

    printed: dict[str, Any]
    calls: str | None
    why_not: str = ""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    folder = tmp_path_factory.mktemp("walk")
    (folder / "plums.py").write_text(PLUMS)
    calls = folder / "calls"
    tracer, why_not = tracing(calls)
    env = {**os.environ, "PYTHONPATH": str(folder)}
    command = [*tracer, sys.executable, str(SCRIPT)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=env, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.splitlines()[-1])
    return Walk(printed, calls.read_text() if tracer else None, why_not)


def tracing(calls: Path) -> tuple[list[str], str]:
    """The command that traces what follows into a file; or none, and why."""
    strace = shutil.which("strace")
    if strace is None:
        return [], "strace is not installed: native code is not watched"
    if subprocess.run([strace, "-o", os.devnull, "true"], capture_output=True, check=False).returncode:
        return [], "strace may not trace here: native code is not watched"
    return [strace, "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(calls)], ""


def test_the_hook_sees_an_attempt() -> None:
    """The test of the test: what is refused is also noticed."""
    code = (
        f"import runpy, socket, sys; m = runpy.run_path({str(SCRIPT)!r}, run_name='m'); sys.addaudithook(m['refuse'])\n"
        "asks = [lambda: socket.create_connection(('192.0.2.1', 9), 1), lambda: socket.getaddrinfo('a.example', 80)]\n"
        "for ask in asks:\n"
        "    try: ask()\n"
        "    except OSError as e: assert 'refused' in str(e)\n"
        "print(len(m['attempts']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "2", done.stderr


def test_the_way_was_walked_to_its_end(walk: Walk) -> None:
    """So that silence means something."""
    found = walk.printed
    assert found["local"] is True
    assert found["streamed"] is True
    assert found["langchain"] is True
    assert found["is_vocabulary_loaded"] is True
    assert found["n_dropped"] > 0
    assert found["is_embedder_loaded"] is True
    assert found["checked"] > 3
    assert found["served"] == dict.fromkeys(("chat", "stream", "embeddings", "models", "metrics"), 200)


def test_every_shipped_check_read_what_came_in_and_what_went_out(walk: Walk) -> None:
    found = walk.printed["guarded"]
    judged = {"PROMPT_INJECTION", "HARMFUL_REQUEST", "TOXIC", "LANGUAGE", "EMAIL", "PHONE", "CREDIT_CARD"}
    assert found["n_checks"] >= 15
    assert found["n_pieces"] > 0
    for stage in ("input", "output", "stream"):
        assert judged <= set(found[stage])


def test_the_default_path_never_leaves_the_machine(walk: Walk) -> None:
    assert walk.printed["attempts"] == []


def test_nor_does_native_code(walk: Walk) -> None:
    """Rust, C++ and libuv don't ask Python: here the system calls themselves are read."""
    if walk.calls is None:
        pytest.skip(walk.why_not)
    found = [*IP4.findall(walk.calls), *IP6.findall(walk.calls)]
    reached = {ipaddress.ip_address(a) for a in found}
    assert ipaddress.ip_address("127.0.0.1") in reached  # the served part is loopback: strace did see
    assert {str(a) for a in reached if not a.is_loopback and not a.is_unspecified} == set()
