"""The gate over made-up traffic whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from stepwell.memory.cache.gate.gate import Choice, Gate
from stepwell.memory.cache.gate.near import Near
from stepwell.memory.cache.gate.promise import Change, Mode
from stepwell.memory.cache.judgement import Judgement, Source


@dataclass
class Traffic:
    """Requests with one neighbour each: the nearer, the likelier that its answer would do."""

    gate: Gate
    steepness: float = 12.0
    judge_error: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.log: list[Judgement] = []
        self.changes: list[Change] = []
        self.hits: list[bool] = []  # whether each was wrong

    def request(self, *, always_wrong: bool = False) -> None:
        similarity = float(self.rng.uniform(0.3, 1.0))
        p = 1 / (1 + np.exp(-self.steepness * (similarity - 0.65)))
        is_same = bool(self.rng.random() < p) and not always_wrong
        choice = self.gate.choose([Near("a", similarity), Near("b", 0.2)], {}, {})
        assert choice is not None
        source: Source = "miss"
        if self.gate.is_serving and choice.would_serve:
            if not self.gate.wants_audit(choice):
                self.hits.append(not is_same)
                return
            source = "audit"
        self.judge(choice, source, bool(is_same ^ (self.rng.random() < self.judge_error)))

    def judge(self, choice: Choice, source: Source, is_same: bool) -> None:
        share = choice.audit_share if source == "audit" else 1.0
        judgement = Judgement(0.0, source, choice.features, choice.p_same, choice.would_serve, is_same, share)
        self.log.append(judgement)
        self.note(self.gate.learn(judgement))
        if self.gate.refit_due:
            self.note(self.gate.refit())

    def note(self, change: Change | None) -> None:
        if change is not None:
            self.changes.append(change)

    def run(self, n: int, *, always_wrong: bool = False) -> Traffic:
        for _ in range(n):
            self.request(always_wrong=always_wrong)
        return self

    @property
    def error(self) -> float:
        return sum(self.hits) / max(1, len(self.hits))


@pytest.mark.parametrize("mode", ["auto", "serve"])
@pytest.mark.parametrize("max_error", [0.02, 0.05])
def test_keeps_the_budget_and_serves_what_it_can(mode: Mode, max_error: float) -> None:
    found = [
        Traffic(Gate(max_error, mode, seed=seed), seed=seed, steepness=25.0).run(2500) for seed in range(3)
    ]

    n_hits = sum(len(traffic.hits) for traffic in found)
    assert sum(sum(traffic.hits) for traffic in found) / n_hits <= 1.25 * max_error
    assert n_hits > 0.2 * 3 * 2500


def test_shadow_serves_nothing_and_still_learns() -> None:
    traffic = Traffic(Gate(0.05, "shadow"), steepness=25.0).run(1000)

    assert not traffic.hits
    assert not traffic.changes
    report = traffic.gate.report()
    assert report.state == "shadow"
    assert report.n_judged == 1000
    assert report.hit_share > 0.2
    assert report.missing == "nothing but leave to serve"


def test_a_budget_out_of_reach_stays_in_shadow_and_says_why() -> None:
    traffic = Traffic(Gate(0.01, "auto"), steepness=3.0).run(1500)

    assert not traffic.hits
    assert "1 %" in traffic.gate.report().missing


def test_a_judge_that_errs_more_than_the_budget_allows_does_not_stop_it() -> None:
    exact = Traffic(Gate(0.05, "auto", seed=1), steepness=25.0).run(3000)
    erring = Traffic(Gate(0.05, "auto", judge_error=0.05, seed=1), steepness=25.0, judge_error=0.05).run(3000)

    assert len(erring.hits) >= 0.8 * len(exact.hits)
    assert erring.error <= 1.25 * 0.05


def test_a_judge_thought_to_err_is_not_let_off() -> None:
    found = [
        Traffic(Gate(0.05, "auto", judge_error=0.05, seed=seed), seed=seed).run(3000) for seed in range(10)
    ]

    hits = [was_wrong for traffic in found for was_wrong in traffic.hits]
    assert sum(hits) / len(hits) <= 1.25 * 0.05


@pytest.mark.parametrize("n_before", [0, 1000])
def test_all_wrong_ends_within_a_few_hits_of_the_first_wrong_audit(n_before: int) -> None:
    gate = Gate(0.02, "serve", seed=n_before)
    n_served, n_after_first = 0, 0
    was_audited = False
    for n in range(2 * n_before + 2000):
        choice = gate.choose([Near("a", 1.0, 8.0), Near("b", 0.2, -8.0)], {}, {})
        assert choice is not None
        is_same = float(n < n_before)
        if not gate.wants_audit(choice):
            n_served += n >= n_before
            n_after_first += was_audited
            continue
        was_audited |= is_same == 0.0
        gate.learn(
            Judgement(0.0, "audit", choice.features, 0.99, choice.would_serve, is_same, choice.audit_share)
        )
        if not gate.is_serving:
            break

    assert not gate.is_serving
    assert n_after_first < 40
    assert n_served < 250


@pytest.mark.parametrize("mode", ["auto", "serve"])
def test_steps_back_when_answers_go_wrong(mode: Mode) -> None:
    traffic = Traffic(Gate(0.05, mode, seed=1, audit_share=0.1), steepness=25.0).run(1500)
    n_before = len(traffic.hits)
    traffic.run(1500, always_wrong=True)

    assert n_before > 100
    assert len(traffic.hits) - n_before < 150
    assert not traffic.gate.is_serving or not any(
        choice.would_serve for choice in [traffic.gate.choose([Near("a", 0.95)], {}, {})] if choice
    )


def test_reports_teach_and_count_even_where_nothing_else_is_known() -> None:
    gate = Gate(0.02, "serve")
    for _ in range(60):
        gate.choose([Near("a", 1.0, 8.0), Near("b", 0.2, -8.0)], {}, {})
    changes = [gate.learn(Judgement(0.0, "report", (), 0.99, True, False)) for _ in range(8)]

    assert any(change is not None and change.new == "shadow" for change in changes)
    assert gate.report().n_judged == 0


def test_evidence_read_back_serves_as_before() -> None:
    first = Traffic(Gate(0.05, "auto", seed=1), steepness=25.0).run(2000)
    second = Gate(0.05, "auto", seed=1)
    second.replay(first.log)

    assert second.is_serving
    now, then = second.report(), first.gate.report()
    assert now.n_judged == then.n_judged
    assert now.error == then.error
    assert now.hit_share == pytest.approx(then.hit_share, abs=0.1)


def test_evidence_of_another_version_is_passed_over() -> None:
    gate = Gate(0.05)
    gate.replay([Judgement(0.0, "miss", (1.0, 2.0), 0.5, False, True)] * 50)

    assert gate.report().n_judged == 0
    assert not gate.refit_due


def test_no_neighbour_no_choice() -> None:
    assert Gate(0.05).choose([], {}, {}) is None


def test_rivals_are_the_other_answers_likeliest_first() -> None:
    choice = Gate(0.05).choose([Near("a", 0.9), Near("b", 0.85), Near("c", 0.4), Near("a", 0.3)], {}, {})

    assert choice is not None
    assert choice.answer_id == "a"
    assert choice.rivals == ("b", "c")


def test_before_any_verdict_only_sure_hits_are_served() -> None:
    gate = Gate(0.02, "serve")
    sure = gate.choose([Near("a", 0.99, 8.0), Near("b", 0.5, -8.0)], {}, {})
    close = gate.choose([Near("a", 0.97, 0.0), Near("b", 0.96, 0.0)], {}, {})

    assert sure is not None
    assert close is not None
    assert close.p_same < sure.p_same
    assert not close.would_serve


@pytest.mark.parametrize(
    ("p_same", "is_same", "expected"), [(0.01, True, False), (0.9, True, True), (0.5, False, False)]
)
def test_a_doubtful_verdict_does_not_make_an_alias(p_same: float, is_same: bool, expected: bool) -> None:
    choice = Choice("a", 0.8, p_same, (), False, 0.02)

    assert Gate(0.05, judge_error=0.05).is_alias(choice, is_same=is_same) is expected
    assert Gate(0.05).is_alias(choice, is_same=is_same) is is_same


def test_audits_are_drawn_at_their_share_and_from_the_seed() -> None:
    choice = Choice("a", 0.9, 0.99, (), True, 0.02)
    drawn = [
        [gate.wants_audit(choice) for _ in range(5000)] for gate in (Gate(0.05, seed=3), Gate(0.05, seed=3))
    ]

    assert drawn[0] == drawn[1]
    assert 60 < sum(drawn[0]) < 145


def test_the_report_counts_audits_for_the_hits_they_stand_for() -> None:
    gate = Gate(0.4, "shadow", audit_share=0.02)
    choice = gate.choose([Near("a", 0.9), Near("b", 0.5)], {}, {})
    assert choice is not None
    for n in range(60):
        gate.learn(Judgement(0.0, "miss", choice.features, 0.9, True, n % 2 == 0))
    gate.learn(Judgement(0.0, "audit", choice.features, 0.9, True, True, share=0.02))

    report = gate.report()
    assert report.n_hits_judged == 61
    assert report.error == pytest.approx(30 / 110)
    assert report.error_low < 30 / 110 < report.error_high


@pytest.mark.parametrize("max_error", [-0.1, 0.0, 0.5, 1.0, float("nan")])
def test_a_budget_that_means_nothing_is_refused(max_error: float) -> None:
    with pytest.raises(ValueError, match="max_error"):
        Gate(max_error)


def test_a_judge_no_better_than_a_coin_is_refused() -> None:
    with pytest.raises(ValueError, match="judge_error"):
        Gate(0.02, judge_error=0.5)


def test_a_probability_counts_as_a_fraction_of_a_verdict() -> None:
    whole, halves = Gate(0.05, "shadow"), Gate(0.05, "shadow")
    for n in range(100):
        choice = whole.choose([Near("a", 0.5 + n / 250), Near("b", 0.2)], {}, {})
        halves.choose([Near("a", 0.5 + n / 250), Near("b", 0.2)], {}, {})
        assert choice is not None
        for gate, verdicts in ((whole, (1.0, 0.0)), (halves, (0.5, 0.5))):
            for is_same in verdicts:
                gate.learn(Judgement(0.0, "miss", choice.features, 0.9, True, is_same))
    whole.refit()
    halves.refit()

    assert halves.report().error == pytest.approx(0.5)
    assert halves.report().error == whole.report().error
    near = [Near("a", 0.9), Near("b", 0.2)]
    first, second = whole.choose(near, {}, {}), halves.choose(near, {}, {})
    assert first is not None
    assert second is not None
    assert first.p_same == pytest.approx(second.p_same, abs=1e-3)


@pytest.mark.parametrize(("p_same", "is_same", "expected"), [(0.9, 0.4, True), (0.5, 0.4, False)])
def test_an_unsure_verdict_is_weighed_with_what_was_thought_before(
    p_same: float, is_same: float, expected: bool
) -> None:
    assert Gate(0.05).is_alias(Choice("a", 0.8, p_same, (), False, 0.02), is_same=is_same) is expected


def test_more_is_audited_until_the_first_audits_are_in_and_after_a_wrong_one() -> None:
    gate = Gate(0.02, "serve", audit_share=0.02)

    def audit(n: int, is_same: float) -> float:
        for _ in range(n):
            choice = gate.choose([Near("a", 1.0, 8.0), Near("b", 0.2, -8.0)], {}, {})
            assert choice is not None
            gate.learn(Judgement(0.0, "audit", choice.features, 0.99, True, is_same, choice.audit_share))
        choice = gate.choose([Near("a", 1.0, 8.0), Near("b", 0.2, -8.0)], {}, {})
        assert choice is not None
        return choice.audit_share

    assert audit(0, 1.0) == 0.2
    assert audit(40, 1.0) == 0.02
    assert audit(1, 0.5) == 0.2
    assert audit(40, 1.0) == 0.02
    gate.learn(Judgement(0.0, "report", (), 0.99, True, 0.0))
    assert audit(0, 1.0) == 0.2


def test_who_wants_no_audits_gets_none() -> None:
    choice = Gate(0.02, "serve", audit_share=0.0).choose([Near("a", 0.9)], {}, {})

    assert choice is not None
    assert choice.audit_share == 0.0


def test_a_judge_that_falls_silent_ends_serving() -> None:
    traffic = Traffic(Gate(0.05, "auto", seed=1), steepness=25.0).run(1500)
    gate = traffic.gate
    assert gate.is_serving
    choice = gate.choose([Near("a", 0.95), Near("b", 0.2)], {}, {})
    assert choice is not None
    changes = [gate.untold(choice) for _ in range(20)]

    assert [change is not None for change in changes].count(True) == 1
    assert not gate.is_serving
    assert "gave no verdict on" in gate.report().missing
    traffic.run(300)  # it speaks again
    assert gate.is_serving
    assert gate.report().missing == ""
