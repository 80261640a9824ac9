"""Choosing by a tuned price, by a fixed mix, and what asks a request to rise."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.config import PromisesConfig, RoutingConfig
from stepwell.base.decisions import Decision
from stepwell.base.errors import BudgetExceeded
from stepwell.base.request import Caller, ChatRequest, Wishes
from stepwell.router.choose import Look, Terms, best_by_price, choose
from stepwell.router.decide import Router
from stepwell.router.policy.base import Estimates
from stepwell.router.sizes import Sizes
from stepwell.router.terms import drawn
from stepwell.router.tierinfo import TierInfo


def tier(name: str, usd: float) -> TierInfo:
    return TierInfo(name, (f"openai/{name}",), 0.5, 9_000, 999, frozenset(), usd, None, usd, None, False)


CHEAP, MIDDLE, DEAR = tier("cheap", 0.1), tier("middle", 0.5), tier("dear", 1.0)
TIERS = (CHEAP, MIDDLE, DEAR)


class Tuned:
    name = "tuned"

    def __init__(self, **estimates: Any) -> None:
        self._estimates = Estimates(**estimates)

    def estimate(self, ask: object, tiers: object) -> Estimates:
        return self._estimates


async def decide(policy: Tuned, text: str = "hm", *, promises: Any = None, **wishes: Any) -> Decision:
    router = Router(RoutingConfig(), PromisesConfig(**(promises or {})), TIERS, policy=policy)
    body = {"messages": [{"role": "user", "content": text}]}
    return await router.decide(ChatRequest.build(body, Caller(), Wishes(**wishes)), sizes=Sizes.of(50))


P_OK = {"cheap": 0.3, "middle": 0.5, "dear": 0.6}


@pytest.mark.parametrize(("price", "chosen"), [(0.0, "dear"), (0.25, "middle"), (0.6, "cheap")])
async def test_price_trades_quality_for_cost(price: float, chosen: str) -> None:
    found = await decide(Tuned(p_ok=P_OK, price=price))
    assert found.tier == chosen
    assert found.price == price
    assert found.threshold is None


async def test_a_tuned_policy_is_not_held_to_the_default_floor() -> None:
    assert (await decide(Tuned(p_ok=P_OK, price=0.0))).tier == "dear"


async def test_a_floor_that_the_user_set_holds_too() -> None:
    found = await decide(Tuned(p_ok=P_OK, price=0.6), promises={"min_p_ok": 0.4})
    assert found.tier == "middle"


async def test_the_request_limit_stays_hard() -> None:
    with pytest.raises(BudgetExceeded):
        await decide(Tuned(p_ok=P_OK, price=0.0), max_usd=0.0001)


async def test_only_tiers_that_keep_the_promise_follow() -> None:
    assert (await decide(Tuned(p_ok=P_OK, price=0.25))).chain == ("middle", "dear")


async def test_a_mix_is_drawn_by_the_ask() -> None:
    mix = {"cheap": 0.3, "dear": 0.7}
    policy = Tuned(p_ok=P_OK, mix=mix)
    tiers = [(await decide(policy, f"question {i}")).tier for i in range(400)]
    again = [(await decide(policy, f"question {i}")).tier for i in range(400)]
    assert tiers == again
    share = Counter(tiers)["dear"] / 400
    assert 0.6 < share < 0.8
    assert set(tiers) == {"cheap", "dear"}


@given(st.text(), st.floats(0, 1))
def test_a_draw_is_a_tier_of_the_mix(ask: str, share: float) -> None:
    mix = {"cheap": share, "dear": 1 - share}
    assert drawn(mix, ask) in mix
    assert drawn(mix, ask) == drawn(mix, ask)


LOOKS = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.sampled_from([None, "no_key", "over_budget"])),
    min_size=1,
    max_size=4,
).map(
    lambda rows: [
        Look(tier(str(i), c), p, c, c, None, obstacle, rank=i)
        for i, (p, c, obstacle) in enumerate(sorted(rows, key=lambda r: r[1]))
    ]
)


@given(LOOKS, st.floats(0, 3))
def test_the_best_by_price_is_not_beaten(looks: list[Look], price: float) -> None:
    unit = max(k.cost_usd or 0 for k in looks)
    best = looks[best_by_price(looks, price, unit)]

    def worth(k: Look) -> float:
        return k.p_ok - price * ((k.cost_usd or 0) / unit if unit else 0)

    assert all(worth(best) >= worth(k) for k in looks)


@given(LOOKS, st.floats(0, 3), st.integers(0, 3))
def test_a_wish_to_rise_never_refuses(looks: list[Look], price: float, rises_to: int) -> None:
    plain = Terms(0.0, None, "flag", price=price)
    rising = Terms(0.0, None, "flag", price=price, rises_to=rises_to)
    try:
        before = choose(looks, plain)
    except Exception as e:  # noqa: BLE001 - whatever it is, both must meet the same
        with pytest.raises(type(e)):
            choose(looks, rising)
        return
    after = choose(looks, rising)
    if not after.is_degraded:
        assert after.chain[0].rank >= before.chain[0].rank
    assert {k.tier.name for k in after.chain} == {k.tier.name for k in before.chain}


async def test_the_dearest_tier_stands_behind_one_that_looks_a_hair_better() -> None:
    found = await decide(Tuned(p_ok={"cheap": 0.2, "middle": 0.90, "dear": 0.89}, price=0.1))
    assert found.chain == ("middle", "dear")
