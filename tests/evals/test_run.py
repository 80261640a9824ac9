"""Runs: pace, budget, resume, and what ends up in the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stepwell.base.decisions import Verdict
from stepwell.base.errors import (
    AllTiersFailed,
    ConfigError,
    GuardBlocked,
    RateLimited,
    TierRefused,
    TierUnavailable,
)
from stepwell.evals.entries import JournalError, read, read_entries
from stepwell.evals.gate import EXIT_INCONCLUSIVE, EXIT_INFRASTRUCTURE, EXIT_PASS, gate
from stepwell.evals.journal import Journal
from stepwell.evals.pacing import Pacing
from stepwell.evals.report import Report
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.suite import Suite

QUICK = Pacing(backoff_s=0.001, max_backoff_s=0.002)


def timeless(report: Report) -> Report:
    tiers = tuple(replace(t, p50_ms=0.0, p95_ms=0.0, p99_ms=0.0) for t in report.tiers)
    return replace(report, tiers=tiers)


async def test_every_row_is_asked_once_on_every_tier(tmp_path: Path, sums: Suite, make_well: Any) -> None:
    well = make_well()
    report = await run_suite(
        well,
        sums,
        tiers=["weak", "strong", "auto"],
        journal_path=tmp_path / "j",
        options=RunOptions(concurrency=7),
    )
    assert set(well.asked.values()) == {1, 2}  # auto goes to strong
    assert all(call["cache"] is False for call in well.calls)
    assert {t.tier: t.quality for t in report.tiers} == {"auto": 1.0, "strong": 1.0, "weak": 0.8}
    assert {t.tier: t.cost_nano_usd for t in report.tiers} == dict.fromkeys(
        ["auto", "strong", "weak"], 100_000
    )
    assert {t.tier: dict(t.served) for t in report.tiers} == {
        "auto": {"strong": 40},
        "strong": {},
        "weak": {},
    }
    assert (report.n_planned, report.n_ended, gate(report).exit_code) == (120, 120, EXIT_PASS)


async def test_resuming_asks_nothing_again_and_reports_the_same(
    tmp_path: Path, sums: Suite, make_well: Any
) -> None:
    whole = await run_suite(make_well(), sums, tiers=["weak", "auto"], journal_path=tmp_path / "whole")
    first = make_well(fail=lambda n: 1 / 0 if n == 31 else None)
    with pytest.raises(ZeroDivisionError):
        await run_suite(
            first,
            sums,
            tiers=["weak", "auto"],
            journal_path=tmp_path / "part",
            options=RunOptions(concurrency=3),
        )
    second = make_well()
    resumed = await run_suite(second, sums, tiers=["weak", "auto"], journal_path=tmp_path / "part")
    n_first = sum(first.asked.values())
    assert 29 <= n_first <= 38
    assert sum(second.asked.values()) == 80 - n_first
    assert timeless(resumed) == timeless(whole)
    third = make_well()
    assert await run_suite(third, sums, tiers=["weak", "auto"], journal_path=tmp_path / "part") == resumed
    assert third.calls == []


async def test_a_fifth_of_429s_loses_no_sample(tmp_path: Path, sums: Suite, make_well: Any) -> None:
    def fail(n: int) -> RateLimited | None:
        return RateLimited("busy", tier="weak", retry_after_s=0.002) if n % 5 == 0 else None

    well = make_well(fail=fail)
    report = await run_suite(well, sums, tiers=["weak"], journal_path=tmp_path / "j")
    assert (report.tiers[0].n_scored, report.tiers[0].n_errors) == (40, 0)
    assert set(well.asked.values()) == {1}
    assert max(e.tries for e in read_entries(tmp_path / "j")) > 1


async def test_a_quota_per_window_loses_no_sample_and_pauses_the_tier(
    tmp_path: Path, sums: Suite, make_well: Any
) -> None:
    import asyncio

    served: dict[int, int] = {}

    def fail(n: int) -> RateLimited | None:
        now_s = asyncio.get_running_loop().time()
        window = int(now_s / 0.05)
        served[window] = served.get(window, 0) + 1
        if served[window] > 10:
            return RateLimited("busy", tier="weak", retry_after_s=0.05 - now_s % 0.05 + 0.001)
        return None

    well = make_well(fail=fail)
    pacing = replace(QUICK, streak=3)
    report = await run_suite(
        well,
        sums,
        tiers=["weak"],
        journal_path=tmp_path / "j",
        options=RunOptions(concurrency=4, pacing=pacing),
    )
    assert report.tiers[0].n_scored == 40
    # without the pause every sample left is refused in every window: 30 + 20 + 10
    assert len(well.calls) - 40 <= 35


async def test_a_wait_longer_than_our_patience_ends_as_an_error(
    tmp_path: Path, sums: Suite, make_well: Any
) -> None:
    well = make_well(fail=lambda n: RateLimited("busy", tier="weak", retry_after_s=3600))
    report = await run_suite(well, sums, tiers=["weak"], journal_path=tmp_path / "j")
    assert report.tiers[0].errors == {"rate_limited": 40}
    assert report.tiers[0].quality is None
    assert gate(report).exit_code == EXIT_INFRASTRUCTURE


@pytest.mark.parametrize(
    ("error", "code", "n_calls"),
    [
        (TierUnavailable("down", tier="weak"), "tier_unavailable", 120),
        (AllTiersFailed("all", [TierUnavailable("down", tier="weak")]), "tier_unavailable", 120),
        (TierRefused("no", tier="weak"), "upstream_refused", 40),
        (GuardBlocked("no", verdict=Verdict("output")), "content_blocked", 40),
    ],
)
async def test_failures_are_errors_and_never_wrong_answers(
    tmp_path: Path, sums: Suite, make_well: Any, error: Exception, code: str, n_calls: int
) -> None:
    well = make_well(fail=lambda n: error)
    report = await run_suite(
        well, sums, tiers=["weak"], journal_path=tmp_path / "j", options=RunOptions(pacing=QUICK)
    )
    assert (report.tiers[0].errors, report.tiers[0].n_scored) == ({code: 40}, 0)
    assert len(well.calls) == n_calls
    healed = await run_suite(make_well(), sums, tiers=["weak"], journal_path=tmp_path / "j")
    assert (healed.tiers[0].n_errors, healed.tiers[0].quality) == (0, 0.8)


async def test_another_tiers_answer_does_not_count(tmp_path: Path, sums: Suite, make_well: Any) -> None:
    class Falling(make_well):  # type: ignore[misc]
        async def achat(self, messages: Any, *, tier: str | None = None, **params: Any) -> Any:
            return await super().achat(messages, tier="strong", **params)

    report = await run_suite(Falling(), sums, tiers=["weak"], journal_path=tmp_path / "j")
    assert report.tiers[0].errors == {"served_by_another_tier": 40}
    assert report.tiers[0].cost_nano_usd == 100_000


async def test_the_budget_holds_over_resumes(tmp_path: Path, sums: Suite, make_well: Any) -> None:
    async def run(max_usd: float) -> Report:
        return await run_suite(
            make_well(cost_usd=0.01, delay_s=0.001),
            sums,
            tiers=["weak"],
            journal_path=tmp_path / "j",
            options=RunOptions(concurrency=4, max_usd=max_usd),
        )

    report = await run(0.10)
    assert 0.10 <= report.cost_usd <= 0.10 + 3 * 0.01
    assert gate(report).exit_code == EXIT_INCONCLUSIVE
    assert (await run(0.10)).cost_usd == report.cost_usd
    assert (await run(1.0)).cost_usd == 0.4


async def test_repeats_are_asked_anew_and_seeded(tmp_path: Path, sums: Suite, make_well: Any) -> None:
    well = make_well()
    report = await run_suite(
        well, sums, tiers=["weak"], journal_path=tmp_path / "j", options=RunOptions(repeats=3, seed=11)
    )
    assert set(well.asked.values()) == {3}
    assert sorted({call["seed"] for call in well.calls}) == [11, 12, 13]
    assert (report.tiers[0].n_rows, report.tiers[0].n_scored) == (40, 120)


async def test_a_corrected_target_is_scored_without_asking(
    tmp_path: Path, sums: Suite, make_well: Any
) -> None:
    first = await run_suite(make_well(), sums, tiers=["weak"], journal_path=tmp_path / "j")
    lines = [
        f'{{"id":"{r.id}","prompt":"{r.prompt}","target":"{r.targets[0]}","scorer":"exact"}}'
        for r in sums.rows
    ]
    corrected = Suite.parse(lines, name="sums")
    well = make_well()
    report = await run_suite(well, corrected, tiers=["weak"], journal_path=tmp_path / "j")
    assert well.calls == []
    assert report.tiers[0].n_scored == 40
    assert (first.tiers[0].quality, report.tiers[0].quality) == (0.8, 0.0)
    assert report.cost_usd == first.cost_usd


async def test_another_model_behind_a_tier_is_asked_anew(tmp_path: Path, sums: Suite, make_well: Any) -> None:
    await run_suite(make_well(), sums, tiers=["weak"], journal_path=tmp_path / "j")
    well = make_well()
    well.tiers[0] = replace(well.tiers[0], models=("test/newer",))
    await run_suite(well, sums, tiers=["weak"], journal_path=tmp_path / "j")
    assert len(well.calls) == 40


async def test_progress_ends_at_the_total(tmp_path: Path, sums: Suite, make_well: Any) -> None:
    seen: list[tuple[int, int, float, float | None]] = []
    await run_suite(
        make_well(), sums, tiers=["weak"], journal_path=tmp_path / "j", on_progress=lambda *a: seen.append(a)
    )
    assert seen[-1] == (40, 40, 1e-4, 0.0)


@pytest.mark.parametrize("tiers", [["huge"], ["weak", "weak"], [], ["keyless"]])
async def test_a_wrong_choice_of_tiers_is_told_before_anything_is_asked(
    tmp_path: Path, sums: Suite, make_well: Any, tiers: list[str]
) -> None:
    well = make_well()
    with pytest.raises(ConfigError):
        await run_suite(well, sums, tiers=tiers, journal_path=tmp_path / "j")
    assert well.calls == []
    assert not (tmp_path / "j").exists()


async def test_two_runs_cannot_share_a_journal(tmp_path: Path, sums: Suite, make_well: Any) -> None:
    pytest.importorskip("fcntl")
    with Journal(tmp_path / "j"), pytest.raises(JournalError, match="another run"):
        await run_suite(make_well(), sums, tiers=["weak"], journal_path=tmp_path / "j")


async def test_lines_are_short(tmp_path: Path, sums: Suite, make_well: Any) -> None:
    await run_suite(make_well(), sums, tiers=["weak"], journal_path=tmp_path / "j")
    assert max(len(line) for line in (tmp_path / "j").read_bytes().splitlines()) < 400
    assert len(read(tmp_path / "j")[1]) == 40
