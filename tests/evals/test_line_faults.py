"""A journal that someone else wrote, or that broke, is refused by line; it is never shown, and nothing falls over."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.errors import ConfigError
from stepwell.evals.by_row import entries_by_row
from stepwell.evals.entries import JournalError, read_entries, read_lines
from stepwell.evals.folder import RunFolder
from stepwell.evals.page.index import index_of
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.suite import Suite
from stepwell.front.cli.main import main
from tests.support.eval_runs import made_run


def sample(**more: Any) -> bytes:
    whole = {"t": "s", "key": "a" * 64, "ask": "b" * 32, "row": "row-1", "tier": "cheap", "answer": "quagga"}
    return json.dumps(whole | {"score": 1.0} | more).encode()


def header(**more: Any) -> bytes:
    whole = {"t": "run", "suite": "s", "suite_sha256": "x", "n_planned": 12, "tiers": ["cheap", "good"]}
    return json.dumps(whole | more).encode()


FAULTS = {
    "score above 1": sample(score=5),
    "score below 0": sample(score=-0.5),
    "score that is no number": sample().replace(b"1.0", b"NaN"),
    "score without end": sample().replace(b"1.0", b"1e999"),
    "score and error": sample(error="tier_timeout"),
    "part above 1": sample(parts={"a": 2}),
    "negative cost": sample(nano_usd=-1),
    "negative judge": sample(judge_nano_usd=-1),
    "cost of 400 digits": sample(nano_usd=10**400),
    "cost of 60 bits": sample(nano_usd=2**60),
    "negative time": sample(ms=-5),
    "endless time": sample(ms=1e308),
    "negative repeat": sample(repeat=-1),
    "billionth repeat": sample(repeat=10**9),
    "no key": sample(key=""),
    "surrogate": sample(row="\ud800quagga"),
    "surrogate in the answer": sample(answer="quagga\ud800"),
    "no UTF-8": sample().replace(b"quagga", b"quagga\xff"),
    "deep": sample(x=0).replace(b'"x": 0', b'"x": ' + b"[" * 100_000 + b"]" * 100_000),
    "no JSON": b"quagga",
    "unknown kind": b'{"t": "quagga"}',
    "negative plan": header(n_planned=-5),
    "negative looks": header(n_looks=-3, n_rows=60),
    "many looks": header(n_looks=10**6, n_rows=60),
    "negative rows": header(n_looks=3, n_rows=-3),
    "negative margin": header(margin=-3),
    "arm that is no digest": header(arms=[{"name": "cheap", "digest": "quagga"}]),
}
UNREAD = sample(row="row-0", answer=[["quagga"]])


def written(folder: Path, line: bytes) -> RunFolder:
    """A run's folder with that as the fourth line of its journal."""
    made = made_run(folder, 6)
    run = RunFolder(folder)
    run.keep_suite(made.suite)
    lines = run.journal.read_bytes().splitlines(keepends=True)
    run.journal.write_bytes(b"".join([*lines[:3], line + b"\n", *lines[3:]]))
    return run


@pytest.mark.parametrize("line", FAULTS.values(), ids=FAULTS.keys())
def test_a_hostile_line_is_refused_by_its_number(line: bytes, tmp_path: Path) -> None:
    run = written(tmp_path, line)
    with pytest.raises(JournalError, match="line 4: damaged") as first:
        list(read_lines(run.journal))
    with pytest.raises(JournalError, match="line 4: damaged") as second:
        index_of(run.journal, run.read_suite().rows)
    assert "quagga" not in f"{first.value}{second.value}"
    assert len(list(read_entries(run.journal))) == 12


@pytest.mark.parametrize("line", [*FAULTS.values(), UNREAD], ids=[*FAULTS, "answer that is no text"])
@pytest.mark.parametrize("command", ["gate", "report"])
def test_a_command_on_it_ends_in_one_line(
    line: bytes, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = written(tmp_path, line)
    code = main(["eval", command, str(run.path)])
    said = capsys.readouterr()
    assert "quagga" not in said.out + said.err
    if line != UNREAD or command == "report":
        assert code == 64
        assert "damaged" in said.err


def test_an_answer_that_can_not_be_read_is_told_by_its_place(tmp_path: Path) -> None:
    run = written(tmp_path, UNREAD)
    with pytest.raises(JournalError, match=r"byte \d+: damaged"):
        list(entries_by_row(run.journal, [f"row-{n}" for n in range(6)]))


@given(line=st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"")) | st.text().map(str.encode))
def test_any_line_is_read_or_refused(line: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    journal = tmp_path_factory.mktemp("j") / "j"
    journal.write_bytes(header() + b"\n" + line.replace(b"\n", b"") + b"\n")
    with contextlib.suppress(JournalError):
        assert len(list(read_lines(journal))) in (1, 2)


@pytest.mark.parametrize(
    "options",
    [{"repeats": 10_000}, {"n_looks": 1001}, {"n_looks": -1}, {"margin": 1.5}, {"margin": math.nan}],
)
async def test_a_run_writes_no_journal_that_nobody_could_read(
    options: dict[str, Any], tmp_path: Path, sums: Suite, make_well: Any
) -> None:
    with pytest.raises(ConfigError):
        await run_suite(
            make_well(), sums, tiers=["weak"], journal_path=tmp_path / "j", options=RunOptions(**options)
        )
