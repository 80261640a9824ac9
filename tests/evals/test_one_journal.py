"""Several runs on one journal: each report is of its own run, and nothing is paid or counted twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell.base.messages import encode_json
from stepwell.evals.arms import Arm
from stepwell.evals.entries import Outcome, read_lines
from stepwell.evals.held import read_held
from stepwell.evals.report import Report, from_journal
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.suite import Suite

COST_NANO_USD = 2_500


def suite_of(*, scorer: str = "numeric", n: int = 20, offset: int = 0, name: str = "s") -> Suite:
    rows = (
        {"id": f"r{i}", "prompt": f"{i} + {offset}", "target": str(i + offset), "scorer": scorer}
        for i in range(n)
    )
    return Suite.parse((encode_json(row).decode() for row in rows), name=name)


async def run(well: Any, suite: Suite, path: Path, *tiers: str, **options: Any) -> Report:
    arms = options.pop("arms", ())
    report = await run_suite(
        well, suite, tiers=tiers, arms=arms, journal_path=path, options=RunOptions(**options)
    )
    again = from_journal(path, suite=suite)
    assert again.as_dict() == report.as_dict()
    return report


async def test_another_suite_in_the_same_journal_is_reported_alone(tmp_path: Path, make_well: Any) -> None:
    await run(make_well(), suite_of(n=40, offset=1), tmp_path / "j", "weak")
    report = await run(make_well(), suite_of(n=10, offset=3, name="other"), tmp_path / "j", "weak")
    assert (report.suite, report.n_planned, report.n_ended, report.tiers[0].n_rows) == ("other", 10, 10, 10)


async def test_fewer_rows_and_fewer_repeats_are_reported_alone(tmp_path: Path, make_well: Any) -> None:
    suite = suite_of()
    await run(make_well(), suite, tmp_path / "j", "weak", repeats=3)
    well = make_well()
    report = await run(well, suite.take(5), tmp_path / "j", "weak")
    assert well.calls == []
    assert (report.n_planned, report.n_ended, report.tiers[0].n_scored) == (5, 5, 5)


async def test_a_scorer_that_comes_back_brings_its_scores_back(tmp_path: Path, make_well: Any) -> None:
    path, well = tmp_path / "j", make_well()
    numeric, exact = suite_of(), suite_of(scorer="exact")
    first = await run(well, numeric, path, "weak")
    strict = await run(well, exact, path, "weak")
    again = await run(well, numeric, path, "weak")
    assert [r.tiers[0].quality for r in (first, strict, again)] == [0.8, 0.0, 0.8]
    assert len(well.calls) == 20
    assert [r.tiers[0].cost_nano_usd for r in (first, strict, again)] == [20 * COST_NANO_USD] * 3
    assert read_held(path).spent_nano_usd == 20 * COST_NANO_USD


async def test_arms_that_trade_names_trade_answers(tmp_path: Path, make_well: Any) -> None:
    path, suite = tmp_path / "j", suite_of()
    await run(make_well(), suite, path, arms=[Arm("base", tier="strong"), Arm("new", tier="weak")])
    well = make_well()
    report = await run(well, suite, path, arms=[Arm("base", tier="weak"), Arm("new", tier="strong")])
    assert well.calls == []
    assert [(t.tier, t.quality) for t in report.tiers] == [("base", 0.8), ("new", 1.0)]
    assert report.pairs[0].word == "need more"
    assert report.pairs[0].difference == pytest.approx(-0.2)


async def test_two_arms_that_ask_the_same_are_two_samples(tmp_path: Path, make_well: Any) -> None:
    path, suite, well = tmp_path / "j", suite_of(), make_well()
    report = await run(well, suite, path, "weak", arms=[Arm("control", tier="weak")])
    assert len(well.calls) == 40
    assert [(t.tier, t.n_scored, t.cost_nano_usd) for t in report.tiers] == [
        ("weak", 20, 20 * COST_NANO_USD),
        ("control", 20, 20 * COST_NANO_USD),
    ]
    assert report.is_whole


async def test_rows_that_ask_the_same_are_each_paid_for(tmp_path: Path, make_well: Any) -> None:
    rows = [f'{{"id":"r{i}","prompt":"1 + 1","target":"2","scorer":"numeric"}}' for i in range(10)]
    suite, path = Suite.parse(rows, name="same"), tmp_path / "j"
    budget = 4.5 * COST_NANO_USD / 1e9
    first = make_well()
    await run(first, suite, path, "weak", concurrency=1, max_usd=budget)
    assert len(first.calls) == 5
    assert read_held(path).spent_nano_usd == 5 * COST_NANO_USD
    second = make_well()
    await run(second, suite, path, "weak", concurrency=1, max_usd=budget)
    assert second.calls == []
    third = make_well()
    report = await run(third, suite, path, "weak", concurrency=1)
    assert (len(third.calls), report.tiers[0].cost_nano_usd) == (5, 10 * COST_NANO_USD)


async def test_an_error_after_a_score_is_of_another_try(tmp_path: Path, make_well: Any) -> None:
    path = tmp_path / "j"
    await run(make_well(), suite_of(), path, "weak", seed=1)
    await run(make_well(), suite_of(), path, "weak", seed=2)
    report = await run(make_well(), suite_of(), path, "weak", seed=1)
    lines = [item for item, _ in read_lines(path) if isinstance(item, Outcome)]
    assert len(lines) == 40
    assert report.tiers[0].n_scored == 20
