"""What it costs to begin: cold start to the first right answer, `import`, and one call in process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from tests.bench.process import Cores, cpu_us, rss_mib, stop
from tests.bench.rounds import Scenario, launch, ready

ROOT = Path(__file__).parents[2]
IMPORT = "import time; c = time.process_time(); import {}; print(time.process_time() - c)"


class Start(msgspec.Struct):
    """Medians; `cpu_s` until the first answer, children included."""

    peer: str
    first_200_s: float
    cpu_s: float
    rss_mib: float


class InProcess(msgspec.Struct):
    """CPU a call at one and at 32 at once, JSON (16 tokens) and streamed (100 tokens)."""

    name: str
    json_us_c1: float
    json_us_c32: float
    stream_us_token: float
    rss_mib: float


async def cold(
    scenario: Scenario, folder: Path, upstream_port: int, cores: Cores, n_rounds: int
) -> list[Start]:
    """Start each peer `n_rounds` times, in turns."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(n_rounds):
        for peer in scenario.peers:
            if peer.command is None:
                continue
            began = time.monotonic()
            running = launch(peer, scenario, folder, upstream_port, cores)
            assert running.pid is not None
            assert running.process is not None
            if await ready(running) is None:
                took_s = time.monotonic() - began
                measured = (took_s, cpu_us(running.pid) / 1e6, rss_mib(running.pid))
                found.setdefault(peer.name, []).append(measured)
            stop(running.process)
            await asyncio.sleep(0.1)
    return [
        Start(name, *(median(column) for column in zip(*rows, strict=True))) for name, rows in found.items()
    ]


def import_cpu_s(module: str, n_rounds: int) -> float:
    """CPU seconds of `import module` in a fresh interpreter; the least of `n_rounds`."""
    code = IMPORT.format(module)
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True) for _ in range(n_rounds)
    ]
    return min(float(r.stdout) for r in runs)


def in_process(name: str, python: str, upstream_port: int, cores: Cores, n_calls: int) -> InProcess | None:
    """One call through a library, in a process of its own; None where it does not run there."""
    whole = _child([python, name, str(upstream_port), "mock-n16", str(n_calls), "0"], cores)
    streamed = _child([python, name, str(upstream_port), "mock-n100", str(max(32, n_calls // 5)), "1"], cores)
    if whole is None or streamed is None:
        return None
    per_token = streamed["cpu_us_c32"] / 100
    return InProcess(name, whole["cpu_us_c1"], whole["cpu_us_c32"], per_token, whole["rss_mib"])


def _child(command: Sequence[str], cores: Cores) -> dict[str, float] | None:
    python, *rest = command
    done = subprocess.run(
        [python, str(ROOT / "tests/bench/inproc.py"), *rest],
        capture_output=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, cores.server),
    )
    if done.returncode:
        print(f"  {rest[0]}: left out ({done.stderr.decode().strip()[-200:]})", flush=True)
        return None
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=dict[str, float])
