"""A gate that rests on a judge: what the judge may be believed decides what the gate may say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stepwell import Stepwell
from stepwell.base.request import ChatRequest
from stepwell.evals.gate import EXIT_INCONCLUSIVE, EXIT_PASS, EXIT_REGRESSION, Gate, gate
from stepwell.evals.held import read_held
from stepwell.evals.report import report_of
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.scoring.graded.checks import CheckOptions, check_judges
from stepwell.evals.scoring.graded.forms import forms_of
from stepwell.evals.scoring.graded.pairwise import pairwise
from stepwell.evals.scoring.graded.planted import shipped_cases
from stepwell.evals.scoring.open import Means, open_judging
from stepwell.evals.suite import Suite
from stepwell.testing import FakeTier
from tests.support.judged import shown

RIGHT = {case.right for case in shipped_cases()}
SUITE = Suite.parse(
    [json.dumps({"id": f"r{n}", "prompt": f"{n}?", "target": str(n), "scorer": "graded"}) for n in range(40)],
    name="numbers",
)


def weak(request: ChatRequest) -> str:
    number = int(request.messages[-1].text.rstrip("?"))
    return str(number + number % 2)


def careful(request: ChatRequest) -> str:
    parts = shown(request)
    return json.dumps({"correct": parts["answer"] in {*RIGHT, parts["reference"]}})


def lax_with_prose(request: ChatRequest) -> str:
    parts = shown(request)
    return json.dumps({"correct": parts["answer"] == parts["reference"] or len(parts["answer"]) > 5})


async def gated(
    court: Callable[..., Stepwell], path: Path, judge: FakeTier, *, is_checked: bool = True
) -> Gate:
    strong = FakeTier(lambda request: request.messages[-1].text.rstrip("?"))
    async with court(judge=judge, weak=FakeTier(weak), strong=strong) as well:
        await run_suite(
            well,
            SUITE,
            tiers=["weak", "strong"],
            journal_path=path,
            options=RunOptions(baseline="strong", margin=0.02, judge="judge"),
            judging=open_judging(["graded"], Means(well, judge="judge")),
        )
        if is_checked:
            forms = forms_of(well, SUITE.rows, judge="judge")
            await check_judges(well, forms, path, options=CheckOptions(n_cases=24))
    return gate(report_of(read_held(path), suite=SUITE))


@pytest.mark.parametrize(
    ("judge", "is_checked", "code", "reason"),
    [
        (careful, True, EXIT_REGRESSION, "weak is worse than strong"),
        (lax_with_prose, True, EXIT_INCONCLUSIVE, "refused"),
        (careful, False, EXIT_INCONCLUSIVE, "not measured"),
    ],
)
async def test_only_a_judge_that_is_believed_calls_a_regression(
    court: Callable[..., Stepwell],
    tmp_path: Path,
    judge: Callable[[ChatRequest], str],
    is_checked: bool,
    code: int,
    reason: str,
) -> None:
    found = await gated(court, tmp_path / "j", FakeTier(judge), is_checked=is_checked)
    assert found.exit_code == code
    assert any(reason in said for said in found.reasons)


async def test_both_styles_and_the_corrected_quality_are_told(
    court: Callable[..., Stepwell], tmp_path: Path
) -> None:
    notes = "\n".join((await gated(court, tmp_path / "j", FakeTier(careful))).notes)
    assert "0.0% of specific wrong answers" in notes
    assert "0.0% of vague wrong answers" in notes
    assert "weak without the judge's errors: 0.500" in notes


async def judged(
    well: Stepwell,
    path: Path,
    judge: str,
    *,
    n_votes: int = 1,
    suite: Suite = SUITE,
    measured: str = "judge",
    checked: Suite = SUITE,
) -> Gate:
    """A run on this journal, after the judge `measured` was measured by one vote, in the form of `checked`."""
    forms = forms_of(well, checked.rows, judge=measured)
    await check_judges(well, forms, path, options=CheckOptions(n_cases=24))
    await run_suite(
        well,
        suite,
        tiers=["weak", "strong"],
        journal_path=path,
        options=RunOptions(baseline="strong", margin=0.02, judge=judge),
        judging=open_judging(["graded"], Means(well, judge=judge, n_votes=n_votes)),
    )
    return gate(report_of(read_held(path), suite=suite))


def numbers(judges: dict[str, FakeTier]) -> dict[str, FakeTier]:
    strong = FakeTier(lambda request: request.messages[-1].text.rstrip("?"))
    return {"weak": FakeTier(weak), "strong": strong, **judges}


async def test_a_bad_judge_of_an_earlier_run_refuses_no_later_one(
    court: Callable[..., Stepwell], tmp_path: Path
) -> None:
    async with court(**numbers({"judge": FakeTier(lax_with_prose)})) as well:
        first = await judged(well, tmp_path / "j", "judge")
    assert first.exit_code == EXIT_INCONCLUSIVE
    judge = FakeTier(careful)
    models = {"judge": "fake/better"}
    async with court(models=models, **numbers({"judge": judge})) as well:
        again = await judged(well, tmp_path / "j", "judge")
    assert again.exit_code == EXIT_REGRESSION
    assert not any("refused" in said for said in (*again.reasons, *again.notes))
    assert len(judge.requests) == 24 * 3 + 2 * len(
        SUITE.rows
    )  # another model has graded the same answers anew


@pytest.mark.parametrize("case", ["another tier", "other votes"])
async def test_what_was_measured_of_another_judge_vouches_for_none(
    court: Callable[..., Stepwell], tmp_path: Path, case: str
) -> None:
    async with court(**numbers({"judge": FakeTier(careful)})) as well:
        measured, n_votes = ("strong", 1) if case == "another tier" else ("judge", 3)
        found = await judged(well, tmp_path / "j", "judge", n_votes=n_votes, measured=measured)
    assert found.exit_code == EXIT_INCONCLUSIVE
    assert found.reasons[0].startswith("judge judge (binary with reference")
    assert "was not measured" in found.reasons[0]


@pytest.mark.parametrize("is_own_checked", [True, False])
async def test_rows_that_name_their_own_judge_want_it_measured(
    court: Callable[..., Stepwell], tmp_path: Path, is_own_checked: bool
) -> None:
    own = {"name": "graded", "judge": "strong"}
    lines = [
        {"id": f"r{n}", "prompt": f"{n}?", "target": str(n), "scorer": "graded" if n % 2 else own}
        for n in range(40)
    ]
    suite = Suite.parse([json.dumps(line) for line in lines], name="two")

    def both(request: ChatRequest) -> str:
        return careful(request) if len(request.messages) > 1 else request.messages[-1].text.rstrip("?")

    async with court(weak=FakeTier(weak), strong=FakeTier(both), judge=FakeTier(careful)) as well:
        checked = suite if is_own_checked else SUITE
        found = await judged(well, tmp_path / "j", "judge", suite=suite, checked=checked)
    assert found.exit_code == (EXIT_REGRESSION if is_own_checked else EXIT_INCONCLUSIVE)
    unmeasured = [reason for reason in found.reasons if "was not measured" in reason]
    assert [reason.startswith("judge strong (") for reason in unmeasured] == [True] * (not is_own_checked)


def better(request: ChatRequest) -> str:
    parts = shown(request)
    first, second = (parts[f"answer {n}"] in {*RIGHT, parts["reference"]} for n in (1, 2))
    return json.dumps({"better": "tie" if first == second else "1" if first else "2"})


@pytest.mark.parametrize("checked_as", ["fake/judge", "fake/other"])
async def test_a_judge_of_pairs_is_believed_as_it_was_measured(
    court: Callable[..., Stepwell], tmp_path: Path, checked_as: str
) -> None:
    lines = [{"id": f"r{n}", "prompt": f"{n}?", "target": str(n), "scorer": "exact"} for n in range(40)]
    suite, path = Suite.parse([json.dumps(line) for line in lines], name="exact"), tmp_path / "j"
    tiers = numbers({"judge": FakeTier(better)})
    async with court(models={"judge": checked_as}, **tiers) as well:
        forms = forms_of(well, suite.rows, judge="judge", is_pair=True)
        await check_judges(well, forms, path, options=CheckOptions(n_cases=24))
    async with court(**tiers) as well:
        options = RunOptions(baseline="weak", margin=0.02)
        await run_suite(well, suite, tiers=["weak", "strong"], journal_path=path, options=options)
        (found,) = await pairwise(well, suite, path, judge="judge")
    told = gate(report_of(read_held(path), suite=suite))
    assert found.pair.seen_from("strong").word == "better"
    is_known = checked_as == "fake/judge"
    assert told.exit_code == (EXIT_PASS if is_known else EXIT_INCONCLUSIVE)
    assert any("was not measured" in reason for reason in told.reasons) == (not is_known)
