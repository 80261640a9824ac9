"""Drift is found where it is, and not where there is only noise."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.router.drift import Drift, DriftWatch, RankWatch, ScoreWatch, drift_of
from stepwell.router.outcomes import Scored

SEEDS = range(20)


def labels(seed: int, n: int, gap: float) -> list[Scored]:
    """Scores of 0 and 1 whose chance lies `gap` under p_ok."""
    rng = random.Random(seed)
    made = []
    for _ in range(n):
        p_ok = rng.betavariate(4, 1.5)
        score = float(rng.random() < min(max(p_ok - gap, 0), 1))
        made.append(Scored("local", score, p_ok, None, None, 0.0))
    return made


def test_a_calibrated_policy_raises_few_alarms() -> None:
    assert sum(drift_of(labels(seed, 1000, 0.0)).is_drifting for seed in SEEDS) <= 1


@pytest.mark.parametrize(("gap", "word"), [(0.25, "lower"), (-0.25, "higher")])
def test_worse_and_better_answers_are_found(gap: float, word: str) -> None:
    found = [drift_of(labels(seed, 300, gap)) for seed in SEEDS]
    assert sum(d.is_drifting for d in found) >= 18
    assert all(word in d.why for d in found if d.is_drifting)


def test_one_bad_answer_is_no_drift() -> None:
    watch = ScoreWatch()
    watch.add(0.0, 1.0)
    assert not watch.drift().is_drifting


def test_it_calms_down_when_scores_agree_again() -> None:
    watch = ScoreWatch()
    for label in labels(1, 200, 0.4):
        watch.add(label.score, label.p_ok or 0.0)
    assert watch.drift().is_drifting
    for label in labels(2, 300, 0.0):
        watch.add(label.score, label.p_ok or 0.0)
    assert not watch.drift().is_drifting


@pytest.mark.parametrize(("power", "is_drifting"), [(1.0, False), (1.1, False), (2.0, True), (0.5, True)])
def test_ranks_that_move_are_found(power: float, is_drifting: bool) -> None:
    for seed in SEEDS:
        rng, watch = random.Random(seed), RankWatch("need")
        for _ in range(500):
            watch.add(rng.random() ** power)
        assert watch.drift().is_drifting is is_drifting


def test_familiar_traffic_is_no_drift_of_novelty() -> None:
    near, far = RankWatch("novelty", only_up=True), RankWatch("novelty", only_up=True)
    for i in range(500):
        near.add(0.3 * i / 500)
        far.add(0.7 + 0.3 * i / 500)
    assert not near.drift().is_drifting
    assert far.drift().is_drifting
    assert "novelty is higher" in far.drift().why


def test_a_few_requests_say_nothing() -> None:
    watch = RankWatch("need")
    for _ in range(100):
        watch.add(1.0)
    assert not watch.drift().is_drifting


def test_only_the_last_requests_count() -> None:
    watch, rng = RankWatch("need", n_window=200), random.Random(0)
    for _ in range(1000):
        watch.add(1.0)
    for _ in range(200):
        watch.add(rng.random())
    assert not watch.drift().is_drifting


def test_a_watch_says_what_it_stands_on() -> None:
    watch = DriftWatch()
    assert watch.drift() == Drift(False, "nothing seen yet", 0)
    watch.saw(None, None)
    watch.heard(1.0, None)
    assert watch.drift() == Drift(False, "nothing seen yet", 0)
    watch.saw(0.5, None)
    watch.heard(1.0, 0.9)
    assert watch.drift().n == 2
    for _ in range(500):
        watch.saw(0.99, 0.99)
    said = watch.drift()
    assert said.is_drifting
    assert said.why.index("novelty") < said.why.index("need")


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=60))
def test_any_scores_and_ranks_are_taken(seen: list[tuple[float, float]]) -> None:
    watch = DriftWatch(n_window=20)
    for a, b in seen:
        watch.saw(a, b)
        watch.heard(a, b)
    said = watch.drift()
    assert said.why.isascii()
    assert said.n <= len(seen) + 40


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80))
def test_the_shift_is_the_distance_of_the_window(ranks: list[float]) -> None:
    watch = RankWatch("need", n_window=30)
    for rank in ranks:
        watch.add(rank)
    last = [min(int(r * 20), 19) for r in ranks[-30:]]
    gaps = [(i + 1) / 20 - sum(r <= i for r in last) / len(last) for i in range(19)]
    assert abs(watch.shift()) == pytest.approx(max(map(abs, gaps)))
