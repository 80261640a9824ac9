"""How long the page of a long run takes to write and to open: `python -m tests.tools.page_200k`."""

from __future__ import annotations

import argparse
import multiprocessing
import pickle
import resource
import tempfile
import time
from pathlib import Path

from stepwell.evals.folder import RunFolder
from stepwell.evals.gate import gate
from stepwell.evals.page.whole import write_page
from stepwell.evals.report import from_journal
from tests.support.browser import browser, opened
from tests.support.eval_runs import made_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--arms", default="cheap,good")
    parser.add_argument("--keep", type=Path, help="folder that the page stays in")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        page = (args.keep or Path(scratch)) / "page.html"
        for act in (_make, _write):  # a process each, so that its memory is its own
            worker = multiprocessing.get_context("spawn").Process(
                target=act, args=(page, Path(scratch), args.rows, args.arms.split(","))
            )
            worker.start()
            worker.join()
        _open(page, args.rows)


def _make(_: Path, scratch: Path, n_rows: int, arms: list[str]) -> None:
    made = made_run(scratch, n_rows, arms=arms)
    RunFolder(scratch).keep_suite(made.suite)
    report = from_journal(made.journal, suite=made.suite)
    (scratch / "report.pickle").write_bytes(pickle.dumps(report))


def _write(page: Path, scratch: Path, n_rows: int, arms: list[str]) -> None:
    folder = RunFolder(scratch)
    rows, report = folder.read_suite().rows, pickle.loads((scratch / "report.pickle").read_bytes())
    before_kib, began_s = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    write_page(page, report, gate=gate(report), journal=folder.journal, rows=rows)
    cpu_s, after_kib = time.process_time() - began_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{n_rows * len(arms):,} samples: journal {folder.journal.stat().st_size / 1e6:.1f} MB, page "
        f"{page.stat().st_size / 1e6:.1f} MB, written in {cpu_s:.1f} s CPU; peak memory {before_kib / 1024:.0f} MiB "
        f"with the suite's rows alone, {after_kib / 1024:.0f} MiB after"
    )


def _open(page: Path, n_rows: int) -> None:
    with browser() as found:
        began = time.perf_counter()
        with opened(found, page) as o:
            o.page.wait_for_selector("html[data-ready='1']")
            o.page.wait_for_selector("#sample h3")
            print(f"open until the first sample is shown: {time.perf_counter() - began:.2f} s")
            _timed(o.page, "sorted by cost", lambda: o.page.select_option("#order", "dear"), 2)
            _timed(o.page, "filtered to errors", lambda: o.page.select_option("#show", "errors"), 3)
            _timed(o.page, "reset", lambda: o.page.click("button[type=reset]"), 4)
            _timed(o.page, "searched for one row", lambda: o.page.fill("#text", f"Question {n_rows - 7}:"), 5)
            print(o.page.text_content("#found"), o.complaints or "no complaints", o.requests or "no requests")


def _timed(page: object, what: str, act: object, turn: int) -> None:
    began = time.perf_counter()
    act()  # type: ignore[operator]
    page.wait_for_selector(f"html[data-ready='{turn}']")  # type: ignore[attr-defined]
    print(f"{what}: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
