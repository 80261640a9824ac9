"""Graded quality, corrected for the judge's errors."""

from __future__ import annotations

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.ends import Scored
from stepwell.evals.scoring.graded.corrected import corrected, corrected_arms
from stepwell.evals.scoring.graded.judge_report import JudgeReport, Rate
from stepwell.evals.suite import Suite


def judged(right: int, vague: int, specific: int, n: int = 60) -> JudgeReport:
    wrong = (Rate("vague", n, vague, 0.0, 1.0), Rate("specific", n, specific, 0.0, 1.0))
    return JudgeReport("j", "binary with reference", wrong, Rate("right", n, right, 0.0, 1.0))


@given(st.floats(0, 1), st.integers(1, 5000))
def test_a_judge_without_errors_changes_nothing(quality: float, n_rows: int) -> None:
    found = corrected(quality, n_rows, judged(60, 0, 0))
    assert found is not None
    assert abs(found.quality - quality) < 1e-12
    assert 0 <= found.low <= found.high <= 1


def test_a_lax_judge_flattered() -> None:
    found = corrected(0.8, 500, judged(60, 36, 24))  # half of the wrong answers pass
    assert found is not None
    assert abs(found.quality - 0.6) < 1e-9
    assert found.low < 0.6 < found.high


def test_a_judge_no_better_than_chance_says_nothing() -> None:
    assert corrected(0.8, 500, judged(30, 30, 30)) is None
    assert corrected(0.8, 500, judged(10, 50, 50)) is None
    assert corrected(0.8, 0, judged(60, 0, 0)) is None
    assert corrected(0.8, 500, JudgeReport("j", "", (), None)) is None


def test_the_interval_covers() -> None:
    rng = random.Random(5)

    def hits(n: int, p: float) -> int:
        return sum(rng.random() < p for _ in range(n))

    n_in, n_runs = 0, 300
    for _ in range(n_runs):
        accepted = hits(200, 0.7 * 0.95 + 0.3 * 0.15)
        found = corrected(accepted / 200, 200, judged(hits(60, 0.95), hits(60, 0.15), hits(60, 0.15)))
        n_in += found is not None and found.low <= 0.7 <= found.high
    assert n_in / n_runs >= 0.93


def test_arms_are_corrected_over_the_rows_that_were_called_right_or_wrong() -> None:
    scorers = [*(["graded"] * 10), {"name": "graded", "scale": "1-5"}, "exact"]
    lines = [
        json.dumps({"id": str(n), "prompt": "?", "target": "!", "scorer": s}) for n, s in enumerate(scorers)
    ]
    rows = Suite.parse(lines, name="mixed").rows
    scores = [
        Scored(arm, str(n), 1.0 if n >= 10 else float(n < n_right))
        for arm, n_right in (("weak", 6), ("strong", 8))
        for n in range(12)
    ]
    judge = judged(60, 12, 12)  # a fifth of the wrong answers pass
    found = corrected_arms(scores, rows, [judge])
    assert {arm: round(c.quality, 9) for arm, c in found.items()} == {"strong": 0.75, "weak": 0.5}
    assert corrected_arms(scores, rows, [judge, judge]) == corrected_arms(scores, rows, []) == {}
