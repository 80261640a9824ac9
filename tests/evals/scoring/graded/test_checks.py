"""Judges of known behaviour, measured by planted answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepwell import ConfigError, Stepwell
from stepwell.base.errors import RateLimited
from stepwell.base.request import ChatRequest
from stepwell.evals.held import read_held
from stepwell.evals.pacing import Pacing
from stepwell.evals.scoring.graded.checks import CheckOptions, check_judges
from stepwell.evals.scoring.graded.forms import Form, forms_of
from stepwell.evals.scoring.graded.judge_report import JudgeReport, judge_reports
from stepwell.evals.scoring.graded.options import GradedOptions
from stepwell.evals.scoring.graded.planted import shipped_cases
from stepwell.evals.suite import Suite
from stepwell.testing import FakeTier
from tests.support.judged import shown

Court = Callable[..., Stepwell]
RIGHT = {case.right for case in shipped_cases()}
QUICK = Pacing(backoff_s=0.001, max_backoff_s=0.002)
GRADES = Form("judge", GradedOptions())
PAIRS = Form("judge", GradedOptions(), is_pair=True)


def verdict(is_right: bool) -> str:
    return json.dumps({"reason": "-", "correct": is_right})


def careful(request: ChatRequest) -> str:
    return verdict(shown(request)["answer"] in RIGHT)


def fair(request: ChatRequest) -> str:
    parts = shown(request)
    return json.dumps({"better": "1" if parts["answer 1"] in RIGHT else "2"})


def lapses(text: str, share: float) -> bool:
    """True for that share of texts, and always for the same ones."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32 < share


async def measured(well: Stepwell, path: Path, form: Form = GRADES, **options: Any) -> JudgeReport:
    (report,) = await check_judges(well, [form], path, options=CheckOptions(pacing=QUICK, **options))
    return report


def shares(report: JudgeReport) -> dict[str, float | None]:
    return {rate.style: rate.share for rate in report.wrong}


@pytest.mark.parametrize(
    ("judge", "wrong", "false_rejects", "trust"),
    [
        (FakeTier(careful), 0.0, 0.0, "trusted"),
        (FakeTier(verdict(True)), 1.0, 0.0, "refused"),
        (FakeTier(verdict(False)), 0.0, 1.0, "refused"),
    ],
)
async def test_extremes(
    court: Court, tmp_path: Path, judge: FakeTier, wrong: float, false_rejects: float, trust: str
) -> None:
    async with court(judge=judge) as well:
        report = await measured(well, tmp_path / "j")
    assert shares(report) == {"specific": wrong, "vague": wrong}
    assert (report.false_reject_share, report.trust()) == (false_rejects, trust)
    assert (report.n_shown, len(judge.requests)) == (180, 180)
    assert report.nano_usd > 0


async def test_a_judge_that_goes_by_length_falls_for_vague_answers(court: Court, tmp_path: Path) -> None:
    judge = FakeTier(lambda r: verdict(len(shown(r)["answer"]) > 70))
    async with court(judge=judge) as well:
        report = await measured(well, tmp_path / "j")
    assert report.worst is not None
    assert report.worst.style == "vague"
    assert report.trust() == "refused"


@pytest.mark.parametrize("share", [0.05, 0.3])
async def test_a_known_rate_of_errors_lies_in_the_interval(
    court: Court, tmp_path: Path, share: float
) -> None:
    def erring(request: ChatRequest) -> str:
        answer = shown(request)["answer"]
        return verdict((answer in RIGHT) != lapses(answer, share))

    async with court(judge=FakeTier(erring)) as well:
        report = await measured(well, tmp_path / "j", n_cases=120)
    assert report.right is not None
    for rate in report.wrong:
        assert rate.low <= share <= rate.high
    assert report.right.low <= 1 - share <= report.right.high


async def test_pairs_are_checked_in_both_orders(court: Court, tmp_path: Path) -> None:
    judge = FakeTier(fair)
    async with court(judge=judge) as well:
        report = await measured(well, tmp_path / "fair", PAIRS, n_cases=20)
        assert (shares(report), len(judge.requests)) == ({"specific": 0.0, "vague": 0.0}, 80)
    async with court(judge=FakeTier('{"better": "1"}')) as well:  # it goes by place alone
        report = await measured(well, tmp_path / "first", PAIRS, n_cases=20)
    assert report.trust() == "refused"
    assert report.right is None


async def test_resuming_shows_nothing_again_and_reports_the_same(court: Court, tmp_path: Path) -> None:
    whole = FakeTier(careful)
    async with court(judge=whole) as well:
        expected = await measured(well, tmp_path / "whole", n_cases=10)

    def breaks(request: ChatRequest) -> str:
        if len(first.requests) == 12:
            raise ZeroDivisionError
        return careful(request)

    first, second, third = FakeTier(breaks), FakeTier(careful), FakeTier(careful)
    async with court(judge=first) as well:
        with pytest.raises(ZeroDivisionError):
            await measured(well, tmp_path / "part", n_cases=10, concurrency=1)
    async with court(judge=second) as well:
        assert await measured(well, tmp_path / "part", n_cases=10) == expected
    assert len(first.requests) - 1 + len(second.requests) == 30
    async with court(judge=third) as well:
        assert await measured(well, tmp_path / "part", n_cases=10) == expected
    assert third.requests == []
    kinds = {case.id: case.kind for case in shipped_cases()}
    assert judge_reports(read_held(tmp_path / "part").planted.values(), kinds=kinds) == (expected,)


async def test_refusals_lose_no_check_and_failures_are_no_verdicts(court: Court, tmp_path: Path) -> None:
    def busy(request: ChatRequest) -> Any:
        return (
            RateLimited("busy", tier="judge", retry_after_s=0.001)
            if lapses(str(next(n)), 0.3)
            else careful(request)
        )

    n = iter(range(10_000))
    async with court(judge=FakeTier(busy)) as well:
        report = await measured(well, tmp_path / "busy", n_cases=10)
        assert (report.n_shown, report.n_errors) == (30, 0)
    async with court(judge=FakeTier("hm")) as well:
        report = await measured(well, tmp_path / "hm", n_cases=10)
        assert (report.n_shown, report.n_errors, report.trust()) == (0, 30, "not measured")
    async with court(judge=FakeTier(careful)) as well:
        healed = await measured(well, tmp_path / "hm", n_cases=10)
    assert (healed.n_shown, healed.n_errors) == (30, 0)
    assert healed.nano_usd > report.nano_usd  # what was paid before is still paid


async def test_a_budget_stops_it(court: Court, tmp_path: Path) -> None:
    judge = FakeTier(careful)
    async with court(judge=judge) as well:
        report = await measured(well, tmp_path / "j", max_usd=0.005, concurrency=1)
        assert 0 < len(judge.requests) < 180
        n_asked = len(judge.requests)
        again = await measured(well, tmp_path / "j", max_usd=0.005, concurrency=1)
    assert (again, len(judge.requests)) == (report, n_asked)
    assert report.nano_usd >= 5_000_000


async def test_an_unknown_judge_is_an_error_at_once(court: Court, tmp_path: Path) -> None:
    async with court() as well:
        with pytest.raises(ConfigError, match="no tier 'nobody'"):
            await check_judges(well, [Form("nobody", GradedOptions())], tmp_path / "j")


def suite(*rows: Any) -> Suite:
    plain = {"prompt": "?", "target": "!"}
    return Suite.parse([json.dumps({"id": n, **plain, **row}) for n, row in enumerate(rows)], name="s")


async def test_a_suite_is_checked_in_its_own_form(court: Court, tmp_path: Path) -> None:
    graded = {"name": "graded", "rubric": "Be kind.", "scale": "1-5", "reference": False}
    rows = suite({"scorer": graded}, {"scorer": graded}, {"scorer": "graded"}).rows
    judge = FakeTier('{"grade": 3}')
    async with court(judge=judge) as well:
        (form,) = forms_of(well, rows, judge="judge")
        assert form.options == GradedOptions(rubric="Be kind.", scale="1-5", reference=False)
        assert form.name.startswith("1-5 without reference, by rubric #")
        report = await measured(well, tmp_path / "j", form, n_cases=8)
    assert all("Be kind." in r.messages[0].text and "reference" not in shown(r) for r in judge.requests)
    assert report.trust() == "refused"  # a middling grade is no refusal


async def test_forms(court: Court) -> None:
    each_its_own = [{"scorer": {"name": "graded", "rubric": f"Say {n}."}} for n in range(3)]
    by_two = [{"scorer": "graded"}, {"scorer": {"name": "graded", "judge": "strong"}}]
    async with court() as well:
        (form,) = forms_of(well, suite(*each_its_own).rows, judge="judge", n_votes=3)
        assert (form.options.rubric, form.n_votes) == (None, 3)
        assert [f.judge for f in forms_of(well, suite(*by_two).rows, judge="judge")] == ["judge", "strong"]
        with pytest.raises(ConfigError, match="--judge"):
            forms_of(well, suite(*by_two).rows, judge=None)
        other = forms_of(well, suite(*by_two).rows, judge="judge", is_pair=True)
    assert form.sha256 not in {f.sha256 for f in other}
