"""A gate that rests on a judge: what the judge may be believed decides what the gate may say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stepwell import Stepwell
from stepwell.base.request import ChatRequest
from stepwell.evals.gate import EXIT_INCONCLUSIVE, EXIT_REGRESSION, Gate, gate
from stepwell.evals.held import read_held
from stepwell.evals.report import report_of
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.scoring.graded.checks import CheckOptions, check_judges
from stepwell.evals.scoring.graded.forms import forms_of
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
