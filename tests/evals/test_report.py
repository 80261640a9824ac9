"""The report is a pure function of the outcomes."""

from __future__ import annotations

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.entries import Header, Outcome
from stepwell.evals.report import make_report


def outcome(tier: str, row: int, score: float | None, **more: object) -> Outcome:
    fields = {"key": f"{tier}{row}", "ask": "", "row": str(row), "tier": tier, "score": score, **more}
    return Outcome(**fields)  # type: ignore[arg-type]


def two_tiers(n_only_a: int, n_only_b: int, n_both: int) -> list[Outcome]:
    rights = [(1, 0)] * n_only_a + [(0, 1)] * n_only_b + [(1, 1)] * n_both
    return [outcome(t, i, float(r[k])) for i, r in enumerate(rights) for k, t in enumerate("ab")]


some_outcomes = st.lists(
    st.builds(
        outcome,
        st.sampled_from("abc"),
        st.integers(0, 30),
        st.sampled_from([None, 0.0, 0.1, 0.3, 1.0]),
        nano_usd=st.integers(0, 10**12),
        ms=st.floats(0, 1e4),
    ),
    unique_by=lambda o: o.key,
)


@given(some_outcomes, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(outcomes: list[Outcome], rng: random.Random) -> None:
    shuffled = outcomes.copy()
    rng.shuffle(shuffled)
    report = make_report(None, outcomes)
    assert make_report(None, shuffled) == report
    assert sum(t.cost_nano_usd for t in report.tiers) == sum(o.nano_usd for o in outcomes)
    assert json.loads(json.dumps(report.as_dict()))["n_ended"] == len(outcomes)


def test_errors_are_no_wrong_answers() -> None:
    outcomes = [outcome("a", i, 1.0) for i in range(19)] + [
        outcome("a", 19, None, error="tier_timeout", nano_usd=5)
    ]
    tier = make_report(None, outcomes).tiers[0]
    assert (tier.quality, tier.n_rows, tier.cost_nano_usd) == (1.0, 19, 5)
    assert tier.errors == {"tier_timeout": 1}


def test_repeats_of_a_row_count_as_one_row() -> None:
    outcomes = [outcome("a", 1, float(k == 0), repeat=k) for k in range(4)] + [outcome("a", 2, 1.0)]
    tier = make_report(None, outcomes).tiers[0]
    assert (tier.quality, tier.n_rows, tier.n_scored) == ((0.25 + 1) / 2, 2, 5)


def test_latency_is_the_nearest_rank() -> None:
    outcomes = [outcome("a", i, 1.0, ms=float(i + 1)) for i in range(200)]
    tier = make_report(None, outcomes).tiers[0]
    assert (tier.p50_ms, tier.p95_ms, tier.p99_ms) == (100.0, 190.0, 198.0)


def test_a_pair_says_better_worse_or_need_more() -> None:
    (better,) = make_report(None, two_tiers(20, 2, 50)).pairs
    (worse,) = make_report(None, two_tiers(2, 20, 50)).pairs
    (unsure,) = make_report(None, two_tiers(3, 6, 50)).pairs
    assert (better.word, worse.word, unsure.word) == ("better", "worse", "need more")
    assert (better.n_only_a, better.n_only_b, better.n_rows) == (20, 2, 72)
    assert better.difference == 18 / 72
    assert better.n_more is None
    assert unsure.n_more is not None
    assert unsure.n_more > 50


def test_only_common_rows_are_compared() -> None:
    outcomes = [outcome("a", 1, 1.0), outcome("a", 2, 1.0), outcome("b", 2, 1.0), outcome("b", 3, 0.0)]
    (pair,) = make_report(None, outcomes).pairs
    assert (pair.n_rows, pair.difference) == (1, 0.0)


def test_tiers_come_in_the_order_they_were_named() -> None:
    outcomes = [outcome(t, 1, 1.0) for t in "abcd"]
    report = make_report(Header("s", "", 4, ("d", "never asked", "b")), outcomes)
    assert [t.tier for t in report.tiers] == ["d", "b", "a", "c"]
    assert [(p.a, p.b) for p in report.pairs][:2] == [("d", "b"), ("d", "a")]


def test_with_several_pairs_interval_and_p_say_the_same() -> None:
    rights = [(1, 0, 0)] * 8 + [(0, 1, 1)] + [(1, 1, 1)] * 151
    outcomes = [outcome(arm, n, float(r[k])) for n, r in enumerate(rights) for k, arm in enumerate("abc")]
    for pair in make_report(None, outcomes).pairs:
        assert pair.is_close or (pair.p < 0.05) != (pair.low <= 0 <= pair.high)
