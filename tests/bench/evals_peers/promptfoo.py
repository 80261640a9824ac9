"""promptfoo, by its command line, telemetry and cache off; it keeps results in SQLite and writes them as JSON."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from tests.bench.evals_peers.place import KEY, MODEL, Place, Started, Tool

OFF = {
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_DISABLE_SHARING": "1",
}


def tool() -> Tool:
    path = Path(os.environ.get("BENCH_NODE", "node")).absolute() / "node_modules" / ".bin" / "promptfoo"
    lacks = None if path.exists() else "promptfoo is not in $BENCH_NODE/node_modules/.bin"
    return Tool("promptfoo", lambda place: _start(place, str(path)), lacks)


def _start(place: Place, program: str) -> Started:
    logs = place.folder / "logs"
    logs.mkdir()
    config = place.folder / "promptfooconfig.yaml"
    provider = {"id": f"openai:chat:{MODEL}", "config": {"apiBaseUrl": place.base_url, "apiKey": KEY}}
    tests = [
        {"vars": {"question": q.text}, "assert": [{"type": "contains", "value": f"#### {q.target}"}]}
        for q in place.questions
    ]
    config.write_text(
        yaml.safe_dump({"prompts": ["{{question}}"], "providers": [provider], "tests": tests}, width=10_000)
    )
    run = [program, "eval", "-c", str(config), "-j", str(place.concurrency), "--no-cache", "--no-table"]
    told = ["--no-progress-bar", "-o", str(logs / "results.json")]
    return Started([*run, *told], [logs], {**OFF, "PROMPTFOO_CONFIG_DIR": str(logs)})
