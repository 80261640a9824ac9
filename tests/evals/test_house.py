"""Suites through a real well: its own tiers, router, guards and errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell import Stepwell
from stepwell.base.config import Config
from stepwell.base.errors import ConfigError, RateLimited
from stepwell.evals.run import run_suite
from stepwell.evals.suite import Suite
from stepwell.testing import FakeTier

CONFIG = Config.make(
    {
        "tiers": {
            "good": {"model": "test/good", "usd_per_1m_input": 10, "usd_per_1m_output": 30, "quality": 0.95},
            "cheap": {
                "model": "test/cheap",
                "usd_per_1m_input": 0.1,
                "usd_per_1m_output": 0.3,
                "quality": 0.9,
            },
        },
        "dispatch": {"max_retries": 0, "cooldown_s": 0},
    }
)


async def test_the_suite_that_ships_runs_through_the_house(tmp_path: Path) -> None:
    suite = Suite.load("first")
    answers = {row.messages[-1]["content"]: row.targets[0] for row in suite.rows}
    good = FakeTier(lambda request: answers[request.messages[-1].text])
    cheap = FakeTier("no idea")
    async with Stepwell(CONFIG, backends={"good": good, "cheap": cheap}) as well:
        report = await run_suite(well, suite, tiers=["good", "cheap", "auto"], journal_path=tmp_path / "j")
    by_tier = {t.tier: t for t in report.tiers}
    n_regex = sum(row.scorer == "regex" for row in suite.rows)
    assert by_tier["good"].quality == 1 - n_regex / len(suite.rows)
    assert by_tier["cheap"].quality == 0.0
    assert by_tier["good"].cost_usd > by_tier["cheap"].cost_usd > 0
    assert sum(by_tier["auto"].served.values()) + by_tier["auto"].n_errors == len(suite.rows)
    (pair,) = [p for p in report.pairs if (p.a, p.b) == ("good", "cheap")]
    assert pair.word == "better"


async def test_429s_in_the_house_lose_no_sample(tmp_path: Path, sums: Suite) -> None:
    n_asked = 0

    def reply(request: object) -> str | RateLimited:
        nonlocal n_asked
        n_asked += 1
        if n_asked % 5 == 0:
            return RateLimited("busy", tier="cheap", upstream_status=429, retry_after_s=0.01)
        return "#### 7"

    async with Stepwell(CONFIG, backends={"good": FakeTier("7"), "cheap": FakeTier(reply)}) as well:
        report = await run_suite(well, sums, tiers=["cheap"], journal_path=tmp_path / "j")
    assert (report.tiers[0].n_scored, report.tiers[0].n_errors) == (40, 0)
    assert report.tiers[0].quality == 1 / 40


async def test_a_tier_without_its_key_is_told_before_the_start(
    tmp_path: Path, sums: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    config = Config.make({"tiers": {"paid": "openai/gpt-4.1"}})
    async with Stepwell(config) as well:
        with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
            await run_suite(well, sums, tiers=["paid"], journal_path=tmp_path / "j")
