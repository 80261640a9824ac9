"""Tuned routers beside fixed tiers, on rows that they have not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest

from stepwell.base.config import Config
from stepwell.base.errors import BadRequest
from stepwell.evals.traffic.routed import MIX, compare_routed
from stepwell.evals.traffic.routed_report import RoutedReport
from stepwell.front.cli.main import main
from tests.support.outcome_rows import made, shuffled, text, write
from tests.support.traffic import PRICES

COSTS: dict[str, Any] = {"cost_usd": {"weak": 0.0001, "strong": 0.001}}


def compared(rows: str, *folders: Path, margin: float | None = None) -> RoutedReport:
    return compare_routed(
        rows.encode().splitlines(),
        [str(f) for f in folders],
        Config(),
        embedder="",
        load=_none,
        margin=margin,
    )


def _none() -> NoReturn:
    raise AssertionError("no vector is needed")


def test_a_good_router_beats_the_mix_and_keeps_its_promise(policy_folder: Path) -> None:
    report = compared(text(made(300, seed=11, **COSTS)), policy_folder)
    (router,) = report.routers
    names = [arm.name for arm in report.arms]
    assert names == ["weak", "strong", "policy"]
    assert router.is_worth_it
    assert router.gain[0] > 0.05
    assert (report.exit_code, router.best_tier) == (0, "weak")
    arm = report.arms[-1]
    assert sum(arm.shares) == pytest.approx(1)
    assert arm.cost_usd == pytest.approx(arm.shares[0] * 0.0001 + arm.shares[1] * 0.001)
    assert [p.a for p in router.pairs] == ["policy"] * 3
    assert [p.b for p in router.pairs] == ["weak", "strong", MIX]
    assert router.margin == pytest.approx(0.05 * report.arms[1].quality)


def test_rows_that_it_learnt_from_are_left_out_and_alone_are_refused(policy_folder: Path) -> None:
    seen, fresh = made(240, **COSTS), made(60, seed=12, **COSTS)
    report = compared(text(seen + fresh), policy_folder)
    assert 235 <= report.n_in_sample <= 245
    assert report.n_rows == 300 - report.n_in_sample
    with pytest.raises(BadRequest, match="--hold-out"):
        compared(text(seen), policy_folder)
    renamed = [row | {"id": f"other {i}"} for i, row in enumerate(seen)]
    with pytest.raises(BadRequest, match="learnt from"):
        compared(text(renamed), policy_folder)


def test_a_router_that_learnt_nothing_is_told_to_be_a_constant(tmp_path: Path, policy_folder: Path) -> None:
    rows = write(tmp_path / "rows.jsonl", shuffled(made(240, seed=3)))
    line = ["tune", rows, "--tiers", "weak,strong", "--no-embedding", "--prices", PRICES, "--out"]
    assert main([*line, str(tmp_path / "blind")]) == 1
    report = compared(text(made(200, seed=13, **COSTS)), tmp_path / "blind", policy_folder)
    blind, good = report.routers
    assert (blind.is_worth_it, good.is_worth_it) == (False, True)
    assert [a.name for a in report.arms] == ["weak", "strong", "blind", "policy"]


def test_a_margin_that_is_asked_for_counts(policy_folder: Path) -> None:
    rows = text(made(300, seed=14, **COSTS))
    assert compared(rows, policy_folder, margin=0.9).exit_code == 0
    (strict,) = compared(rows, policy_folder, margin=1e-6).routers
    assert strict.exit_code in (1, 2)


def test_rows_that_ask_the_same_go_together(policy_folder: Path) -> None:
    rows = made(100, seed=15, **COSTS)
    twice = rows + [row | {"id": f"again {i}"} for i, row in enumerate(rows)]
    once, doubled = compared(text(rows), policy_folder), compared(text(twice), policy_folder)
    pairs = [r.routers[0].pairs[0] for r in (once, doubled)]
    widths = [p.high - p.low for p in pairs]
    # twice the rows, and no more evidence
    assert widths[1] == pytest.approx(widths[0], rel=0.15)


def test_routers_of_other_tiers_are_refused(policy_folder: Path) -> None:
    rows = [row | {"scores": {**row["scores"], "huge": 1.0}} for row in made(50, seed=16)]
    with pytest.raises(BadRequest, match="same tiers"):
        compare_routed(
            text(rows).encode().splitlines(),
            [str(policy_folder)],
            Config(),
            embedder="",
            load=_none,
            tiers=["weak", "strong", "huge"],
        )
