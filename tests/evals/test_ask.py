"""One sample: its turns, its bill, and answers that wait for a scorer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stepwell import Stepwell
from stepwell.base.config import Config
from stepwell.base.errors import RateLimited, TierTimeout, TierUnavailable
from stepwell.base.messages import Answer, Choice, Message
from stepwell.evals.ask import with_score
from stepwell.evals.entries import UNSCORED, Entry, read, read_entries
from stepwell.evals.pacing import Pacing
from stepwell.evals.report import from_journal
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.scored import Scored
from stepwell.evals.scorers import SCORERS, Scorer, elsewhere
from stepwell.evals.scoring.open import Judging
from stepwell.evals.suite import Row, Suite
from stepwell.router.budget import Ledger
from stepwell.testing import FakeTier

QUICK = Pacing(backoff_s=0.001, max_backoff_s=0.002)


class Slow:
    """A scorer that fails as told, then says that long answers are good."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.seen: list[Sequence[str]] = []

    async def score(self, row: Row, answers: Sequence[str]) -> Scored:
        self.seen.append(tuple(answers))
        if self.failures:
            raise self.failures.pop(0)
        return Scored(0.5, parts={"length": 1.0}, why="fine", judge_usd=1e-6)

    def key(self, row: Row) -> str:
        return ""

    async def close(self) -> None:
        pass


@pytest.fixture
def slow_suite(monkeypatch: pytest.MonkeyPatch) -> Suite:
    slow = Scorer("slow", 1, elsewhere, is_target_optional=True, is_async=True)
    monkeypatch.setattr("stepwell.evals.scorers.SCORERS", {**SCORERS, "slow": slow})
    for module in ("suite", "plan", "scoring.open"):
        monkeypatch.setattr(f"stepwell.evals.{module}.SCORERS", {**SCORERS, "slow": slow})
    rows = (f'{{"id":"r{i}","prompt":"{i} + 1","scorer":"slow"}}' for i in range(5))
    return Suite.parse(rows, name="slow")


def limited() -> RateLimited:
    return RateLimited("busy", tier="judge", upstream_status=429, retry_after_s=0.001)


async def test_turns_are_asked_one_after_the_other(tmp_path: Path) -> None:
    suite = Suite.parse(
        ['{"id":"t","prompt":"one","turns":["two","three"],"target":"a3","scorer":"exact"}'], name="turns"
    )
    tier = FakeTier(["a1", "a2", "a3"])
    config = Config.make(
        {"tiers": {"only": {"model": "test/only", "usd_per_1m_input": 1, "usd_per_1m_output": 1}}}
    )
    async with Stepwell(config, backends={"only": tier}) as well:
        report = await run_suite(well, suite, tiers=["only"], journal_path=tmp_path / "j")
    assert report.tiers[0].quality == 1.0
    said = [[(m.role, m.text) for m in request.messages] for request in tier.requests]
    assert said[2] == [
        ("user", "one"),
        ("assistant", "a1"),
        ("user", "two"),
        ("assistant", "a2"),
        ("user", "three"),
    ]
    (entry,) = read_entries(tmp_path / "j")
    assert (entry.earlier, entry.answer) == (("a1", "a2"), "a3")


async def test_a_judge_that_fails_is_asked_again_and_the_tier_is_not(
    tmp_path: Path, slow_suite: Suite, make_well: Any
) -> None:
    well, slow = make_well(), Slow(limited(), TierUnavailable("gone", tier="judge", upstream_status=503))
    report = await run_suite(
        well,
        slow_suite,
        tiers=["weak"],
        journal_path=tmp_path / "j",
        judging=Judging({"slow": slow}),
        options=RunOptions(pacing=QUICK, concurrency=2),
    )
    (tier,) = report.tiers
    assert len(well.calls) == 5
    assert len(slow.seen) == 7
    assert (tier.n_scored, tier.n_errors, tier.quality, tier.parts) == (5, 0, 0.5, {"length": 1.0})
    assert (tier.cost_nano_usd, tier.judge_nano_usd, tier.lost_nano_usd) == (5 * 2500, 5 * 1000, 0)


async def test_an_answer_that_nobody_scored_is_not_asked_for_again(
    tmp_path: Path, slow_suite: Suite, make_well: Any
) -> None:
    journal = tmp_path / "j"

    class Killed(BaseException):
        pass

    with pytest.raises(BaseExceptionGroup):
        await run_suite(
            make_well(),
            slow_suite,
            tiers=["weak"],
            journal_path=journal,
            judging=Judging({"slow": Slow(*[Killed()] * 9)}),
        )
    outcomes = read(journal)[1].values()
    n_answered = len(outcomes)
    assert {o.error for o in outcomes} == {UNSCORED}
    well = make_well()
    report = await run_suite(
        well, slow_suite, tiers=["weak"], journal_path=journal, judging=Judging({"slow": Slow()})
    )
    assert len(well.calls) == 5 - n_answered
    assert (report.tiers[0].n_scored, report.tiers[0].cost_nano_usd) == (5, 5 * 2500)
    assert from_journal(journal).as_dict(with_times=False) == report.as_dict(with_times=False)


async def test_a_judge_that_never_answers_leaves_an_error_and_no_score(
    tmp_path: Path, slow_suite: Suite, make_well: Any
) -> None:
    gone = [TierUnavailable("gone", tier="judge", upstream_status=503) for _ in range(99)]
    journal, options = tmp_path / "j", RunOptions(pacing=QUICK)
    report = await run_suite(
        make_well(),
        slow_suite,
        tiers=["weak"],
        journal_path=journal,
        judging=Judging({"slow": Slow(*gone)}),
        options=options,
    )
    assert report.tiers[0].errors == {"judge_tier_unavailable": 5}
    assert report.tiers[0].quality is None
    well = make_well()
    healed = await run_suite(
        well,
        slow_suite,
        tiers=["weak"],
        journal_path=journal,
        judging=Judging({"slow": Slow()}),
        options=options,
    )
    assert well.calls == []
    assert (healed.tiers[0].n_scored, healed.tiers[0].cost_nano_usd) == (5, 5 * 2500)


PRICED = {"usd_per_1m_input": 1.37, "usd_per_1m_output": 4.91, "window_tokens": 8192, "quality": 0.9}


async def test_dollars_per_tier_are_the_ledger_s(tmp_path: Path, sums: Suite) -> None:
    def flaky(every: int) -> FakeTier:
        asked = iter(range(10_000))
        broken = TierTimeout("slow", tier="x", was_billed=True)
        return FakeTier(lambda request: broken if next(asked) % every == 2 else "#### 7 and some words")

    # waits are random, so that a sample may meet any number of broken answers in a row
    patient = replace(QUICK, max_failures=99)
    for tier, backend in {"one": flaky(7), "two": flaky(4)}.items():
        config = Config.make(
            {
                "tiers": {"one": {"model": "test/one", **PRICED}, "two": {"model": "test/two", **PRICED}},
                "dispatch": {"max_retries": 1, "backoff_s": 0.001, "cooldown_s": 0},
                "promises": {"max_usd_per_day": 10.0},
            }
        )
        async with Stepwell(config, backends={tier: backend}) as well:
            report = await run_suite(
                well, sums, tiers=[tier], journal_path=tmp_path / tier, options=RunOptions(pacing=patient)
            )
            assert isinstance(well.pipeline.ledger, Ledger)
            booked = well.pipeline.ledger.spent_usd()
        (told,) = report.tiers
        assert told.n_scored == len(sums.rows)
        assert told.lost_nano_usd > 0
        assert told.cost_usd == pytest.approx(booked, abs=1e-9)
        assert booked > 0


async def test_streams_give_the_time_to_the_first_token(tmp_path: Path, sums: Suite) -> None:
    config = Config.make({"tiers": {"only": {"model": "test/only", **PRICED}}})
    async with Stepwell(config, backends={"only": FakeTier("#### 7 and more", delay_s=0.01)}) as well:
        plain = await run_suite(well, sums, tiers=["only"], journal_path=tmp_path / "a")
        streamed = await run_suite(
            well, sums, tiers=["only"], journal_path=tmp_path / "b", options=RunOptions(is_streamed=True)
        )
    assert plain.tiers[0].p50_ttft_ms is None
    assert (streamed.tiers[0].p50_ttft_ms or 0) >= 10
    assert (streamed.tiers[0].quality, streamed.tiers[0].cost_usd) == (
        plain.tiers[0].quality,
        plain.tiers[0].cost_usd,
    )


@pytest.mark.parametrize(
    "scored", [Scored(1.5), Scored(-0.1), Scored(float("nan")), Scored(1.0, parts={"loose": 2.0})]
)
def test_what_is_no_share_is_no_score(scored: Scored) -> None:
    entry = with_score(Entry("k", "a", "r", "weak", answer="x", error=UNSCORED), scored)
    assert (entry.score, entry.error, entry.parts) == (None, "scorer_failed", {})


async def test_an_answer_that_a_provider_s_filter_stopped_is_an_error(tmp_path: Path) -> None:
    stopped = Answer([Choice(Message("assistant", ""), finish_reason="content_filter")])
    suite = Suite.parse(['{"id":"a","prompt":"p","target":"t"}'], name="one")
    config = Config.make({"tiers": {"only": {"model": "test/only", **PRICED}}})
    async with Stepwell(config, backends={"only": FakeTier(stopped)}) as well:
        report = await run_suite(well, suite, tiers=["only"], journal_path=tmp_path / "j")
    assert (report.tiers[0].quality, report.tiers[0].errors) == (None, {"content_filter": 1})
