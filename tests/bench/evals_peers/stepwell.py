"""Our own `stepwell eval run`: as it is configured by default, and without guards."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import msgspec
import yaml

from tests.bench.evals_peers.place import KEY, MODEL, Place, Started, Tool

KEY_ENV = "STEPWELL_BENCH_KEY"
BARE = {"guards": {"input": [], "output": []}, "cache": {"exact": False, "semantic": "off"}}


def tools() -> list[Tool]:
    return [
        Tool("stepwell", lambda place: _start(place, {})),
        Tool("stepwell no guards", lambda place: _start(place, BARE)),
    ]


def _start(place: Place, more: Mapping[str, object]) -> Started:
    tier = {
        "model": f"openai/{MODEL}",
        "base_url": place.base_url,
        "api_key_env": KEY_ENV,
        "window_tokens": 8192,
        "usd_per_1m_input": 1,
        "usd_per_1m_output": 2,
    }
    config, suite = place.folder / "stepwell.yaml", place.folder / "suite.jsonl"
    config.write_text(yaml.safe_dump({"tiers": {"mock": tier}, **more}))
    suite.write_bytes(
        b"".join(
            msgspec.json.encode({"id": q.id, "prompt": q.text, "target": q.target, "scorer": "numeric"})
            + b"\n"
            for q in place.questions
        )
    )
    out = place.folder / "run"
    run = [
        sys.executable,
        "-m",
        "stepwell.front.cli.main",
        "eval",
        "run",
        str(suite),
        "--config",
        str(config),
    ]
    asked = ["--tiers", "mock", "--concurrency", str(place.concurrency), "--out", str(out)]
    # all else in the folder is made of these two
    return Started([*run, *asked], [out / "journal.jsonl", out / "suite.jsonl.gz"], {KEY_ENV: KEY})
