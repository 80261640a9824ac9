"""`make bench`: what a request costs in Stepwell, beside other gateways where they are installed.

Own mock upstream, own load generator; CPU from the scheduler's count of the measured process tree; peers take
turns, medians over rounds; every answer is checked. Set BENCH_VENVS to a folder with the venvs `litellm`
(litellm[proxy]) and `routers` (sglang-router, vllm-router) to see those beside us. `evals` as the first word measures
`stepwell eval run` instead: `python -m tests.bench evals --help`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.bench import evals
from tests.bench.peers import DIRECT, Peer, others, stepwell_peers
from tests.bench.process import Cores, start, stop
from tests.bench.rounds import Row, Scenario, Sizes, launched, measure
from tests.bench.starts import InProcess, Start, cold, import_cpu_s, in_process
from tests.bench.table import show_imports, show_in_process, show_rows, show_starts

QUICK = Sizes(200, 1000, 3)
FULL = Sizes(500, 4000, 5)
PARTS = ("json", "answer1k", "stream", "inprocess", "cold", "import")


class Report(msgspec.Struct):
    """Everything that was measured, for --json."""

    rows: list[Row] = []
    in_process: list[InProcess] = []
    starts: list[Start] = []
    import_cpu_s: float | None = None


def scenarios(peers: Sequence[Peer]) -> dict[str, Scenario]:
    ours = [p for p in peers if p.name in ("direct", "stepwell auto", "stepwell guards")]
    return {
        "json": Scenario("JSON, 600 B prompt, 16 tokens", 16, False, peers),
        "answer1k": Scenario("JSON, 600 B prompt, 1 KB answer", 340, False, ours),
        "stream": Scenario("stream, 100 tokens", 100, True, peers),
    }


def chosen(only: str | None) -> tuple[list[str], list[Peer]]:
    """Parts and peers that `--only` names; both all where it names none of them."""
    words = [w.strip() for w in only.split(",")] if only else []
    everyone = [*stepwell_peers(), *others()]
    parts = [p for p in PARTS if p in words] or list(PARTS)
    peers = [p for p in everyone if any(w in p.name for w in words if w not in PARTS)] or everyone
    for peer in peers:
        if peer.why_missing is not None:
            print(f"{peer.name}: skipped, {peer.why_missing}")
    return parts, [DIRECT, *(p for p in peers if p.why_missing is None)]


async def bench(args: argparse.Namespace, folder: Path, upstream_port: int, cores: Cores) -> Report:
    sizes = QUICK if args.quick else FULL
    if args.rounds:
        sizes = Sizes(sizes.n_1, sizes.n_32, args.rounds)
    parts, peers = chosen(args.only)
    report = Report()
    plans = scenarios(peers)
    for name in [p for p in parts if p in plans]:
        with launched(plans[name], folder, upstream_port, cores) as running:
            rows = await measure(plans[name], running, sizes)
        show_rows(plans[name].title, rows)
        report.rows += rows
    if "inprocess" in parts:
        report.in_process = _in_process(peers, upstream_port, cores, sizes)
        show_in_process(report.in_process)
    if "cold" in parts:
        report.starts = await cold(plans["json"], folder, upstream_port, cores, 1 if args.quick else 3)
        show_starts(report.starts)
    if "import" in parts:
        report.import_cpu_s = import_cpu_s("stepwell", 5)
        show_imports(report.import_cpu_s)
    return report


def _in_process(peers: Sequence[Peer], upstream_port: int, cores: Cores, sizes: Sizes) -> list[InProcess]:
    found = [in_process("stepwell", sys.executable, upstream_port, cores, sizes.n_32)]
    if any(p.name == "litellm proxy" for p in peers):
        python = str(Path(os.environ.get("BENCH_VENVS", "venvs")) / "litellm/bin/python")
        found.append(in_process("litellm.Router", python, upstream_port, cores, max(64, sizes.n_32 // 10)))
    return [f for f in found if f is not None]


def _upstream(folder: Path, cores: Cores) -> tuple[subprocess.Popen[bytes], int]:
    log = folder / "upstream.log"
    process = start([sys.executable, "-m", "tests.support.upstream"], cores=cores.load, log=log)
    while not log.read_bytes().endswith(b"\n"):
        if process.poll() is not None:
            raise SystemExit(f"the mock upstream ended: {log.read_text()[-300:]}")
    return process, int(log.read_bytes())


def main() -> int:
    if sys.argv[1:2] == ["evals"]:
        return evals.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer requests and rounds")
    parser.add_argument("--only", help=f"comma list: parts ({', '.join(PARTS)}) and words of peers' names")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as JSON")
    args = parser.parse_args()
    cores = Cores()
    os.sched_setaffinity(0, cores.load)
    if not cores.is_split:
        print("one core only: load, mock and server share it, so take wall-clock figures as ratios")
    with tempfile.TemporaryDirectory() as folder:
        process, port = _upstream(Path(folder), cores)
        try:
            import uvloop

            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                report = runner.run(bench(args, Path(folder), port, cores))
        finally:
            stop(process)
    if args.json is not None:
        args.json.write_bytes(msgspec.json.encode(report))
    return 1 if any(r.n_wrong for r in report.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
