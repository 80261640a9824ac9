"""The share, or the dollars, that the dearest tier should get: held on any traffic."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.router.share import ShareControl

Draw = Callable[[random.Random], float]
TRAFFIC: dict[str, Draw] = {
    "even": lambda r: r.random(),
    "easy": lambda r: r.betavariate(1, 8),
    "hard": lambda r: r.betavariate(9, 2),
    "two kinds": lambda r: r.betavariate(2, 20) if r.random() < 0.5 else r.betavariate(20, 2),
    "ties": lambda r: float(r.random() < 0.6),
}


def run(control: ShareControl, draw: Draw, n: int, seed: int) -> list[bool]:
    chance = random.Random(seed)
    went = []
    for _ in range(n):
        need = draw(chance)
        went.append(need >= control.cut())
        control.observe(need)
    return went


@pytest.mark.parametrize("asked", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_same_traffic_is_held_within_three_points(asked: float) -> None:
    control = ShareControl(target_share=asked)
    went = run(control, TRAFFIC["even"], 1000, 0)
    assert sum(went) / 1000 == pytest.approx(asked, abs=0.03)
    assert control.state().realised == pytest.approx(asked, abs=0.05)


@pytest.mark.parametrize("asked", [0.1, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("other", ["easy", "hard", "two kinds", "ties"])
def test_after_a_switch_it_is_held_from_200_requests_on(asked: float, other: str) -> None:
    control = ShareControl(target_share=asked)
    run(control, TRAFFIC["even"], 1000, 1)
    went = run(control, TRAFFIC[other], 800, 2)[200:]
    assert sum(went) / len(went) == pytest.approx(asked, abs=0.05)


def test_it_starts_from_the_needs_of_known_traffic() -> None:
    chance = random.Random(0)
    known = [TRAFFIC["easy"](chance) for _ in range(500)]
    assert ShareControl(target_share=0.3, cdf=known).cut() == pytest.approx(sorted(known)[350], abs=0.02)
    assert ShareControl(target_share=0.3).cut() == pytest.approx(0.7, abs=0.01)


def test_the_needy_go_first() -> None:
    control = ShareControl(target_share=0.25)
    run(control, TRAFFIC["even"], 300, 3)
    assert 0.6 < control.cut() < 0.9


def test_what_the_promise_sends_up_is_told_and_not_taken_back() -> None:
    control = ShareControl(target_share=0.2)
    chance = random.Random(4)
    over_cut = 0
    for _ in range(1000):
        need = chance.random()
        over_cut += need >= control.cut()
        control.observe(need, went_up=need >= control.cut() or need >= 0.4)
    state = control.state()
    assert state.is_outvoted
    assert "promise" in state.said
    assert state.realised == pytest.approx(0.6, abs=0.1)
    assert over_cut / 1000 == pytest.approx(0.2, abs=0.03)


@given(st.lists(st.floats(0, 1), max_size=400), st.floats(0.01, 0.99))
def test_the_same_requests_give_the_same_cut(needs: list[float], asked: float) -> None:
    one, other = ShareControl(target_share=asked), ShareControl(target_share=asked)
    for need in needs:
        one.observe(need)
        other.observe(need)
    assert one.cut() == other.cut()
    assert one.cut() >= 0


class Clock:
    """Seconds since a midnight UTC."""

    def __init__(self) -> None:
        self.now_s = 86_400.0 * 20_000

    def __call__(self) -> float:
        return self.now_s


def spend_a_day(control: ShareControl, clock: Clock, *, gaps_s: Callable[[float], float], seed: int) -> float:
    chance = random.Random(seed)
    begun_s, spent = clock.now_s, 0.0
    while (clock.now_s + gaps_s(clock.now_s - begun_s)) - begun_s < 86_400:
        clock.now_s += gaps_s(clock.now_s - begun_s)
        need = chance.random()
        cost = chance.uniform(0.5, 1.5) * (0.01 if need >= control.cut() else 0.001)
        spent += cost
        control.observe(need, cost)
    return spent


@pytest.mark.parametrize("usd", [8.0, 15.0, 30.0])
def test_dollars_of_a_day_are_used_and_held(usd: float) -> None:
    clock = Clock()
    control = ShareControl(target_usd_per_day=usd, clock=clock)
    assert spend_a_day(control, clock, gaps_s=lambda _: 20.0, seed=0) == pytest.approx(usd, rel=0.03)
    clock.now_s = 86_400.0 * 20_001
    assert control.asked() > 0  # a new day, new dollars
    assert spend_a_day(control, clock, gaps_s=lambda _: 20.0, seed=1) == pytest.approx(usd, rel=0.03)
    assert control.state().spent_usd == pytest.approx(usd, rel=0.03)


def test_dollars_are_held_when_the_rush_comes_late() -> None:
    clock = Clock()
    control = ShareControl(target_usd_per_day=15.0, clock=clock)
    spent = spend_a_day(control, clock, gaps_s=lambda s: 60.0 if s < 43_200 else 12.0, seed=2)
    assert spent == pytest.approx(15.0, rel=0.05)


def test_when_the_dollars_are_spent_nobody_goes_up() -> None:
    control = ShareControl(target_usd_per_day=1.0, usual_usd=(0.001, 0.01), spent_usd=1.5, clock=Clock())
    assert control.asked() == 0
    assert control.cut() == float("inf")


def test_one_target_is_needed() -> None:
    with pytest.raises(ValueError):
        ShareControl()
    with pytest.raises(ValueError):
        ShareControl(target_share=0.3, target_usd_per_day=3.0)
