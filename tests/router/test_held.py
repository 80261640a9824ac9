"""What a conversation makes of the router's choice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.router.choose import Look, Terms, choose
from stepwell.router.held import held
from stepwell.router.session import Advice
from stepwell.router.tierinfo import TierInfo

NAMES = ("local", "standard", "premium")


def look(rank: int, p_ok: float = 0.9, *, cached_share: float = 0.25, **more: Any) -> Look:
    usd = (0.1, 1.0, 5.0)[rank]
    info = TierInfo(
        NAMES[rank], ("p/m",), 0.5, None, None, frozenset(), usd, usd * cached_share, 4 * usd, None, False
    )
    return Look(info, p_ok, usd * 1e-3, usd * 2e-3, rank=rank, **more)


LOOKS = [look(0), look(1), look(2)]
TERMS = Terms(0.7, None, "refuse")


def first(
    advice: Advice, looks: list[Look] | None = None, terms: Terms = TERMS
) -> tuple[str, tuple[str, ...]]:
    choice, why = held(looks or LOOKS, terms, advice, 10_000, 200)
    return choice.chain[0].tier.name, why


def test_without_advice_the_choice_stands() -> None:
    assert held(LOOKS, TERMS, Advice(), 100, 100) == (choose(LOOKS, TERMS), ())


def test_it_rises_to_the_tier_of_the_task_and_says_why() -> None:
    assert first(Advice(min_tier="standard", reasons=("session",))) == ("standard", ("session",))


def test_a_dearer_choice_is_not_lowered() -> None:
    hard = [look(0, 0.1), look(1, 0.2), look(2)]
    assert first(Advice(min_tier="standard", reasons=("session",)), hard) == ("premium", ())


def test_unknown_sessions_rise_from_the_routers_own_choice() -> None:
    assert first(Advice(n_up=1, reasons=("2 tool failures in this task",)))[0] == "standard"
    assert first(Advice(n_up=9, reasons=("2 tool failures in this task",)))[0] == "premium"


def test_under_a_tuned_price_troubles_rise_to_nothing_worse_but_the_dearest() -> None:
    tuned = Terms(0.0, None, "refuse", price=0.1)
    hole = [look(0, 0.8), look(1, 0.3), look(2, 0.7)]
    assert first(Advice(n_up=1, reasons=("troubles",)), hole, tuned)[0] == "premium"
    gone = [*hole[:2], look(2, 0.7, obstacle="no_key")]
    assert first(Advice(n_up=1, reasons=("troubles",)), gone, tuned) == ("local", ())
    assert first(Advice(min_tier="standard", reasons=("session",)), hole, tuned)[0] == "standard"


def test_under_a_tuned_price_a_warm_cache_keeps_no_worse_tier() -> None:
    tuned, warm = Terms(0.0, None, "refuse", price=0.5), {"standard": 9_900}
    for p_ok, tier in ((0.85, "standard"), (0.3, "local")):
        looks = [look(0, 0.8), look(1, p_ok, cached_share=0.001), look(2, 0.9)]
        stay = Advice(keeps="standard", n_cached_tokens=warm, n_calls=1)
        assert first(stay, looks, tuned)[0] == tier


def test_to_ask_for_more_is_one_step_at_every_turn() -> None:
    asked = Terms(0.7, None, "refuse", escalates=True)
    assert first(Advice(), terms=asked)[0] == "standard"
    assert first(Advice(min_tier="standard"), terms=asked)[0] == "standard"


@pytest.mark.parametrize("state", [{"obstacle": "over_budget"}, {"bar": "window"}])
def test_a_tier_that_cannot_be_asked_is_not_waited_for(state: dict[str, Any]) -> None:
    assert first(Advice(min_tier="premium"), [look(0), look(1), look(2, **state)])[0] == "local"
    assert first(Advice(min_tier="standard"), [look(0), look(1, **state), look(2)])[0] == "premium"


def test_a_warm_cache_is_left_only_where_that_pays() -> None:
    near = [look(0, 0.1), look(1), look(2)]
    warm = {"standard": 0, "premium": 9_900}
    assert first(Advice(keeps="premium", n_cached_tokens=warm), near)[0] == "standard"
    dear = [look(0, 0.1), look(1), look(2, cached_share=0.01)]
    name, why = first(Advice(keeps="premium", n_cached_tokens=warm, n_calls=1), dear)
    assert (name, why) == ("premium", ("session: leaving the prompt cache of premium saves nothing",))
    assert first(Advice(keeps="premium", n_cached_tokens=warm, n_calls=500), dear)[0] == "standard"


@given(
    p_ok=st.lists(st.floats(0.7, 1), min_size=3, max_size=3),
    price=st.none() | st.floats(0, 3),
    least=st.sampled_from(NAMES),
)
def test_no_tier_under_the_task_s_own_where_it_can_be_asked(
    p_ok: list[float], price: float | None, least: str
) -> None:
    looks = [look(i, p) for i, p in enumerate(p_ok)]
    choice, _ = held(looks, Terms(0.7, None, "refuse", price=price), Advice(min_tier=least), 1000, 100)
    assert choice.chain[0].rank >= NAMES.index(least)
    assert len({k.rank for k in choice.chain}) == len(choice.chain)


def test_a_resting_tier_is_passed_over_upwards() -> None:
    looks = [look(0), look(1, is_resting=True), look(2)]
    choice, _ = held(looks, TERMS, Advice(min_tier="standard"), 1000, 100)
    assert [k.tier.name for k in choice.chain] == ["premium", "local", "standard"]


def test_the_floor_goes_before_the_session() -> None:
    looks = [look(0), look(1, 0.5), look(2, 0.6)]
    assert first(Advice(min_tier="standard"), looks)[0] == "local"
