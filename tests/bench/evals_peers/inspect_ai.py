"""inspect_ai, by its command line, with its own matching of numbers."""

from __future__ import annotations

import msgspec

from tests.bench.evals_peers.place import KEY, MODEL, Place, Started, Tool, in_venv

TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import match
from inspect_ai.solver import generate


@task
def sums():
    return Task(dataset=json_dataset("samples.jsonl"), solver=generate(), scorer=match(numeric=True))
"""


def tool() -> Tool:
    program, lacks = in_venv("inspect_ai", "inspect")
    return Tool("inspect_ai", lambda place: _start(place, program), lacks)


def _start(place: Place, program: str) -> Started:
    (place.folder / "task.py").write_text(TASK)
    (place.folder / "samples.jsonl").write_bytes(
        b"".join(
            msgspec.json.encode({"id": q.id, "input": q.text, "target": str(q.target)}) + b"\n"
            for q in place.questions
        )
    )
    logs = place.folder / "logs"
    model = ["--model", f"openai/{MODEL}", "--model-base-url", place.base_url, "-M", "responses_api=false"]
    run = [program, "eval", "task.py", *model, "--max-connections", str(place.concurrency)]
    # by default as many samples are under way as connections
    quiet = ["--display", "none", "--log-dir", str(logs), "--no-fail-on-error"]
    return Started([*run, *quiet], [logs], {"OPENAI_API_KEY": KEY, "INSPECT_EVAL_MODEL": ""})
