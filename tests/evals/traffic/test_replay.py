"""A log decided again: what changes, what it costs, and what can be said of its quality."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.config import Config
from stepwell.base.errors import ConfigError
from stepwell.evals.traffic.costs import Costs
from stepwell.evals.traffic.features import Learnt
from stepwell.evals.traffic.known import verdict_of
from stepwell.evals.traffic.redecide import NewPolicy, Redecided, cold_policy, redecide
from stepwell.evals.traffic.replay import ReplayReport, replayed
from stepwell.evals.traffic.settle import settle
from stepwell.front.cli.eval_traffic_told import tell_replay
from stepwell.traffic_line import Logged, Needs
from tests.support.outcome_rows import made
from tests.support.traffic import decided, logged


def report(found: list[Redecided], **more: Any) -> ReplayReport:
    return replayed(found, policy="p", n_logged=len(found), **more)


def moved(old: str, new: str | None, n: int = 1, **more: Any) -> list[Redecided]:
    """Requests that a policy would move; expected at ten times the price on the dear tier."""
    usd = {"weak": 0.0001, "strong": 0.001}
    values: dict[str, Any] = {"tier": old, "served": old, "cost_usd": usd[old], "is_whole": True} | more
    return [Redecided(Logged(f"{old}-{new}-{i}", **values), old, new, expected_usd=usd) for i in range(n)]


def test_hard_asks_move_up_and_easy_ones_stay(policy: NewPolicy) -> None:
    rows = made(100, seed=1)
    found = decided(policy, [logged(row, "weak") for row in rows])
    moves = Counter(
        (int(row["prompt"].startswith("Prove")), f.new) for row, f in zip(rows, found, strict=True)
    )
    assert moves[0, "weak"] >= 48
    assert moves[1, "strong"] >= 48
    assert 0.45 < report(found).share_changed < 0.55


def test_features_with_words_decide_as_text_does(policy: NewPolicy) -> None:
    rows = made(100, seed=2)
    texts = decided(policy, [logged(row, "weak") for row in rows])
    features = decided(policy, [logged(row, "weak", is_text=False) for row in rows])
    assert [a.new for a in texts] == [b.new for b in features]
    assert [a.features.keys for a in texts if a.features] == [b.features.keys for b in features if b.features]
    assert report(features).n_wordless == 0


def test_a_replay_says_where_words_were_not_kept(policy: NewPolicy) -> None:
    rows = [logged(row, "weak", is_text=False, words=b"") for row in made(20, seed=2)]
    assert report(decided(policy, rows)).n_wordless == 20


def test_what_no_policy_decided_is_left_out(policy: NewPolicy) -> None:
    (row,) = made(1, seed=3)
    rows = [
        logged(row, "weak", policy="pinned"),
        logged(row, "", cache="hit"),
        logged(row, "weak", messages=()),
        logged(row, "weak", is_text=False, traits_hash="older"),
    ]
    found = decided(policy, rows)
    assert [f.why_not for f in found] == ["neither text nor features"] * 2
    told = replayed(found, policy="p", n_logged=4)
    assert told.left_out == {
        "neither text nor features": 2,
        "pinned, from the cache, or failed before routing": 2,
    }
    assert told.exit_code == 3


def test_a_tier_that_a_rule_barred_stays_barred(policy: NewPolicy) -> None:
    rows = [r for r in made(40, seed=4) if r["prompt"].startswith("Prove")]
    barred = {"weak": "chosen", "strong": "keep_to"}
    found = decided(policy, [logged(row, "weak", states=barred) for row in rows])
    assert {f.new for f in found} == {"weak"}
    free = decided(policy, [logged(row, "weak", states={"strong": "fallback"}) for row in rows])
    assert "strong" in {f.new for f in free}


def test_needs_are_asked_for_again() -> None:
    tiers: dict[str, Any] = {
        "small": {"model": "fake/s", "usd_per_1m_input": 0.1, "usd_per_1m_output": 0.1, "quality": 0.9},
        "large": {"model": "fake/l", "usd_per_1m_input": 9, "usd_per_1m_output": 9, "quality": 0.95},
    }
    for tier in tiers.values():
        tier |= {"kind": "stepwell.testing:FakeTier", "window_tokens": 8192}
    tiers["large"]["capabilities"] = ["tools"]
    tiers["small"]["capabilities"] = []
    cold = cold_policy(Config.make({"tiers": tiers}))
    (row,) = made(1, seed=5)
    plain, tools = decided(cold, [logged(row, "large"), logged(row, "large", needs=Needs(has_tools=True))])
    assert (plain.new, tools.new) == ("small", "large")
    (blind,) = decided(cold, [logged(row, "large", is_text=False)])
    assert blind.why_not == "no text, and the policy reads it"


def test_an_explored_request_counts_as_the_policys_own_choice(policy: NewPolicy) -> None:
    (row,) = [r for r in made(2, seed=6) if not r["prompt"].startswith("Prove")]
    (found,) = decided(policy, [logged(row, "strong", own="weak", is_explored=True)])
    assert (found.old, found.new, found.is_changed) == ("weak", "weak", False)


# ---- cost


def test_what_stays_costs_what_it_did_and_what_moves_what_recorded_calls_say() -> None:
    found = (
        moved("weak", "weak", 50)
        + moved("strong", "strong", 50, cost_usd=0.002)
        + moved("weak", "strong", 20)
    )
    change = Costs(found).change(found)
    assert (change.n_recorded, change.n_expected, change.unseen) == (100, 20, ())
    assert change.old_usd == pytest.approx(70 * 0.0001 + 50 * 0.002)
    # strong calls cost twice what was expected of them
    assert change.new_usd == pytest.approx(50 * 0.0001 + 50 * 0.002 + 20 * 0.002)
    assert change.low_usd == pytest.approx(change.new_usd) == pytest.approx(change.high_usd)


def test_a_tier_without_recorded_calls_widens_the_interval() -> None:
    found = moved("weak", "strong", 20)
    change = Costs(found).change(found)
    assert change.unseen == ("strong",)
    assert (change.low_usd, change.high_usd) == pytest.approx((20 * 0.0005, 20 * 0.002))


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["weak", "strong"]), st.sampled_from(["weak", "strong", None]), st.floats(0, 1)
        ),
        max_size=40,
    )
)
def test_nothing_that_changes_nothing_costs_more(cases: list[tuple[str, str | None, float]]) -> None:
    found = [f for old, new, usd in cases for f in moved(old, new, cost_usd=usd)]
    change = Costs(found).change(found)
    assert change.low_usd <= change.new_usd <= change.high_usd
    assert change.n_recorded + change.n_expected == sum(f.new is not None for f in found)
    if not any(f.is_changed for f in found):
        assert change.new_usd == change.old_usd


# ---- verdict


def with_both(n: int, new_right: float, old_right: float, seed: int = 0) -> list[Redecided]:
    rng = random.Random(seed)
    rows = [
        {"strong": float(rng.random() < old_right), "weak": float(rng.random() < new_right)} for _ in range(n)
    ]
    found = moved("strong", "weak", n)
    return [scored(f, i, scores) for i, (f, scores) in enumerate(zip(found, rows, strict=True))]


def scored(f: Redecided, i: int, scores: dict[str, float]) -> Redecided:
    row = msgspec.structs.replace(f.row, id=f"b{i}", scores=scores)
    return Redecided(row, f.old, f.new, expected_usd=f.expected_usd)


def test_no_change_is_a_tie_once_the_rows_rule_out_that_more_would_change() -> None:
    told = report(moved("weak", "weak", 300))
    assert told.pair is not None
    assert (told.pair.word, told.exit_code, told.settle) == ("tied", 0, None)
    few = report(moved("weak", "weak", 30))
    assert few.pair is not None
    assert (few.pair.word, few.exit_code) == ("need more", 2)
    assert few.pair.high > 0.1
    assert few.pair.n_more is not None
    assert report(moved("weak", "weak", 30 + few.pair.n_more)).exit_code == 0
    assert report(moved("weak", "weak", 29 + few.pair.n_more)).exit_code == 2


def test_one_fresh_row_that_stays_does_not_pass_a_policy_that_learnt_from_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen, fresh = moved("strong", "weak", 999), moved("weak", "weak")
    told = report(seen + fresh, learnt=Learnt([f.row.id for f in seen]))
    assert told.pair is not None
    assert (told.n_in_sample, told.pair.n_rows, told.pair.word, told.exit_code) == (999, 1, "need more", 2)
    tell_replay(told)
    said = capsys.readouterr().out
    assert "999 requests that the policy learnt from are no part of the verdict" in said
    assert "188 more requests" in said


def test_a_worse_policy_is_worse_and_a_like_one_passes() -> None:
    stay = moved("weak", "weak", 100)
    worse = report(stay + with_both(200, 0.3, 0.9))
    assert worse.pair is not None
    assert (worse.pair.word, worse.exit_code, worse.settle) == ("worse", 1, None)
    # rows that stay count: the difference is over all traffic
    assert worse.pair.n_rows == 300
    assert worse.pair.difference == pytest.approx(-0.6 * 2 / 3, abs=0.1)
    same = [scored(f, i, {"weak": 1.0, "strong": 1.0}) for i, f in enumerate(moved("strong", "weak", 200))]
    assert report(stay + same).exit_code == 0


def test_a_share_of_scores_stands_for_the_same_share_of_rows_that_stay() -> None:
    stay, changed = moved("weak", "weak", 300), moved("strong", "weak", 300)
    both = [scored(f, i, {"weak": 0.0, "strong": 1.0}) for i, f in enumerate(changed[:100])]
    told = report(stay + both + changed[100:])
    assert told.pair is not None
    assert (told.pair.n_rows, told.pair.difference) == (200, -0.5)


def explored(n: int, rng: random.Random, *, odds: float = 0.2) -> list[Redecided]:
    """Half of the traffic moves from strong (right in 90 %) to weak (60 %); exploring draws the other at `odds`."""
    found = []
    for i in range(n):
        new = "weak" if rng.random() < 0.5 else "strong"
        drawn = "weak" if rng.random() < odds else "strong"
        score = float(rng.random() < (0.9 if drawn == "strong" else 0.6))
        row = Logged(
            f"e{i}",
            tier=drawn,
            own="strong" if drawn == "weak" else "",
            served=drawn,
            propensity={"strong": 1 - odds, "weak": odds},
            scores={drawn: score},
        )
        found.append(Redecided(row, "strong", new))
    return found


def test_explored_replies_tell_by_inverse_propensity_and_their_intervals_cover() -> None:
    rng = random.Random(7)
    pairs = [verdict_of(explored(300, rng), margin=0.02).pair for _ in range(100)]
    kept = [p for p in pairs if p is not None]
    assert len(kept) == 100
    covered = sum(p.low <= -0.15 <= p.high for p in kept) / 100
    assert 0.88 <= covered <= 0.99
    assert sum(p.difference for p in kept) / 100 == pytest.approx(-0.15, abs=0.015)
    assert {p.word for p in kept} <= {"worse", "need more"}


def of_one_score(n: int, new: float, old: float) -> list[Redecided]:
    """Explored replies, each tier's all of one score."""
    found = []
    for i in range(n):
        drawn = "weak" if i % 2 else "strong"
        scores = {drawn: new if drawn == "weak" else old}
        odds = {"strong": 0.5, "weak": 0.5}
        row = Logged(f"c{i}", tier=drawn, served=drawn, propensity=odds, scores=scores)
        found.append(Redecided(row, "strong", "weak"))
    return found


def test_replies_of_one_score_each_leave_an_error_whatever_the_score() -> None:
    pair = verdict_of(of_one_score(20, 0.71, 0.7), margin=None).pair
    assert pair is not None
    assert pair.word == "need more"
    assert pair.low < 0 < pair.high
    assert pair.p > 0.5
    far = verdict_of(of_one_score(60, 0.9, 0.1), margin=None).pair
    assert far is not None
    assert far.word == "better"
    assert far.p < 0.001


@settings(max_examples=50)
@given(st.lists(st.sampled_from([0.0, 0.5, 0.9, 1.0]), min_size=20, max_size=60), st.floats(0, 1))
def test_the_word_on_explored_replies_rests_on_p(scores: list[float], new: float) -> None:
    found = of_one_score(len(scores), new, 0.5)
    rows = [
        msgspec.structs.replace(f.row, scores={f.row.tier: s}) if f.row.tier == "strong" else f.row
        for f, s in zip(found, scores, strict=True)
    ]
    pair = verdict_of([Redecided(row, "strong", "weak") for row in rows], margin=None).pair
    assert pair is not None
    assert (pair.word in ("better", "worse")) == (pair.p <= 0.05) == (not pair.low <= 0 <= pair.high)


def test_what_the_policy_learnt_from_gives_no_verdict(policy: NewPolicy, policy_folder: Path) -> None:
    learnt = Learnt.of(policy_folder)
    rows = [logged(row, "strong", scores=row["scores"]) for row in made(240)]
    told = report(decided(policy, rows), learnt=learnt)
    assert (told.is_in_sample, told.n_in_sample, told.pair, told.exit_code) == (True, 240, None, 2)
    by_features = [logged(row, "strong", is_text=False, scores=row["scores"]) for row in made(240)]
    assert report(decided(policy, by_features), learnt=learnt).is_in_sample
    fresh = [logged(row, "strong", scores=row["scores"]) for row in made(200, seed=9)]
    told = report(decided(policy, [*rows, *fresh]), learnt=learnt)
    # of other asks that differ in a number a few have the same traits
    assert not told.is_in_sample
    assert 240 <= told.n_in_sample <= 245
    assert told.pair is not None
    assert told.pair.n_rows <= 200


def test_ids_tell_too_where_a_log_was_masked(policy: NewPolicy) -> None:
    rows = [logged(row, "strong") for row in made(5, seed=9)]
    learnt = Learnt(["req-9-0", "req-9-1"])
    assert report(decided(policy, rows), learnt=learnt).n_in_sample == 2


def test_a_policy_that_does_not_name_its_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tune again"):
        Learnt.of(tmp_path)


# ---- what would settle it


def test_only_rows_that_change_are_asked_and_only_tiers_without_an_answer() -> None:
    stay, changed = moved("weak", "weak", 900), moved("strong", "weak", 100, answer="kept")
    found = stay + changed
    missing = settle(found, Costs(found), margin=0.02, square=0.4, n_known=0)
    assert missing is not None
    assert {c.tier for c in missing.calls} == {"weak"}
    assert missing.usd == pytest.approx(missing.n_rows * 0.0001, rel=0.01)
    # twice as many changes, four times as many rows to look at
    wider = settle(
        moved("weak", "weak", 800) + moved("strong", "weak", 200),
        Costs(found),
        margin=0.02,
        square=0.4,
        n_known=0,
    )
    assert wider is not None
    assert wider.n_rows == pytest.approx(4 * missing.n_rows, rel=0.02)
    assert {c.tier for c in wider.calls} == {"weak", "strong"}


def test_as_many_rows_as_it_says_settle_it_in_nine_of_ten() -> None:
    rng = random.Random(3)
    changed = moved("strong", "weak", 400)
    stay = moved("weak", "weak", 1600)
    missing = settle(stay + changed, Costs(changed), margin=0.06, square=0.32, n_known=0)
    assert missing is not None
    n_settled = 0
    for _ in range(50):
        both = []
        for i in range(missing.n_rows):
            scores = {"weak": float(rng.random() < 0.8), "strong": float(rng.random() < 0.8)}
            both.append(scored(moved("strong", "weak")[0], i, scores))
        told = report(moved("weak", "weak", 4 * missing.n_rows) + both, margin=0.06)
        n_settled += told.exit_code == 0
    assert n_settled >= 40


def test_a_difference_near_the_margin_is_never_settled_by_no_rows() -> None:
    rows = [{"strong": float(i < 10), "weak": float(10 <= i < 30)} for i in range(1000)]
    found = [
        scored(f, i, s) for (i, s), f in zip(enumerate(rows), moved("strong", "weak", 1000), strict=True)
    ]
    told = report(found, margin=0.02)
    assert told.pair is not None
    assert told.pair.word == "need more"
    assert told.settle is not None
    assert told.settle.n_rows > 1000
    assert told.settle.n_rows == told.pair.n_more


def test_redecide_asks_for_no_embedder_it_does_not_need(policy: NewPolicy) -> None:
    assert list(redecide([], policy, lambda: pytest.fail("loaded"))) == []
