"""Two arms before one judge, in both orders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepwell import ConfigError, Stepwell
from stepwell.base.errors import TierUnavailable
from stepwell.base.request import ChatRequest
from stepwell.evals.entries import Compared
from stepwell.evals.held import read_held
from stepwell.evals.pacing import Pacing
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.scoring.graded.pairwise import PairOptions, pairwise
from stepwell.evals.scoring.graded.preferences import Preference, preferences
from stepwell.evals.suite import Suite
from stepwell.testing import FakeTier
from tests.support.judged import shown

Court = Callable[..., Stepwell]
N = 40
OPTIONS = PairOptions(pacing=Pacing(backoff_s=0.001, max_backoff_s=0.002))
SUITE = Suite.parse(
    [
        json.dumps({"id": f"r{n}", "prompt": f"{n}?", "target": str(n), "scorer": "contains"})
        for n in range(N)
    ],
    name="numbers",
)


def weak(request: ChatRequest) -> str:
    number = int(request.messages[-1].text.rstrip("?"))
    return str(number if number % 2 else number + 1)


def strong(request: ChatRequest) -> str:
    return "It is " + request.messages[-1].text.rstrip("?")


def right(answer: str, reference: str) -> bool:
    return answer.split()[-1] == reference


def fair(request: ChatRequest) -> str:
    parts = shown(request)
    first, second = (right(parts[f"answer {n}"], parts["reference"]) for n in (1, 2))
    return json.dumps({"better": "tie" if first == second else "1" if first else "2"})


async def compared(
    court: Court, path: Path, judge: FakeTier, *, options: PairOptions = OPTIONS, **backends: FakeTier
) -> Preference:
    tiers = {"weak": FakeTier(weak), "strong": FakeTier(strong), **backends}
    async with court(judge=judge, **tiers) as well:
        await run_suite(  # asks nothing where the journal has it
            well, SUITE, tiers=["strong", "weak"], journal_path=path, options=RunOptions(concurrency=4)
        )
        (found,) = await pairwise(well, SUITE, path, judge="judge", options=options)
    return found


async def test_a_fair_judge_finds_the_better_arm(court: Court, tmp_path: Path) -> None:
    judge = FakeTier(fair)
    found = await compared(court, tmp_path / "j", judge)
    assert (found.a, found.b, found.n_rows, found.score) == ("strong", "weak", N, 0.75)
    assert (found.n_won, found.n_tied, found.n_lost, found.n_inconsistent) == (20, 20, 0, 0)
    assert found.pair.word == "better"
    assert found.low > 0.5
    assert len(judge.requests) == 2 * N
    # it can't be told apart from a liking for length: the better answers are the longer ones
    assert found.longer_share == 1.0
    assert "length may have decided" in found.remarks[-1]


@pytest.mark.parametrize("place", ["1", "2"])
async def test_a_judge_that_goes_by_place_finds_nothing(court: Court, tmp_path: Path, place: str) -> None:
    found = await compared(court, tmp_path / "j", FakeTier(json.dumps({"better": place})))
    assert (found.score, found.n_tied, found.n_turned) == (0.5, N, N)
    assert (found.inconsistent_share, found.n_first) == (1.0, N if place == "1" else 0)
    assert found.pair.word == "need more"
    assert f"for the {'first' if place == '1' else 'second'}" in found.remarks[0]


async def test_answers_that_are_alike_are_a_tie_and_cost_nothing(court: Court, tmp_path: Path) -> None:
    judge = FakeTier(fair)
    found = await compared(court, tmp_path / "j", judge, strong=FakeTier(weak))
    assert (found.score, found.n_tied, found.nano_usd, judge.requests) == (0.5, N, 0, [])


async def test_a_tied_verdict_needs_a_margin(court: Court, tmp_path: Path) -> None:
    options = PairOptions(margin=0.2, pacing=OPTIONS.pacing)
    found = await compared(court, tmp_path / "j", FakeTier('{"better": "tie"}'), options=options)
    assert (found.pair.word, found.remarks) == ("tied", ())


async def test_resuming_asks_nothing_again(court: Court, tmp_path: Path) -> None:
    expected = await compared(court, tmp_path / "whole", FakeTier(fair))

    def breaks(request: ChatRequest) -> str:
        if len(first.requests) == 31:
            raise ZeroDivisionError
        return fair(request)

    first, second = FakeTier(breaks), FakeTier(fair)
    one_by_one = PairOptions(concurrency=1, pacing=OPTIONS.pacing)
    with pytest.raises(ZeroDivisionError):
        await compared(court, tmp_path / "part", first, options=one_by_one)
    assert await compared(court, tmp_path / "part", second) == expected
    assert len(second.requests) == 2 * N - 30
    lines = read_held(tmp_path / "part").compared.values()
    assert preferences(lines) == preferences(reversed(list(lines))) == (expected,)


async def test_failures_are_no_verdicts_and_are_asked_again_later(court: Court, tmp_path: Path) -> None:
    down: Any = FakeTier(TierUnavailable("down", tier="judge"))
    failed = await compared(court, tmp_path / "j", down)
    assert (failed.n_rows, failed.n_errors, failed.score) == (0, N, None)
    assert failed.pair.word == "need more"
    unread = await compared(court, tmp_path / "j", FakeTier("both have merits"))
    assert (unread.n_errors, unread.nano_usd > 0) == (N, True)
    healed = await compared(court, tmp_path / "j", FakeTier(fair))
    assert (healed.n_errors, healed.score, healed.nano_usd > unread.nano_usd) == (0, 0.75, True)


async def test_a_budget_stops_it(court: Court, tmp_path: Path) -> None:
    options = PairOptions(max_usd=0.002, concurrency=1, pacing=OPTIONS.pacing)
    found = await compared(court, tmp_path / "j", FakeTier(fair), options=options)
    assert 0 < found.n_rows < N
    spent = read_held(tmp_path / "j").spent_nano_usd  # the answers that were compared, too
    assert 2_000_000 <= spent < 3_000_000
    assert found.nano_usd < spent


async def test_what_can_be_compared(court: Court, tmp_path: Path) -> None:
    async with court() as well:
        with pytest.raises(ConfigError, match="holds no run"):
            await pairwise(well, SUITE, tmp_path / "j", judge="judge")
        with pytest.raises(ConfigError, match="no tier 'nobody'"):
            await pairwise(well, SUITE, tmp_path / "j", judge="nobody")


def test_repeats_of_a_row_are_one_row_and_half_wins_count_half() -> None:
    lines = [
        Compared(f"{row}{repeat}", f"r{row}", "a", "b", repeat, score, score in (0, 0.5, 1), judge="j")
        for row in range(4)
        for repeat, score in enumerate((1.0, 0.75, 0.5))
    ]
    (found,) = preferences(lines)
    assert (found.n_rows, found.score, found.n_judged, found.n_inconsistent) == (4, 0.75, 12, 4)
    assert (found.n_won, found.n_tied) == (8, 4)
    assert found.pair.difference == pytest.approx(0.5)
