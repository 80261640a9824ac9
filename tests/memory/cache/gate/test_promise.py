"""When to serve and when to step back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.memory.cache.gate.promise import Estimate, Mode, Promise, bounds, without_judge_error

GOOD = Estimate(50.0, 50, 0.0, 0.0, 0.07)


def serving(max_error: float = 0.02, mode: Mode = "serve") -> Promise:
    promise = Promise(max_error, mode)
    promise.after_fit(GOOD, has_cut=True)
    assert promise.state == "serving"
    return promise


def test_auto_serves_when_enough_would_be_hits_were_judged_right() -> None:
    promise = Promise(0.02, "auto")

    assert promise.state == "shadow"
    assert promise.after_fit(Estimate(49.0, 49, 0.0, 0.0, 0.1), has_cut=True) is None
    assert (
        promise.missing(Estimate(49.0, 49, 0.0, 0.0, 0.1), has_cut=True) == "1 more would-be hit to be judged"
    )
    change = promise.after_fit(GOOD, has_cut=True, foretold=0.017)
    assert change is not None
    assert str(change) == (
        "shadow -> serving: the model expects at most 1.7 % of hits to be wrong; 50 would-be hits were judged, "
        "0 % of them wrong (95 % interval 0 % to 7 %), which does not speak against it; the budget is 2 %"
    )
    assert promise.missing(GOOD, has_cut=True) == ""


@pytest.mark.parametrize(
    ("estimate", "has_cut"),
    [(GOOD, False), (Estimate(50.0, 50, 0.03, 0.01, 0.1, lower_quartile=0.025), True)],
)
def test_auto_stays_in_shadow_and_says_why(estimate: Estimate, has_cut: bool) -> None:
    promise = Promise(0.02, "auto")

    assert promise.after_fit(estimate, has_cut=has_cut) is None
    assert promise.state == "shadow"
    assert "2 %" in promise.missing(estimate, has_cut=has_cut) or "3 %" in promise.missing(
        estimate, has_cut=has_cut
    )


def test_shadow_never_serves() -> None:
    promise = Promise(0.02, "shadow")

    assert promise.after_fit(GOOD, has_cut=True) is None
    assert promise.state == "shadow"


def test_auto_steps_back_when_nothing_keeps_the_budget_any_more() -> None:
    change = serving(mode="auto").after_fit(GOOD, has_cut=False)

    assert change is not None
    assert change.new == "shadow"


@pytest.mark.parametrize("mode", ["auto", "serve"])
def test_wrong_audits_end_serving(mode: Mode) -> None:
    promise = serving(mode=mode)
    for _ in range(3):
        promise.audited(is_same=False, judge_error=0.0)

    change = promise.after_verdict()
    assert change is not None
    assert (change.old, change.new) == ("serving", "shadow")
    assert "3 of the last 3 audited hits were wrong" in change.why


def test_one_wrong_audit_does_not() -> None:
    promise = serving()
    promise.audited(is_same=False, judge_error=0.0)

    assert promise.after_verdict() is None


@pytest.mark.parametrize(("judge_error", "alarms"), [(0.05, False), (0.0, True)])
def test_wrong_verdicts_as_many_as_the_judge_errs_do_not(judge_error: float, alarms: bool) -> None:
    promise = serving()
    changes = []
    for n in range(100):
        promise.audited(is_same=n % 10 != 0, judge_error=judge_error)
        changes.append(promise.after_verdict())

    assert any(changes) is alarms


def test_audits_that_keep_the_budget_raise_no_alarm() -> None:
    promise = serving()
    for n in range(500):
        promise.audited(is_same=n % 50 != 0, judge_error=0.0)
        assert promise.after_verdict() is None


def test_reports_end_serving_by_their_share_of_the_hits() -> None:
    promise = serving()
    for _ in range(500):
        promise.served()
    for _ in range(10):
        promise.reported()
    assert promise.after_verdict() is None  # 2 % of them
    for _ in range(20):
        promise.reported()

    change = promise.after_verdict()
    assert change is not None
    assert "30 of the last 500 hits were reported wrong" in change.why


def test_one_verdict_among_many_audits_without_is_a_mute_judge() -> None:
    promise = serving(mode="auto")
    changes = []
    for n in range(60):
        if n == 5:
            promise.audited(is_same=1.0, judge_error=0.0)
        changes.append(promise.untold())

    change = next(change for change in changes if change is not None)
    assert change.why == "the judge gave no verdict on 49 of the last 50 audited hits"
    assert (
        promise.missing(GOOD, has_cut=True) == "the judge gave no verdict on 50 of the last 50 audited hits"
    )


def test_a_judge_that_tells_of_every_other_audit_will_do() -> None:
    promise = serving(mode="auto")
    for _ in range(200):
        promise.audited(is_same=1.0, judge_error=0.0)
        assert promise.untold() is None
    assert promise.missing(GOOD, has_cut=True) == ""


def test_serve_goes_on_with_a_mute_judge_and_says_so() -> None:
    promise = serving(mode="serve")
    assert [promise.untold() for _ in range(60)] == [None] * 60

    assert "no verdict on 50 of the last 50" in promise.missing(GOOD, has_cut=True)
    assert promise.audit_share == 0.02


@given(st.lists(st.floats(0, 1), max_size=60))
def test_an_unsure_audit_never_alarms_more_than_a_wrong_one(verdicts: list[float]) -> None:
    unsure, sure = serving(), serving()
    for is_same in verdicts:
        unsure.audited(is_same=is_same, judge_error=0.0)
        sure.audited(is_same=0.0 if is_same < 1 else 1.0, judge_error=0.0)

    assert unsure.after_verdict() is None or sure.after_verdict() is not None
    assert unsure.audit_share <= sure.audit_share


def test_old_reports_are_forgotten() -> None:
    promise = serving()
    for _ in range(20):
        promise.served()
    promise.reported()
    for _ in range(600):
        promise.served()
    promise.reported()

    assert promise.after_verdict() is None


@given(st.integers(0, 200), st.integers(1, 200), st.floats(0.5, 3))
def test_bounds_hold_the_share(n_wrong: int, n: int, z: float) -> None:
    n_wrong = min(n_wrong, n)
    low, high = bounds(n_wrong, n, z=z)

    assert 0 <= low <= n_wrong / n + 1e-12
    assert n_wrong / n - 1e-12 <= high <= 1


@given(st.floats(0, 1), st.floats(0, 0.49))
def test_a_true_share_is_found_through_the_judge(share: float, judge_error: float) -> None:
    judged = judge_error + (1 - 2 * judge_error) * share

    assert without_judge_error(judged, judge_error) == pytest.approx(share, abs=1e-9)
