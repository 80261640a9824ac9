"""A random mark in prompt, answer and keys: it never shows up in logs, metrics, errors or the request log."""

from __future__ import annotations

import json
import logging
import secrets
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from stepwell import Stepwell, StepwellError
from stepwell.base.errors import StreamBroken, TierError
from stepwell.front.server.app import create_app
from stepwell.testing import FakeTier
from tests.support.served import Served, sections, tier, wait_until
from tests.support.upstream import KEY_ENV, Upstream

TIER: dict[str, Any] = {"model": "fake/x", "usd_per_1m_input": 1, "usd_per_1m_output": 1, "quality": 0.9}
FAULTS = ["mock-e400", "mock-e401", "mock-e500", "mock-garbage", "mock-html", "mock-empty", "mock-reset"]
FAULTS += ["mock-errorevent", "mock-unfinished", "mock-drop"]


@pytest.fixture
def mark() -> str:
    return "canary" + secrets.token_hex(8)


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        for name in ("stepwell", "aiohttp", "asyncio", "uvicorn"):
            caplog.set_level(logging.DEBUG, logger=name)
        caplog.set_level(logging.WARNING, logger="httpx")  # the test's own client logs paths
        yield caplog


def bodies(mark: str) -> list[dict[str, Any]]:
    """Right and wrong requests with the mark wherever a caller can put it."""
    say = [{"role": "user", "content": f"{mark} a@{mark}.example"}]
    return [
        {"messages": say, "user": mark, "metadata": {mark: mark}},
        {"messages": say, "model": mark},
        {"messages": say, "stream": mark},
        {"messages": say, "temperature": mark},
        {"messages": say, "response_format": {"type": mark}},
        {"messages": say, "response_format": {"type": "json_schema", "json_schema": {mark: mark}}},
        {"messages": say, "tools": [{"type": "function", "function": {"name": mark}}]},
        {"messages": say, "tools": mark},
        {"messages": [{"role": mark, "content": {mark: mark}}]},
        {
            "messages": [
                {"role": mark, "content": mark, "name": mark, "tool_calls": [{"id": mark, "function": mark}]}
            ]
        },
        {"messages": mark},
        {mark: mark},
        {"messages": say * 3000},
    ]


@pytest.mark.parametrize("action", ["redact", "block"])
async def test_errors_logs_and_metrics_never_show_it(
    mark: str, action: str, logs: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    log_path = tmp_path / "log.jsonl"
    replies: list[str | TierError] = [mark, f"mail b@{mark}.example", StreamBroken("cut", tier="a"), mark]
    well = Stepwell(
        tiers={"a": TIER},
        backends={"a": FakeTier(replies)},
        guards={
            "input": [{"check": "email", "action": action}],
            "output": [{"check": "email", "action": action}],
        },
        cache={"semantic": "off"},
        telemetry={"log_path": str(log_path)},
        dispatch={"max_retries": 0, "cooldown_s": 0},
    )
    n_errors = 0
    http = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(well)), base_url="http://127.0.0.1")
    async with well, http:
        for body in bodies(mark) * 2:
            for more in ({}, {"stream": True}):
                answer = await http.post("/v1/chat/completions", json={**body, **more})
                assert mark not in str(answer.headers).lower()
                if answer.status_code != 200:
                    n_errors += 1
                    assert mark not in answer.text
        for name in ("tier", "min-tier", "max-usd", "cache", "below-floor", "timeout-s", mark):
            answer = await http.post(
                "/v1/chat/completions", json=bodies(mark)[0], headers={f"x-stepwell-{name}": mark}
            )
            assert answer.status_code == 400
            assert mark not in answer.text
        for body in (
            {"input": mark, "encoding_format": mark},
            {"input": {mark: mark}},
            {"input": "x", "dimensions": mark},
        ):
            answer = await http.post("/v1/embeddings", json=body)
            assert answer.status_code == 400
            assert mark not in answer.text
        for path in (f"/{mark}", f"/v1/models/{mark}"):
            assert mark not in (await http.get(path)).text
        metrics = (await http.get("/metrics")).text
    assert n_errors > 30
    assert mark not in metrics
    assert mark not in logs.text
    written = log_path.read_text()
    assert mark not in written
    assert len(written.splitlines()) > 10
    assert all("status" in json.loads(line) for line in written.splitlines())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_upstream_does_not_bring_it_out(
    mark: str, fault: str, upstream: Upstream, logs: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_ENV, f"sk-{mark}")
    values = sections({"a": tier(upstream.base_url, fault)}, timeout_s=0.5, stream_idle_timeout_s=0.3)
    with Served(values) as served:
        for is_stream in (False, True):
            body = {"messages": [{"role": "user", "content": mark}], "stream": is_stream, "user": mark}
            answer = httpx.post(
                served.url, json=body, headers={"authorization": f"Bearer {mark}"}, timeout=10
            )
            assert mark not in answer.text
            assert "Traceback" not in answer.text
        metrics = httpx.get(served.url.replace("/v1/chat/completions", "/metrics")).text
    assert mark not in metrics
    assert mark not in logs.text
    wait_until(lambda: upstream.n_open == 0)


@pytest.mark.parametrize("fault", FAULTS)
async def test_nor_do_exceptions_with_their_causes(
    mark: str, fault: str, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_ENV, f"sk-{mark}")
    values = sections({"a": tier(upstream.base_url, fault)}, timeout_s=0.5, stream_idle_timeout_s=0.3)
    shown: list[str] = []
    async with Stepwell(**values) as well:
        for is_stream in (False, True):
            error = await ends(well, mark, is_stream)
            if error is not None:
                shown += [*traceback.format_exception(error), repr(error)]
    assert shown
    assert mark not in "".join(shown)
    wait_until(lambda: upstream.n_open == 0)


async def ends(well: Stepwell, mark: str, is_stream: bool) -> StepwellError | None:
    """The error that a request ends with."""
    try:
        if is_stream:
            async for _ in await well.astream(mark, user=mark):
                pass
        else:
            await well.achat(mark, user=mark)
    except StepwellError as e:
        return e
    return None
