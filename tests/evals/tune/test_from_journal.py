"""A run's folder as outcomes, and rows held out of a tuning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepwell.evals.arms import AUTO, Arm
from stepwell.evals.entries import Entry, Header, JournalError, read_header
from stepwell.evals.folder import RunFolder
from stepwell.evals.journal import Journal
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.suite import Suite
from stepwell.evals.tune.from_journal import outcomes_of, plain_arms, write_outcomes
from stepwell.evals.tune.held_out import is_held_out
from tests.evals.conftest import AddingWell
from tests.support.outcome_rows import made, text

SUITE = Suite.parse(
    ['{"id": "a", "prompt": "1 + 1?", "target": "2"}', '{"id": "b", "prompt": "2 + 2?", "target": "4"}'],
    name="sums",
)


def entry(row: str, arm: str, score: float | None, **more: Any) -> Entry:
    return Entry(
        key=f"{row}{arm}", ask="x", row=row, tier=arm, score=score, nano_usd=2000, out_tokens=3, **more
    )


def folder_of(tmp_path: Path, header: Header, *entries: Entry) -> RunFolder:
    folder = RunFolder(tmp_path)
    folder.keep_suite(SUITE)
    with Journal(folder.journal) as journal:
        journal.append(header)
        for item in entries:
            journal.append(item)
    return RunFolder.of(tmp_path)


async def test_arms_that_are_tiers_become_columns(tmp_path: Path) -> None:
    folder, policy = RunFolder(tmp_path), tmp_path / "policy"
    policy.mkdir()
    arms = [
        Arm("curt", tier="weak", system="Be curt."),
        Arm("cold", tier="weak", params={"temperature": 0}),
        Arm("renamed", tier="strong"),
        Arm("tuned", policy=str(policy)),
    ]
    more = Suite.parse(['{"id":"c","prompt":"2 + 2","target":"4","scorer":"numeric"}'], name="more")
    well, options = AddingWell(), RunOptions(seed=3, repeats=2)
    for suite in (more, SUITE):
        folder.keep_suite(suite)
        await run_suite(
            well,
            suite,
            tiers=["weak", AUTO],
            arms=arms,
            by_policy={str(policy): well},
            journal_path=folder.journal,
            options=options,
        )
    rows = [json.loads(line) for line in outcomes_of(folder)]
    assert plain_arms(read_header(folder.journal)) == ("weak", "renamed")
    assert [row["id"] for row in rows] == [row.id for row in SUITE.rows]
    assert all(set(row["scores"]) == set(row["answers"]) == {"weak", "renamed"} for row in rows)
    assert rows[0]["cost_usd"]["weak"] == pytest.approx(2.5e-6)
    write_outcomes(folder, SUITE)
    assert folder.outcomes.read_bytes() == b"".join(outcomes_of(folder))
    assert folder.outcomes.stat().st_mode & 0o777 == 0o600


def test_a_journal_without_arms_names_tiers(tmp_path: Path) -> None:
    header = Header("sums", SUITE.sha256, 2, tiers=("small", AUTO))
    folder = folder_of(tmp_path, header, entry("a", "small", 1.0), entry("a", AUTO, 0.0))
    (row,) = (json.loads(line) for line in outcomes_of(folder))
    assert row["scores"] == {"small": 1.0}


def test_a_folder_without_rows_says_so(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.append(Header("sums", "", 1))
    with pytest.raises(JournalError, match="suite"):
        list(outcomes_of(RunFolder.of(tmp_path)))


def test_a_share_is_held_out_by_the_ask_alone() -> None:
    lines = text(made(400)).splitlines()
    held = [is_held_out(line, 0.3) for line in lines]
    assert 80 <= sum(held) <= 160
    loud = [
        json.dumps(json.loads(line) | {"id": "x", "prompt": json.loads(line)["prompt"].upper()})
        for line in lines
    ]
    assert [is_held_out(line, 0.3) for line in loud] == held
    assert [is_held_out(line, 0.3, seed=1) for line in lines] != held
    more = [is_held_out(line, 0.6) for line in lines]
    assert all(later for earlier, later in zip(held, more, strict=True) if earlier)
    assert not any(is_held_out(line, 0) for line in lines)


def test_lines_that_can_not_be_read_are_left_to_who_reads_them() -> None:
    assert not any(is_held_out(line, 0.99) for line in ("", "{", '{"prompt": 3}'))
