"""What a run comes to, as an exit code and its reasons."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from stepwell import ConfigError
from stepwell.evals.entries import Compared, Header, Outcome, Planted
from stepwell.evals.gate import (
    EXIT_INCONCLUSIVE,
    EXIT_INFRASTRUCTURE,
    EXIT_PASS,
    EXIT_REGRESSION,
    Limits,
    gate,
)
from stepwell.evals.report import Question, Report, make_report
from stepwell.evals.scoring.graded.judge_report import judge_reports
from stepwell.evals.scoring.graded.planted import RIGHT, VAGUE
from stepwell.evals.scoring.graded.preferences import Preference, preferences


def outcome(arm: str, row: int, score: float | None, error: str | None = None, nano_usd: int = 0) -> Outcome:
    return Outcome(f"{arm}{row}", "", str(row), arm, score=score, error=error, nano_usd=nano_usd)


def two_arms(n_only_a: int, n_only_b: int, n_both: int) -> list[Outcome]:
    rights = [(1, 0)] * n_only_a + [(0, 1)] * n_only_b + [(1, 1)] * n_both
    return [outcome(t, i, float(r[k])) for i, r in enumerate(rights) for k, t in enumerate("ab")]


def report(
    outcomes: list[Outcome], baseline: str | None = None, margin: float | None = 0.02, n_planned: int = 0
) -> Report:
    return make_report(Header("s", "", n_planned), outcomes, question=Question(baseline, margin))


def test_without_a_baseline_a_whole_run_passes() -> None:
    made = gate(report(two_arms(20, 2, 50)))
    assert (made.exit_code, made.word, made.reasons) == (EXIT_PASS, "pass", ())
    assert "only that the run is whole" in made.notes[0]


def test_an_arm_that_is_worse_than_the_baseline_is_a_regression() -> None:
    made = gate(report(two_arms(20, 2, 50), "a"))
    assert (made.exit_code, made.word) == (EXIT_REGRESSION, "regression")
    assert made.reasons[0].startswith("b is worse than a: -0.250 [")
    assert gate(report(two_arms(20, 2, 50), "b")).exit_code == EXIT_PASS


def test_what_can_t_be_told_says_how_many_rows_it_takes() -> None:
    made = gate(report(two_arms(3, 6, 50), "a"))
    assert made.exit_code == EXIT_INCONCLUSIVE
    assert "more rows" in made.reasons[0]


def test_arms_that_are_tied_within_the_margin_pass() -> None:
    alike = two_arms(2, 2, 2000)
    assert gate(report(alike, "a")).exit_code == EXIT_PASS
    assert gate(report(alike, "a", margin=None)).exit_code == EXIT_INCONCLUSIVE


def test_a_run_that_is_not_whole_is_inconclusive() -> None:
    assert gate(report(two_arms(20, 2, 50), n_planned=200)).exit_code == EXIT_INCONCLUSIVE
    assert gate(report([])).exit_code == EXIT_INCONCLUSIVE


def test_errors_are_infrastructure_before_anything_else() -> None:
    broken = two_arms(20, 2, 50) + [outcome("c", i, None, "tier_unavailable") for i in range(30)]
    made = gate(report(broken, "a"))
    assert made.exit_code == EXIT_INFRASTRUCTURE
    assert made.reasons[0] == "c: 30 of 30 samples ended as errors (30 tier_unavailable)"
    assert made.reasons[1].startswith("b is worse than a")
    assert gate(report(broken, "b"), Limits(max_error_share=1.0)).exit_code == EXIT_INCONCLUSIVE


def test_one_broken_arm_among_many_is_infrastructure() -> None:
    arms = "abcdefghijkl"
    whole = [outcome(arm, i, 1.0) for arm in arms for i in range(100)]
    broken = [*whole, *(outcome("l", i, None, "tier_timeout") for i in range(100, 130))]
    made = gate(report(broken, "a", margin=0.2))
    assert (made.exit_code, len(made.reasons)) == (EXIT_INFRASTRUCTURE, 1)
    assert made.reasons[0].startswith("l: 30 of 130 samples")
    assert gate(report(whole, "a", margin=0.2)).exit_code == EXIT_PASS


@pytest.mark.parametrize("name", ["max_error_share", "max_false_accepts", "min_quality", "max_cost_usd"])
@pytest.mark.parametrize("value", [float("nan"), -0.1, 2.0])
def test_limits_that_are_none_are_refused(name: str, value: float) -> None:
    if (name, value) == ("max_cost_usd", 2.0):
        assert Limits(max_cost_usd=value).max_cost_usd == value
        return
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: value})


@pytest.mark.parametrize(
    ("least", "code"), [(0.5, EXIT_PASS), (0.9, EXIT_INCONCLUSIVE), (0.99, EXIT_REGRESSION)]
)
def test_least_quality_goes_by_the_whole_interval(least: float, code: int) -> None:
    scores = [outcome("a", i, float(i % 10 > 0)) for i in range(100)]
    assert gate(report(scores), Limits(min_quality=least)).exit_code == code


def test_an_arm_that_costs_too_much_regresses_and_the_baseline_may() -> None:
    scores = [outcome(arm, i, 1.0, nano_usd=n) for arm, n in (("a", 5_000), ("b", 1_000)) for i in range(50)]
    assert gate(report(scores), Limits(max_cost_usd=2e-6)).reasons == (
        "a costs $5e-06 a request, over $2e-06",
    )
    assert gate(report(scores, "a", margin=0.2), Limits(max_cost_usd=2e-6)).exit_code == EXIT_PASS


def preferred(judge: str, form: str = "pairwise with reference #1") -> list[Preference]:
    lines = [Compared(f"{judge}{n}", str(n), "a", "b", score=1.0, judge=judge, form=form) for n in range(20)]
    return list(preferences(lines))


def measured(judge: str, form: str, n_accepted: int, n: int = 60) -> list[Planted]:
    shown = [
        Planted(f"{judge}{form}{i}", str(i), VAGUE, i < n_accepted, judge=judge, form=form) for i in range(n)
    ]
    return [*shown, *(replace_key(line) for line in shown)]


def replace_key(line: Planted) -> Planted:
    return msgspec.structs.replace(line, key="r" + line.key, style=RIGHT, is_accepted=True)


def test_a_judge_of_pairs_hides_no_regression_of_exact_scores() -> None:
    made = replace(report(two_arms(20, 2, 50), "a"), preferences=tuple(preferred("lax")))
    told = gate(made)
    assert told.exit_code == EXIT_REGRESSION
    assert told.reasons[0].startswith("b is worse than a")
    assert told.reasons[1].startswith("judge lax (pairwise with reference) was not measured")
    # where rows were graded the scores are the judge's too
    assert gate(replace(made, is_graded=True)).exit_code == EXIT_INCONCLUSIVE


def test_a_preference_wants_one_judge_that_is_believed() -> None:
    form = "pairwise with reference #1"
    whole = report(two_arms(2, 2, 2000), "a")
    bad, good = judge_reports(measured("bad", form, 30)), judge_reports(measured("good", form, 0))
    of_bad = replace(whole, preferences=tuple(preferred("bad")), judges=bad)
    assert gate(of_bad).exit_code == EXIT_INCONCLUSIVE
    again = replace(whole, preferences=(*preferred("bad"), *preferred("good")), judges=(*bad, *good))
    told = gate(again)
    assert told.exit_code == EXIT_PASS
    assert any("bad" in note and "refused" in note for note in told.notes)
    # a measurement of the same tier in another form vouches for nothing
    elsewhere = judge_reports(measured("bad", "pairwise with reference #2", 0))
    assert gate(replace(of_bad, judges=elsewhere)).exit_code == EXIT_INCONCLUSIVE


def with_errors(n_rows: int, n_lost: int, baseline_right: float = 1.0) -> list[Outcome]:
    """Arm "new" is like "base" where it has scores; it lacks the first rows."""
    new = [outcome("new", i, *((None, "guard_blocked") if i < n_lost else (1.0,))) for i in range(n_rows)]
    return [*new, *(outcome("base", i, baseline_right if i < n_lost else 1.0) for i in range(n_rows))]


def test_errors_on_the_rows_that_an_arm_would_lose_are_no_pass() -> None:
    told = gate(report(with_errors(600, 48), "base"))
    assert told.exit_code == EXIT_INCONCLUSIVE
    assert told.reasons[0].startswith("errors may hide that new is worse than base: -0.080 [")
    assert any("errors could change" in note and "-0.080 to +0.000" in note for note in told.notes)


def test_errors_that_could_turn_nothing_pass() -> None:
    # one error in a thousand rows stays within the margin
    few = gate(report(with_errors(1000, 1), "base"))
    assert (few.exit_code, few.notes) == (EXIT_PASS, ())
    # where the baseline is wrong, too, an error loses nothing
    assert gate(report(with_errors(600, 48, baseline_right=0.0), "base")).exit_code == EXIT_PASS


def test_errors_of_the_baseline_count_as_right() -> None:
    scores = [
        outcome(arm, i, 1.0 if arm == "base" or i >= 48 else 0.0)
        for arm in ("new", "base")
        for i in range(600)
    ]
    lost = [replaced(o) if o.tier == "base" and int(o.row) < 48 else o for o in scores]
    assert gate(report(lost, "base")).exit_code == EXIT_INCONCLUSIVE
    assert gate(report(scores, "base")).exit_code == EXIT_REGRESSION


def replaced(o: Outcome) -> Outcome:
    return msgspec.structs.replace(o, score=None, error="tier_timeout")


def test_rows_that_both_arms_fail_on_tell_nothing() -> None:
    lost = [outcome(arm, i, None, "content_filter") for arm in ("new", "base") for i in range(40)]
    both = [*lost, *(outcome(arm, i, 1.0) for arm in ("new", "base") for i in range(40, 600))]
    assert gate(report(both, "base")).exit_code == EXIT_PASS


def test_a_least_quality_is_not_reached_by_leaving_rows_out() -> None:
    scores = [outcome("a", i, *((1.0,) if i >= 45 else (None, "guard_blocked"))) for i in range(500)]
    told = gate(report(scores), Limits(min_quality=0.95))
    assert told.exit_code == EXIT_INCONCLUSIVE
    assert told.reasons == ("a: errors may hide a quality under 0.95: 45 of 500 samples have no score",)
    assert gate(report(scores), Limits(min_quality=0.9)).exit_code == EXIT_PASS
