"""Pairs while a run is on its way."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.evals.verdict.fixed import compare
from stepwell.evals.verdict.looks import Looks
from stepwell.evals.verdict.sequential import look, may_stop

ByArm = dict[str, dict[str, float]]


def drawn(n: int, *quality: float, seed: int = 0, graded: bool = False) -> tuple[ByArm, list[str]]:
    rng = random.Random(seed)
    order = [str(i) for i in range(n)]
    by_arm = {
        f"arm{k}": {
            i: min(1.0, max(0.0, rng.gauss(q, 0.3))) if graded else float(rng.random() < q) for i in order
        }
        for k, q in enumerate(quality)
    }
    return by_arm, order


def first(by_arm: ByArm, rows: list[str]) -> ByArm:
    return {arm: {row: of[row] for row in rows if row in of} for arm, of in by_arm.items()}


def test_a_plain_difference_stops_the_run() -> None:
    by_arm, order = drawn(400, 0.8, 0.4)
    (pair,) = look(by_arm, order, Looks(400))
    assert pair.word == "better"
    assert pair.is_early
    assert pair.n_rows < 200
    assert pair.low > 0
    assert pair.p <= 0.05
    assert may_stop([pair]) == {"arm0", "arm1"}


@pytest.mark.parametrize("graded", [False, True])
def test_what_comes_after_the_stop_changes_nothing(graded: bool) -> None:
    by_arm, order = drawn(300, 0.75, 0.45, graded=graded)
    looks = Looks(300)
    (whole,) = look(by_arm, order, looks)
    (stopped,) = look(first(by_arm, order[: whole.n_rows]), order, looks)
    assert whole.is_early
    assert stopped == whole


def test_a_look_waits_for_all_of_its_rows() -> None:
    by_arm, order = drawn(100, 0.9, 0.2)
    looks = Looks(100, n_looks=5, first=None)
    del by_arm["arm0"][order[3]]
    (waiting,) = look(by_arm, order, looks)
    assert (waiting.look, waiting.word) == (0, "need more")
    assert (waiting.p, waiting.low, waiting.high) == (1.0, -1.0, 1.0)
    assert may_stop([waiting]) == frozenset()
    ended = {arm: set(order) for arm in by_arm}  # it ended, as an error
    (judged,) = look(by_arm, order, looks, ended=ended)
    assert judged.word == "better"
    assert judged.n_rows == 20 * (judged.look or 0) - 1


def test_an_undecided_run_needs_more() -> None:
    by_arm, order = drawn(120, 0.5, 0.5, seed=2)
    looks = Looks(120)
    (pair,) = look(first(by_arm, order[:60]), order, looks)
    assert pair.word == "need more"
    assert pair.is_early
    assert pair.n_more is not None
    (end,) = look(by_arm, order, looks)
    assert end.look == end.n_looks == len(looks.at)
    assert not end.is_early
    assert end.low <= 0 <= end.high


def test_one_look_at_the_end_is_the_fixed_verdict() -> None:
    by_arm, order = drawn(150, 0.6, 0.45)
    (at_end,) = look(by_arm, order, Looks(150, n_looks=1))
    (fixed,) = compare(by_arm)
    assert (at_end.word, at_end.difference) == (fixed.word, fixed.difference)
    assert at_end.p == pytest.approx(fixed.p)
    assert (at_end.low, at_end.high) == pytest.approx((fixed.low, fixed.high), abs=1e-4)


def test_arms_alike_stop_as_tied() -> None:
    by_arm, order = drawn(3000, 0.9)
    twin = dict(by_arm["arm0"])
    twin[order[5]] = 1 - twin[order[5]]
    (pair,) = look({**by_arm, "twin": twin}, order, Looks(3000), margin=0.03)
    assert pair.word == "tied"
    assert pair.is_early
    assert -0.03 <= pair.low <= pair.high <= 0.03


def test_settled_pairs_hand_their_chance_on() -> None:
    by_arm, order = drawn(200, 0.9, 0.5, 0.1, seed=3)
    pairs = look(by_arm, order, Looks(200))
    assert [p.word for p in pairs] == ["better"] * 3
    against = look(by_arm, order, Looks(200), baseline="arm1")
    assert [(p.a, p.word) for p in against] == [("arm0", "better"), ("arm2", "worse")]
    assert max(p.p for p in pairs) <= 0.05


def test_an_arm_stops_once_all_its_pairs_are_settled() -> None:
    by_arm, order = drawn(60, 0.95, 0.95, 0.05, seed=1)
    pairs = look(by_arm, order, Looks(60))
    words = {(p.a, p.b): p.word for p in pairs}
    assert words["arm0", "arm1"] == "need more"
    assert words["arm0", "arm2"] == words["arm1", "arm2"] == "better"
    assert may_stop(pairs) == {"arm2"}


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.5, 0.7]), st.booleans(), st.integers(30, 90))
def test_either_side_sees_the_same(seed: int, quality: float, graded: bool, n: int) -> None:
    by_arm, order = drawn(n, 0.5, quality, seed=seed, graded=graded)
    looks = Looks(n, n_looks=6)
    (pair,) = look(by_arm, order, looks)
    (back,) = look({"arm1": by_arm["arm1"], "arm0": by_arm["arm0"]}, order, looks)
    back = back.seen_from("arm0")
    assert (back.word, back.look, back.n_rows) == (pair.word, pair.look, pair.n_rows)
    assert (back.low, back.high) == pytest.approx((pair.low, pair.high), abs=1e-5)
    assert back.p == pytest.approx(pair.p)
    assert 0 <= pair.p <= 1
    assert pair.low - 1e-6 <= pair.high


@pytest.mark.parametrize("graded", [False, True])
def test_arms_that_are_the_same_are_seldom_told_apart(graded: bool) -> None:
    looks, n_false, n_held = Looks(80, n_looks=8), 0, 0
    for seed in range(400):
        by_arm, order = drawn(80, 0.6, 0.6, seed=seed, graded=graded)
        (pair,) = look(by_arm, order, looks)
        n_false += pair.is_decided
        n_held += pair.low <= 0 <= pair.high
    assert n_false / 400 <= 0.07
    assert n_held / 400 >= 0.92


def test_clusters_on_the_way() -> None:
    by_arm, order = drawn(200, 0.9, 0.3)
    clusters = {row: str(int(row) // 10) for row in order}
    random.Random(0).shuffle(order)
    (pair,) = look(by_arm, order, Looks(200), clusters=clusters)
    assert "clusters" in pair.method
    assert pair.word == "better"
