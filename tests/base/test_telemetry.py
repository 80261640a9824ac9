"""Records, metrics and the request log."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from stepwell import ConfigError
from stepwell.base.telemetry.log import RequestLog
from stepwell.base.telemetry.metrics import Metrics
from stepwell.base.telemetry.record import Record, Recorder


def record(status: int = 200, **more: object) -> Record:
    fields = {"tier": "cheap", "cost_usd": 0.25, "n_input_tokens": 3, "n_output_tokens": 4, **more}
    return Record(ts_s=1.0, request_id="r", status=status, ms=20.0, **fields)  # type: ignore[arg-type]


def test_metrics_count_requests_tokens_and_dollars() -> None:
    metrics = Metrics()
    for status in (200, 200, 503):
        metrics(record(status, attempts=[("cheap", "ok"), ("dear", "tier_timeout")], guard_input="redact"))
    text = metrics.render().decode()
    assert 'stepwell_requests_total{cache="",status="200",tier="cheap"} 2.0' in text
    assert 'stepwell_cost_usd_total{tier="cheap"} 0.75' in text
    assert 'stepwell_tokens_total{direction="output",tier="cheap"} 12.0' in text
    assert 'stepwell_failed_tries_total{outcome="tier_timeout",tier="dear"} 3.0' in text
    assert 'stepwell_guard_verdicts_total{action="redact",stage="input"} 3.0' in text


def test_two_wells_do_not_share_metrics() -> None:
    one, other = Metrics(), Metrics()
    one(record())
    assert "stepwell_requests_total{" not in other.render().decode()


def test_a_sink_that_raises_is_dropped_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Record] = []

    def broken(_: Record) -> None:
        raise RuntimeError("sk-secret")

    recorder = Recorder([broken, seen.append])
    with caplog.at_level(logging.WARNING):
        recorder(record())
        recorder(record())
    assert len(seen) == 2
    assert len(caplog.records) == 1
    assert "sk-secret" not in caplog.text


async def test_the_log_has_one_json_line_a_request_by_and_by(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.jsonl"
    log = RequestLog(str(path), flush_s=0.01)
    log(record())
    log(record(503, error="all_tiers_failed"))
    assert path.read_text() == ""
    await asyncio.sleep(0.1)
    assert [json.loads(x)["status"] for x in path.read_text().splitlines()] == [200, 503]
    log(record(499))
    log.close()  # what waits is written
    assert len(path.read_text().splitlines()) == 3


def test_a_log_that_can_not_be_opened_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"telemetry\.log_path"):
        RequestLog(str(tmp_path), flush_s=1)
