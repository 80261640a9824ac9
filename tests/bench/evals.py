"""`python -m tests.bench evals`: what a sample costs in `stepwell eval run`, beside other tools of its kind.

One mock upstream, the same made questions, the same concurrency. CPU is that of the whole process tree; a sample's is
the slope between two sizes, the start is what is left. Set BENCH_VENVS to a folder with the venvs `inspect_ai`
(inspect_ai, openai) and `lm-eval` (lm-eval[api]), and BENCH_NODE to one where promptfoo was installed by npm.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from tests.bench.evals_peers import inspect_ai, lm_eval, promptfoo, stepwell
from tests.bench.evals_peers.place import Place, Question, Tool
from tests.bench.evals_upstream import question
from tests.bench.process import rss_mib, stop

LOOK_EVERY_S = 0.02
LIMIT_S = 600.0


class Run(msgspec.Struct):
    """One run of one tool; `n_asked` is the mock's count."""

    n: int
    cpu_s: float
    wall_s: float
    rss_mib: float
    log_bytes: int
    n_asked: int
    code: int


class Row(msgspec.Struct):
    """Medians over rounds, and the slope between the smallest and the largest size."""

    tool: str
    cpu_ms: float
    start_cpu_s: float
    wall_s: float
    rss_mib: float
    log_bytes: float
    n_missed: int


def tools() -> list[Tool]:
    return [*stepwell.tools(), inspect_ai.tool(), promptfoo.tool(), lm_eval.tool()]


def run_once(tool: Tool, n: int, port: int, concurrency: int, pycache: str) -> Run:
    """Run a tool on n questions in a folder of its own."""
    questions = [Question(f"q{i}", *question(i)) for i in range(n)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = tool.start(Place(folder, port, questions, concurrency))
        # installed packages have their bytecode at hand; so shall ours
        env = {**os.environ, "PYTHONPYCACHEPREFIX": pycache, **started.env}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        before = asked(port)
        began_s = time.perf_counter()
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(
                started.command, cwd=folder, env=env, stdout=said, stderr=said, start_new_session=True
            )
        code, cpu_s, peak_mib = _watched(process)
        wall_s = time.perf_counter() - began_s
        run = Run(n, cpu_s, wall_s, peak_mib, sum(map(size_of, started.logs)), asked(port) - before, code)
        if run.n_asked < n:
            print(f"  {tool.name}: {run.n_asked} of {n} asked, exit {code}:")
            print((folder / "said").read_text(errors="replace")[-1500:])
    return run


def _watched(process: subprocess.Popen[bytes]) -> tuple[int, float, float]:
    """Exit code, CPU seconds of the process and its children, and the tree's largest resident memory."""
    peak_mib, ends_s = 0.0, time.perf_counter() + LIMIT_S
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, used.ru_utime + used.ru_stime, max(peak_mib, used.ru_maxrss / 1024)
        peak_mib = max(peak_mib, rss_mib(process.pid))
        if time.perf_counter() > ends_s:
            process.kill()
        time.sleep(LOOK_EVERY_S)


def asked(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        return int(answer.read())


def size_of(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(f.stat().st_size for f in files if f.is_file())


def row_of(tool: str, runs: Sequence[Run]) -> Row:
    sizes = sorted({run.n for run in runs})
    cpu_s = {n: median(run.cpu_s for run in runs if run.n == n) for n in sizes}
    least, most = sizes[0], sizes[-1]
    slope_s = (cpu_s[most] - cpu_s[least]) / (most - least)
    large = [run for run in runs if run.n == most]
    return Row(
        tool,
        slope_s * 1e3,
        cpu_s[least] - slope_s * least,
        median(run.wall_s for run in large),
        max(run.rss_mib for run in large),
        median(run.log_bytes for run in large) / most,
        sum(max(0, run.n - run.n_asked) for run in runs),
    )


def show(rows: Sequence[Row], n: int, concurrency: int) -> None:
    print(f"\n{n} samples, {concurrency} at once (load average {os.getloadavg()[0]:.1f})")
    print(
        f"  {'':18} {'CPU ms a sample':>16} {'start CPU s':>13} {'wall s':>8} {'RSS MiB':>9} {'log B':>7} {'missed':>7}"
    )
    for r in rows:
        ratio, first = f"({r.cpu_ms / rows[0].cpu_ms:.1f}x)", f"({r.start_cpu_s / rows[0].start_cpu_s:.1f}x)"
        cpu, start = f"{r.cpu_ms:8.2f} {ratio:>7}", f"{r.start_cpu_s:5.2f} {first:>7}"
        print(
            f"  {r.tool:18} {cpu} {start} {r.wall_s:8.1f} {r.rss_mib:9.0f} {r.log_bytes:7.0f} {r.n_missed:7}"
        )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench evals", description=__doc__)
    parser.add_argument(
        "--peers", help="comma list: inspect_ai, promptfoo, lm-eval; default: all that are there"
    )
    parser.add_argument("-n", default="200,1000", metavar="FEW,MANY", help="sizes")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as JSON")
    args = parser.parse_args(argv)
    sizes = sorted(int(n) for n in args.n.split(","))
    if len(set(sizes)) < 2:
        parser.error("-n: two sizes, by a comma")
    chosen = _chosen(None if args.peers is None else args.peers.split(","))
    runs: dict[str, list[Run]] = {tool.name: [] for tool in chosen}
    with tempfile.TemporaryDirectory() as folder:
        process, port = _upstream(Path(folder))
        try:
            for tool in chosen:  # bytecode is written, files are in memory
                run_once(tool, 1, port, args.concurrency, folder)
            for _ in range(args.rounds):
                for n in (sizes[0], sizes[-1]):
                    for tool in chosen:
                        runs[tool.name].append(run_once(tool, n, port, args.concurrency, folder))
        finally:
            stop(process)
    rows = [row_of(name, of_tool) for name, of_tool in runs.items()]
    show(rows, sizes[-1], args.concurrency)
    if args.json is not None:
        args.json.write_bytes(msgspec.json.encode(rows))
    return int(any(r.n_missed for r in rows))


def _chosen(names: Sequence[str] | None) -> list[Tool]:
    found = [t for t in tools() if names is None or t.name.startswith("stepwell") or t.name in names]
    for tool in found:
        if tool.why_missing is not None:
            print(f"{tool.name}: skipped, {tool.why_missing}")
    return [t for t in found if t.why_missing is None]


def _upstream(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    log = folder / "upstream.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.evals_upstream"],
            stdin=subprocess.PIPE,
            stdout=out,
            start_new_session=True,
        )
    while not log.read_bytes().endswith(b"\n"):
        if process.poll() is not None:
            raise SystemExit("the mock upstream ended")
        time.sleep(0.01)
    return process, int(log.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
