"""What a sample costs beside its tier: `python -m stepwell.evals.bench [n]`."""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.base.decisions import Trace
from stepwell.base.messages import Answer, Choice, Message, Usage, encode_json
from stepwell.base.reply import Reply
from stepwell.evals.entries import read
from stepwell.evals.report import from_journal
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.suite import Suite


@dataclass(frozen=True, slots=True)
class Instant:
    """A tier that is asked for nothing but its name."""

    name: str
    models: tuple[str, ...] = ("bench/instant",)
    missing_key: str | None = None


class InstantWell:
    """Answers every ask at once, with a worked solution of ordinary length."""

    tiers: Sequence[Instant] = (Instant("instant"),)

    async def achat(
        self,
        messages: str | list[dict[str, Any]],
        *,
        model: str = "auto",
        tier: str | None = None,
        cache: bool = True,
        **params: Any,
    ) -> Reply:
        await asyncio.sleep(0)
        text = "First the two parts are added, then the third is taken away. " * 4 + "#### 1,234"
        body = encode_json(Answer([Choice(Message("assistant", text))]))
        return Reply(body, "instant", "bench/instant", 1.5e-5, Usage(90, 60, 150), Trace("bench"))


@dataclass(frozen=True, slots=True)
class Figures:
    """Per sample, but for the memory and the report."""

    n: int
    cpu_ms: float
    samples_per_s: float
    journal_bytes: float
    report_s: float
    peak_rss_mb: float


async def measure(n: int, *, concurrency: int = 32) -> Figures:
    """Run n samples through ask, score and journal, against a well that answers at once."""
    lines = (
        encode_json(
            {"id": f"row-{i}", "prompt": f"What is {i} and one?", "target": 1234, "scorer": "numeric"}
        )
        for i in range(n)
    )
    suite = Suite.parse((line.decode() for line in lines), name="bench")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        cpu, wall = time.process_time(), time.perf_counter()
        await run_suite(
            InstantWell(), suite, tiers=["instant"], journal_path=path, options=RunOptions(concurrency)
        )
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        report_s = time.perf_counter()
        from_journal(path)
        report_s = time.perf_counter() - report_s
        n_bytes = path.stat().st_size
        assert len(read(path)[1]) == n
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Figures(n, cpu * 1e3 / n, n / wall, n_bytes / n, report_s, peak)


if __name__ == "__main__":
    print(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)))
