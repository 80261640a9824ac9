"""Fine-tuned tiers: no ask that nobody knows ever goes to one, whatever the policy says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.config.promises import PromisesConfig
from stepwell.base.config.routing import RoutingConfig
from stepwell.base.decisions import Decision
from stepwell.base.errors import NoCapableTier, StepwellError
from stepwell.base.request import ChatRequest, Wishes
from stepwell.router.cascade.plan import Prior
from stepwell.router.decide import Router
from stepwell.router.features import Ask
from stepwell.router.policy.base import Estimates
from stepwell.router.sizes import Sizes
from stepwell.router.tierinfo import TierInfo

NAMES = ("intents", "refunds", "small", "big")
NARROW = frozenset({"intents", "refunds"})
JSON = "Read the mail and answer with JSON alone."


class Said:
    """A policy that says what it is told; with a card as tuned ones have."""

    name = "said"

    def __init__(self, estimates: Estimates) -> None:
        self.estimates = estimates
        self.bundle = self
        self.card = self
        self.cascade = Prior()

    async def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        return self.estimates


def tier(name: str, usd: float, *, window_tokens: int = 9000) -> TierInfo:
    return TierInfo(
        name,
        (f"local/{name}",),
        0.5,
        window_tokens,
        None,
        frozenset({"json_schema"}),
        usd,
        usd,
        usd,
        None,
        name in NARROW,
        is_narrow=name in NARROW,
    )


TIERS = tuple(tier(name, usd) for name, usd in zip(NAMES, (0.0, 0.01, 0.1, 1.0), strict=True))


def router(
    estimates: Estimates, *, tiers: Sequence[TierInfo] = TIERS, share: float = 0.0, **more: Any
) -> Router:
    return Router(
        RoutingConfig(policy_timeout_s=30, **more),
        PromisesConfig(min_p_ok=0.5),
        tiers,
        policy=Said(estimates),
        explore_share=share,
    )


def ask(text: str = JSON, **wishes: Any) -> ChatRequest:
    return ChatRequest.build({"messages": [{"role": "user", "content": text}]}, wishes=Wishes(**wishes))


async def decided(made: Router, request: ChatRequest, n_tokens: int = 50) -> Decision:
    return await made.decide(request, sizes=Sizes(n_tokens, n_tokens))


p_ok = st.fixed_dictionaries({name: st.floats(0, 1) for name in NAMES})
mixes = st.lists(st.floats(0.01, 1), min_size=4, max_size=4).map(
    lambda shares: {n: s / sum(shares) for n, s in zip(NAMES, shares, strict=True)}
)


@settings(max_examples=60)
@given(
    p_ok=p_ok,
    price=st.none() | st.floats(0, 2),
    mix=st.none() | mixes,
    text=st.text(min_size=1, max_size=30),
    share=st.sampled_from([0.0, 1.0]),
    below=st.sampled_from(["flag", "refuse"]),
    least=st.none() | st.sampled_from(NAMES),
    cascade=st.sampled_from(["off", "on"]),
    target=st.none() | st.floats(0.1, 0.9),
    knows=st.frozensets(st.sampled_from(NAMES)),
)
async def test_what_is_not_known_never_goes_to_a_narrow_tier(
    p_ok: dict[str, float],
    price: float | None,
    mix: dict[str, float] | None,
    text: str,
    share: float,
    below: Any,
    least: str | None,
    cascade: Any,
    target: float | None,
    knows: frozenset[str],
) -> None:
    estimates = Estimates(p_ok, price=price, mix=mix, knows=knows)
    made = router(estimates, share=share, cascade=cascade, target_share=target)
    try:
        decision = await decided(made, ask(text, below_floor=below, min_tier=least))
    except StepwellError:
        return  # refused is not sent there
    asked = set(decision.chain)
    if decision.cascade is not None:
        asked |= {*decision.cascade.opinions, *decision.cascade.escalate_to}
    assert not asked & NARROW - knows
    states = {e.tier: e.status for e in decision.estimates}
    assert all(states[name] in ("narrow", "rule") for name in NARROW - knows)


async def test_who_knows_the_ask_may_send_it_there() -> None:
    p = {"intents": 0.1, "refunds": 0.9, "small": 0.4, "big": 0.95}
    assert (await decided(router(Estimates(p, knows=frozenset({"refunds"}))), ask())).tier == "refunds"
    for others in (frozenset[str](), frozenset({"intents", "small", "big"})):
        assert (await decided(router(Estimates(p, knows=others)), ask())).tier == "big"


@pytest.mark.parametrize("narrow", [True, False])
async def test_a_cascade_asks_a_narrow_tier_no_second_time(narrow: bool) -> None:
    # its own system prompt goes out in place of the hint: it would agree with itself
    two = (replace(TIERS[1], is_narrow=narrow), TIERS[3])
    estimates = Estimates({"refunds": 0.6, "big": 0.95}, price=0.3, knows=frozenset(NAMES))
    by = router(estimates, tiers=two, cascade="on")
    plan = (await decided(by, ask("What is the number of apples: 12 * 7 + 5?"))).cascade
    assert (plan is None) if narrow else (plan is not None and plan.opinions == ("refunds", "refunds"))


async def test_a_pin_and_a_rule_reach_it_alone() -> None:
    rule = {"name": "mails", "keywords": ["mail"], "pin": "intents"}
    made = router(Estimates(dict.fromkeys(NAMES, 0.9)), rules=[rule])
    assert (await decided(made, ask())).chain == ("intents",)
    assert (await decided(made, ask("Hello!"))).tier == "small"
    assert (await decided(made, ask("Hello!", tier="refunds"))).chain == ("refunds",)


async def test_where_the_pinned_one_lacks_room_no_other_narrow_one_stands_in() -> None:
    rule = {"name": "mails", "keywords": ["mail"], "pin": "intents"}
    tiers = (tier("intents", 0.0, window_tokens=64), *TIERS[1:])
    made = router(Estimates(dict.fromkeys(NAMES, 0.9)), tiers=tiers, rules=[rule])
    assert (await decided(made, ask(), n_tokens=4000)).tier == "small"


async def test_with_nothing_else_it_says_how_the_tier_is_reached() -> None:
    made = router(Estimates({"refunds": 1.0}), tiers=TIERS[1:2])
    with pytest.raises(NoCapableTier, match="pin it, by name or by a rule"):
        await decided(made, ask())
