"""A run killed at any point goes on where it was."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

N_ROWS = 600
N_IN_FLIGHT = 4


def start(folder: Path) -> subprocess.Popen[str]:
    script = Path(__file__).with_name("killed_run.py")
    return subprocess.Popen(
        [sys.executable, str(script), str(folder / "journal"), str(folder / "asked")],
        stdout=subprocess.PIPE,
        text=True,
    )


def n_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_a_killed_run_asks_nothing_finished_again(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    settled: dict[str, int] = {}  # finished row -> how often it had been asked by then
    for kill_at in (1, 90, 333):
        process = start(tmp_path)
        while n_lines(journal) <= kill_at and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert kill_at < n_lines(journal) < N_ROWS
        asked = _asked(tmp_path)
        assert {row: asked[row] for row in settled} == settled
        settled = {row: asked[row] for row in _finished(journal)}
    resumed = start(tmp_path)
    out, _ = resumed.communicate(timeout=60)
    assert resumed.returncode == 0
    asked = _asked(tmp_path)
    assert {row: asked[row] for row in settled} == settled
    assert len(asked) == N_ROWS
    # three kills: no more than what was in flight at each is asked again
    assert asked.total() - N_ROWS <= 3 * N_IN_FLIGHT
    assert out.split() == [str(N_ROWS), "0.5", str(N_ROWS * 15_000)]


def _asked(folder: Path) -> Counter[str]:
    return Counter((folder / "asked").read_text().split())


def _finished(journal: Path) -> set[str]:
    from stepwell.evals.entries import read_entries

    return {entry.row for entry in read_entries(journal)}
