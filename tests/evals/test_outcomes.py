"""A run's journal becomes outcome rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from stepwell.base.errors import TierRefused
from stepwell.evals.entries import read
from stepwell.evals.outcomes import outcome_rows
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.suite import Suite


async def test_each_row_has_scores_tokens_and_cost_by_tier(
    tmp_path: Path, sums: Suite, make_well: Any
) -> None:
    await run_suite(
        make_well(),
        sums,
        tiers=["weak", "strong"],
        journal_path=tmp_path / "j",
        options=RunOptions(repeats=2),
    )
    rows = list(outcome_rows(sums.rows, read(tmp_path / "j")[1].values()))
    assert [row["id"] for row in rows] == [row.id for row in sums.rows]
    assert rows[2] == {
        "id": "sum-2",
        "prompt": "2 + 3",
        "scores": {"strong": 1.0, "weak": 0.0},
        "out_tokens": {"strong": 3, "weak": 3},
        "cost_usd": {"strong": 2.5e-6, "weak": 2.5e-6},
    }


async def test_errors_are_left_out_and_messages_kept(tmp_path: Path, make_well: Any) -> None:
    messages = [{"role": "system", "content": "Add."}, {"role": "user", "content": "1 + 3"}]
    lines = [
        msgspec.json.encode({"id": i, "messages": messages, "target": "#### 4", "scorer": "exact"}).decode()
        for i in "xy"
    ]
    suite = Suite.parse(lines, name="s")
    well = make_well(fail=lambda n: TierRefused("no", tier="weak") if n == 0 else None)
    await run_suite(
        well, suite, tiers=["weak"], journal_path=tmp_path / "j", options=RunOptions(concurrency=1)
    )
    (row,) = outcome_rows(suite.rows, read(tmp_path / "j")[1].values())
    assert (row["id"], list(row["messages"]), row["scores"]) == ("y", messages, {"weak": 1.0})  # type: ignore[call-overload]
