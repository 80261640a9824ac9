"""A live house's log under the policy that wrote it: nothing changes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stepwell.evals.traffic.redecide import NewPolicy
from stepwell.evals.traffic.replay import replayed
from stepwell.evals.traffic.rows import read_log
from stepwell.testing import FakeTier
from stepwell.well import Stepwell
from tests.house import NO_CACHE
from tests.support.outcome_rows import made
from tests.support.traffic import decided


def tier(name: str, usd_in: float, usd_out: float) -> dict[str, Any]:
    return {
        "model": f"fake/{name}",
        "window_tokens": 8192,
        "usd_per_1m_input": usd_in,
        "usd_per_1m_output": usd_out,
    }


@pytest.mark.parametrize("traffic", [{"keep": "masked"}, {"keep": "features", "words": True}])
async def test_its_own_policy_decides_a_log_as_it_did(
    tmp_path: Path, policy: NewPolicy, policy_folder: Path, traffic: dict[str, Any]
) -> None:
    path = tmp_path / "t.jsonl"
    well = Stepwell(
        tiers={"weak": tier("weak", 0.5, 1), "strong": tier("strong", 5, 10)},
        backends={"weak": FakeTier("a"), "strong": FakeTier("b")},
        routing={"policy": f"learned:{policy_folder}"},
        promises={"max_usd_per_day": 1000},
        traffic={"path": str(path), **traffic},
        cache=NO_CACHE,
    )
    async with well:
        replies = [await well.achat(row["prompt"], max_tokens=500) for row in made(60, seed=21)]
    assert {r.tier for r in replies} == {"weak", "strong"}
    rows = read_log(path).rows
    # no event loop of ours may run while a log is decided again
    found = await asyncio.to_thread(decided, policy, rows)
    assert [f.new for f in found] == [r.tier for r in replies]
    report = replayed(found, policy="p", n_logged=60, margin=0.1)
    assert (report.share_changed, report.exit_code, report.n_wordless) == (0, 0, 0)
    assert report.cost.new_usd == report.cost.old_usd == pytest.approx(sum(r.cost_usd for r in replies))
