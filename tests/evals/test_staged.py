"""Runs that look on their way: they stop where the verdict is in, and decide the same when taken up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.entries import read
from stepwell.evals.gate import EXIT_PASS, EXIT_REGRESSION, gate
from stepwell.evals.report import Question, from_journal
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.staged import order_of, stages_of
from stepwell.evals.suite import Suite
from stepwell.evals.verdict.looks import Looks

N_ROWS = 400


@pytest.fixture
def many_sums() -> Suite:
    rows = (f'{{"id":"r{i}","prompt":"{i} + 1","target":{i + 1},"scorer":"numeric"}}' for i in range(N_ROWS))
    return Suite.parse(rows, name="many")


async def test_a_run_stops_where_the_verdict_is_in(tmp_path: Path, many_sums: Suite, make_well: Any) -> None:
    well, options = make_well(), RunOptions(n_looks=10, baseline="strong", concurrency=16)
    report = await run_suite(
        well, many_sums, tiers=["weak", "strong"], journal_path=tmp_path / "j", options=options
    )
    (pair,) = report.pairs
    assert (pair.a, pair.b, pair.word, pair.is_early) == ("weak", "strong", "worse", True)
    assert len(well.calls) == report.n_ended < 2 * N_ROWS / 2
    assert report.is_whole
    assert gate(report).exit_code == EXIT_REGRESSION


async def test_arms_that_are_alike_are_tied_early_within_a_margin(
    tmp_path: Path, many_sums: Suite, make_well: Any
) -> None:
    well, options = make_well(), RunOptions(n_looks=10, baseline="strong", margin=0.1)
    report = await run_suite(
        well, many_sums, tiers=["strong", "auto"], journal_path=tmp_path / "j", options=options
    )
    assert report.pairs[0].word == "tied"
    assert report.n_ended < 2 * N_ROWS
    assert gate(report).exit_code == EXIT_PASS


async def test_a_stopped_run_decides_the_same_when_taken_up_again(
    tmp_path: Path, many_sums: Suite, make_well: Any
) -> None:
    tiers, options = ["weak", "strong"], RunOptions(n_looks=10, concurrency=3)
    whole = await run_suite(
        make_well(), many_sums, tiers=tiers, journal_path=tmp_path / "whole", options=options
    )
    budget = RunOptions(n_looks=10, concurrency=3, max_usd=30 * 2.5e-6)
    part = await run_suite(
        make_well(), many_sums, tiers=tiers, journal_path=tmp_path / "part", options=budget
    )
    assert part.n_ended < whole.n_ended
    assert not part.is_whole
    again = await run_suite(
        make_well(), many_sums, tiers=tiers, journal_path=tmp_path / "part", options=options
    )
    assert again.as_dict(with_times=False) == whole.as_dict(with_times=False)
    third = make_well()
    await run_suite(third, many_sums, tiers=tiers, journal_path=tmp_path / "part", options=options)
    assert third.calls == []


async def test_an_arm_whose_verdict_is_in_is_asked_no_more(
    tmp_path: Path, many_sums: Suite, make_well: Any
) -> None:
    options = RunOptions(n_looks=10, baseline="strong")
    await run_suite(
        make_well(),
        many_sums,
        tiers=["weak", "strong", "auto"],
        journal_path=tmp_path / "j",
        options=options,
    )
    outcomes = read(tmp_path / "j")[1].values()
    n_of = {arm: sum(o.tier == arm for o in outcomes) for arm in ("weak", "strong", "auto")}
    assert n_of["weak"] < n_of["strong"] == n_of["auto"] == N_ROWS


async def test_the_report_can_ask_another_question(tmp_path: Path, many_sums: Suite, make_well: Any) -> None:
    path = tmp_path / "j"
    await run_suite(make_well(), many_sums, tiers=["weak", "strong"], journal_path=path)
    (pair,) = from_journal(path, question=Question("weak", 0.02)).pairs
    assert (pair.a, pair.b, pair.word) == ("strong", "weak", "better")


@given(st.integers(1, 300), st.integers(1, 30), st.integers(0, 9))
def test_stages_are_a_cut_of_the_order(n_rows: int, n_looks: int, seed: int) -> None:
    rows = [f"row {n}" for n in range(n_rows)]
    order = order_of(rows, seed)
    stages = stages_of(order, Looks(n_rows, n_looks))
    assert sorted(order) == sorted(rows)
    assert sum(len(s) for s in stages) == n_rows == len(frozenset[str]().union(*stages))
    assert order_of(rows[::2], seed) == [r for r in order if r in set(rows[::2])]
