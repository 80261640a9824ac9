"""`stepwell serve` as a process: what it prints, how it drains, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from tests.support.served import sections, tier
from tests.support.upstream import KEY_ENV, Upstream

Process = subprocess.Popen[str]


@contextmanager
def serving(folder: Path, upstream: Upstream, model: str, **server: object) -> Iterator[tuple[Process, str]]:
    """A server process on a free port; gives it and its base URL."""
    values = {**sections({"standard": tier(upstream.base_url, model)}), "server": {"port": 0, **server}}
    path = folder / "stepwell.yaml"
    path.write_text(yaml.safe_dump(values))
    command = [sys.executable, "-m", "stepwell.front.cli", "serve", "--config", str(path)]
    env = {**os.environ, KEY_ENV: "sk-mock"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("stepwell serves http://127.0.0.1:"), (
                process.stderr and process.stderr.read()
            )
            yield process, line.split()[-1]
        finally:
            process.kill()


def read_stream(url: str, on_first: Callable[[], None]) -> str:
    """The whole body of a streamed answer; calls `on_first` once its first token is there."""
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    got = ""
    with httpx.stream("POST", f"{url}/chat/completions", json=body, timeout=20) as answer:
        assert answer.status_code == 200
        for text in answer.iter_text():
            if not got:
                on_first()
            got += text
    return got


def test_sigterm_lets_open_streams_end_and_exits_0(tmp_path: Path, upstream: Upstream) -> None:
    with serving(tmp_path, upstream, "mock-n30-i30") as (process, url):
        got = read_stream(url, lambda: process.send_signal(signal.SIGTERM))
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert got.endswith("data: [DONE]\n\n")
    assert upstream.n_aborted == 0


def test_while_it_drains_nobody_new_is_let_in(tmp_path: Path, upstream: Upstream) -> None:
    refused = threading.Event()
    with serving(tmp_path, upstream, "mock-n40-i30") as (process, url):

        def stop_then_knock() -> None:
            process.send_signal(signal.SIGTERM)
            for _ in range(20):
                try:
                    httpx.get(f"{url}/models", timeout=1)
                except httpx.TransportError:
                    refused.set()
                    return

        got = read_stream(url, stop_then_knock)
        assert process.wait(10) == 0
    assert refused.is_set()
    assert got.endswith("data: [DONE]\n\n")


def test_a_stream_beyond_the_drain_time_is_cut_and_its_upstream_left(
    tmp_path: Path, upstream: Upstream
) -> None:
    with serving(tmp_path, upstream, "mock-n8-hangmid", drain_timeout_s=1) as (process, url):
        with pytest.raises(httpx.TransportError):
            read_stream(url, lambda: process.send_signal(signal.SIGTERM))
        assert process.wait(10) == 0
    assert upstream.n_aborted == 1


def test_sigint_ends_it_too(tmp_path: Path, upstream: Upstream) -> None:
    with serving(tmp_path, upstream, "mock-n4") as (process, url):
        assert httpx.get(f"{url}/models").status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(10) in (0, 130)


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path, upstream: Upstream) -> None:
    path = tmp_path / "stepwell.yaml"
    taken = {**sections({"standard": tier(upstream.base_url, "mock")}), "server": {"port": upstream.port}}
    path.write_text(yaml.safe_dump(taken))
    command = [sys.executable, "-m", "stepwell.front.cli", "serve", "--config", str(path)]
    env = {**os.environ, KEY_ENV: "sk-mock"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=env, check=False)
    assert done.returncode not in (0, -signal.SIGTERM)
    assert "can't be listened on" in done.stderr
    assert "Traceback" not in done.stderr
