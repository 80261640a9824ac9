"""The scorer "graded": votes, money, and judges that fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepwell import ConfigError, Stepwell
from stepwell.base.errors import AllTiersFailed, ContextTooLong, RateLimited, TierRefused
from stepwell.base.messages import Answer, Choice, Message, Usage
from stepwell.base.request import ChatRequest
from stepwell.evals.entries import read
from stepwell.evals.pacing import Pacing
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.scoring.graded.judge import UNREADABLE
from stepwell.evals.scoring.graded.scorer import GradedScorer
from stepwell.evals.scoring.open import Means, open_judging
from stepwell.evals.suite import Row, Suite
from stepwell.testing import FakeTier
from tests.support.judged import shown

Court = Callable[..., Stepwell]
CUT = Answer([Choice(Message("assistant", "Let me think"), 0, "length")], usage=Usage(9, 512, 521))
YES, NO = '{"reason": "-", "correct": true}', '{"reason": "-", "correct": false}'


def row(**options: Any) -> Row:
    line = {"id": "r", "prompt": "2 + 2?", "target": "4", "scorer": {"name": "graded", **options}}
    return Suite.parse([json.dumps(line)], name="one").rows[0]


def by_reference(request: ChatRequest) -> str:
    parts = shown(request)
    return YES if parts["answer"].strip() == parts["reference"] else NO


async def test_one_vote_is_asked_at_temperature_0(court: Court) -> None:
    judge = FakeTier(by_reference)
    async with court(judge=judge) as well:
        scorer = GradedScorer(well, judge="judge")
        assert (await scorer.score(row(), ["4"])).score == 1
        assert (await scorer.score(row(), ["5"])).score == 0
        assert len(judge.requests) == 2  # the same prompt would not be served from a cache either
        assert [r.wire.temperature for r in judge.requests] == [0, 0]


async def test_a_reply_that_was_cut_is_given_more_room(court: Court) -> None:
    judge = FakeTier(lambda request: CUT if request.wire.max_tokens else YES)
    async with court(judge=judge) as well:
        assert (await GradedScorer(well, judge="judge").score(row(), ["4"])).score == 1
    assert [len(r.messages) for r in judge.requests] == [2, 2]  # the same question anew


async def test_a_judge_without_room_for_a_second_try_gave_no_verdict(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = FakeTier("Well, that depends.")
    async with court(judge=judge) as well:
        ask = well.achat

        async def small(messages: Any, **asks: Any) -> Any:
            if len(messages) > 2:
                raise ContextTooLong("too long", n_tokens=9, window_tokens=8)
            return await ask(messages, **asks)

        monkeypatch.setattr(well, "achat", small)
        scored = await GradedScorer(well, judge="judge").score(row(), ["4"])
    assert (scored.score, scored.error, scored.judge_usd > 0) == (None, UNREADABLE, True)


@pytest.mark.parametrize(
    ("said", "score", "n_asked"),
    [([YES, YES], 1, 2), ([YES, NO, YES], 1, 3), ([NO, YES, NO], 0, 3), ([NO, NO], 0, 2)],
)
async def test_the_majority_counts_and_no_vote_is_bought_that_can_change_nothing(
    court: Court, said: list[str], score: float, n_asked: int
) -> None:
    judge = FakeTier(iter([*said, "never asked for"]))
    async with court(judge=judge) as well:
        scored = await GradedScorer(well, judge="judge", n_votes=3).score(row(), ["4"])
    assert (scored.score, len(judge.requests)) == (score, n_asked)


async def test_grades_of_a_scale_give_the_middle_one(court: Court) -> None:
    judge = FakeTier(iter(['{"grade": 2}', '{"grade": 5}', '{"grade": 3}']))
    async with court(judge=judge) as well:
        scored = await GradedScorer(well, judge="judge", n_votes=3).score(row(scale="1-5"), ["4"])
    assert scored.score == 0.5


async def test_what_cant_be_read_is_asked_once_again_and_is_never_a_score(court: Court) -> None:
    judge = FakeTier("It depends on how you look at it.")
    async with court(judge=judge) as well:
        scored = await GradedScorer(well, judge="judge").score(row(), ["4"])
        assert (scored.score, scored.error, len(judge.requests)) == (None, UNREADABLE, 2)
        assert scored.judge_usd == pytest.approx(sum(usd(r) for r in judge.requests), abs=2e-9)
    second = FakeTier(iter(["Hm.", NO]))
    async with court(judge=second) as well:
        assert (await GradedScorer(well, judge="judge").score(row(), ["4"])).score == 0
    assert [m.role for m in second.requests[1].messages] == ["system", "user", "assistant", "user"]


def usd(request: ChatRequest) -> float:
    n_in = sum(len(m.text) for m in request.messages) // 4 + 1
    return (n_in * 1 + len(b"It depends on how you look at it.".split()) * 2) / 1e6


async def test_a_judge_that_fails_is_asked_on_from_the_votes_that_are_there(court: Court) -> None:
    replies: list[Any] = [YES, RateLimited("busy", tier="judge"), NO, YES]
    judge = FakeTier(iter(replies))
    async with court(judge=judge) as well:
        scorer = GradedScorer(well, judge="judge", n_votes=3)
        with pytest.raises(AllTiersFailed) as failed:
            await scorer.score(row(), ["4"])
        assert failed.value.spent_usd > 0  # the vote before
        scored = await scorer.score(row(), ["4"])
    assert (scored.score, scored.why, len(judge.requests)) == (1, "2 of 3 votes", 4)
    assert scored.judge_usd > failed.value.spent_usd


async def test_a_judge_without_a_temperature_is_asked_without(court: Court) -> None:
    def picky(request: ChatRequest) -> Any:
        return TierRefused("no temperature", tier="judge") if "temperature" in request.fields else YES

    judge = FakeTier(picky)
    async with court(judge=judge) as well:
        scorer = GradedScorer(well, judge="judge")
        assert (await scorer.score(row(), ["4"])).score == 1
        assert (await scorer.score(row(), ["4"])).score == 1
    assert len(judge.requests) == 3  # it is tried with one only once


async def test_rows_may_name_their_judge_and_their_votes(court: Court) -> None:
    async with court(judge=FakeTier(YES), strong=FakeTier(NO)) as well:
        scorer = GradedScorer(well, judge="judge")
        assert (await scorer.score(row(), ["4"])).score == 1
        assert (await scorer.score(row(judge="strong", votes=3), ["4"])).score == 0
        with pytest.raises(ConfigError, match="no tier 'nobody'"):
            await scorer.score(row(judge="nobody"), ["4"])
        with pytest.raises(ConfigError, match="votes must be odd"):
            GradedScorer(well, judge="judge", n_votes=2)


async def test_a_run_pays_a_tier_once_however_often_its_judge_fails(court: Court, tmp_path: Path) -> None:
    lines = [
        json.dumps({"id": str(n), "prompt": f"{n}?", "target": str(n), "scorer": "graded"}) for n in range(12)
    ]
    suite = Suite.parse(lines, name="numbers")
    n_asked = 0

    def busy(request: ChatRequest) -> Any:
        nonlocal n_asked
        n_asked += 1
        return (
            RateLimited("busy", tier="judge", retry_after_s=0.001) if n_asked % 3 else by_reference(request)
        )

    weak = FakeTier(lambda request: request.messages[-1].text.rstrip("?").replace("7", "8"))
    async with court(judge=FakeTier(busy), weak=weak) as well:
        judging = open_judging(["graded"], Means(well, judge="judge"))
        options = RunOptions(concurrency=2, pacing=Pacing(backoff_s=0.001, max_backoff_s=0.002))
        await run_suite(
            well, suite, tiers=["weak"], journal_path=tmp_path / "j", options=options, judging=judging
        )
        await judging.close()
    outcomes = read(tmp_path / "j")[1].values()
    assert {o.row: o.score for o in outcomes} == {str(n): float(n != 7) for n in range(12)}
    assert len(weak.requests) == 12
    assert all(o.judge_nano_usd > 0 for o in outcomes)


async def test_another_judge_scores_the_same_answers_anew(court: Court, tmp_path: Path) -> None:
    line = json.dumps({"id": "r", "prompt": "2 + 2?", "target": "4", "scorer": "graded"})
    suite = Suite.parse([line], name="one")
    weak = FakeTier("4")
    async with court(weak=weak, judge=FakeTier(YES), strong=FakeTier(NO)) as well:
        scores = []
        for judge in ("judge", "strong", "strong"):
            report = await run_suite(
                well,
                suite,
                tiers=["weak"],
                journal_path=tmp_path / "j",
                options=RunOptions(judge=judge),
                judging=open_judging(["graded"], Means(well, judge=judge)),
            )
            scores.append(report.tiers[0].quality)
    assert scores == [1.0, 0.0, 0.0]
    assert len(weak.requests) == 1
