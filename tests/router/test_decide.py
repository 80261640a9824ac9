"""Which tier a request goes to, and what is said about it."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.config import PromisesConfig, RoutingConfig, RuleConfig
from stepwell.base.decisions import Decision
from stepwell.base.errors import (
    BadRequest,
    BudgetExceeded,
    ConfigError,
    ContextTooLong,
    NoCapableTier,
    QualityFloorUnmet,
    TierUnavailable,
)
from stepwell.base.request import Caller, ChatRequest, Wishes
from stepwell.router.choose import Look, Terms, choose
from stepwell.router.decide import Router
from stepwell.router.features import Ask
from stepwell.router.policy.base import Estimates
from stepwell.router.sizes import Size, Sizes
from stepwell.router.tierinfo import TierInfo

ALL = frozenset({"tools", "json_schema", "images"})
EASY = "Classify the sentiment as positive or negative. Answer with one word. Review: 'good film'"
ORDINARY = "What is the capital of France?"
HARD = "Prove that there are infinitely many primes."


def tier(name: str, quality: float, usd_in: float | None, **more: Any) -> TierInfo:
    fields: dict[str, Any] = {
        "models": (f"openai/{name}-model",),
        "window_tokens": 100_000,
        "max_output_tokens": 10_000,
        "capabilities": ALL,
        "usd_per_1m_cached_input": None,
        "usd_per_1m_output": None if usd_in is None else 4 * usd_in,
        "missing_key": None,
        "is_local": False,
        **more,
    }
    return TierInfo(name=name, quality=quality, usd_per_1m_input=usd_in, **fields)


PREMIUM = tier("premium", 0.9, 2.0)
STANDARD = tier("standard", 0.75, 0.4)
LOCAL = tier(
    "local", 0.12, 0.0, models=("local/small",), window_tokens=2048, capabilities=frozenset(), is_local=True
)
TIERS = (PREMIUM, STANDARD, LOCAL)
KEYLESS = (
    tier("premium", 0.9, 2.0, missing_key="BIG_KEY"),
    tier("standard", 0.75, 0.4, missing_key="OPENAI_API_KEY"),
    LOCAL,
)


def router(
    tiers: Sequence[TierInfo] = TIERS, *, promises: Any = None, resting: Sequence[str] = (), **routing: Any
) -> Router:
    return Router(
        RoutingConfig(**routing),
        PromisesConfig(**(promises or {})),
        tiers,
        is_healthy=lambda name: name not in resting,
    )


def ask(
    text: str = ORDINARY, *, caller: Caller | None = None, fields: Any = None, **wishes: Any
) -> ChatRequest:
    body = {"messages": [{"role": "user", "content": text}], **(fields or {})}
    return ChatRequest.build(body, caller or Caller(), Wishes(**wishes))


async def decide(asked: ChatRequest, by: Router | None = None, n_input_tokens: int = 50) -> Decision:
    return await (by or router()).decide(asked, sizes=Sizes.of(n_input_tokens))


def statuses(decision: Decision) -> dict[str, str]:
    return {e.tier: e.status for e in decision.estimates}


# ---- the cheapest that is good enough


@pytest.mark.parametrize(("text", "chosen"), [(EASY, "local"), (ORDINARY, "standard"), (HARD, "premium")])
async def test_the_cheapest_tier_over_the_floor_is_chosen(text: str, chosen: str) -> None:
    made = await decide(ask(text))
    assert made.tier == chosen
    assert made.policy == "coldstart"
    assert made.wanted_tier is None
    found = made.estimate(chosen)
    assert found is not None
    assert found.p_ok is not None
    assert found.p_ok >= 0.7 == made.threshold
    assert [e.tier for e in made.estimates] == ["local", "standard", "premium"]


async def test_dearer_tiers_stand_behind_the_chosen_one() -> None:
    made = await decide(ask(ORDINARY))
    assert made.chain == ("standard", "premium")
    assert statuses(made) == {"local": "below_floor", "standard": "chosen", "premium": "fallback"}


async def test_the_saving_is_signed_and_only_against_a_declared_baseline() -> None:
    assert (await decide(ask())).saved_usd is None
    cheaper = await decide(ask(), router(baseline_tier="premium"))
    dearer = await decide(ask(HARD), router(baseline_tier="standard"))
    assert cheaper.saved_usd is not None
    assert dearer.saved_usd is not None
    assert cheaper.saved_usd > 0 > dearer.saved_usd


async def test_the_expected_cost_never_passes_the_bound() -> None:
    made = await decide(ask(HARD, fields={"max_tokens": 7, "n": 2}))
    for e in made.estimates:
        assert e.cost_usd is not None
        assert e.max_cost_usd is not None
        assert e.cost_usd <= e.max_cost_usd
    assert made.n_output_tokens == 14


# ---- pins


@pytest.mark.parametrize(
    ("model", "tier_", "pinned"),
    [
        ("premium", "premium", None),
        ("openai/premium-model", "premium", "openai/premium-model"),
        ("premium-model", "premium", "openai/premium-model"),
        ("small", "local", "local/small"),
    ],
)
async def test_a_name_pins(model: str, tier_: str, pinned: str | None) -> None:
    made = await decide(ask(HARD, fields={"model": model}))
    assert (made.tier, made.chain, made.model, made.policy) == (tier_, (tier_,), pinned, "pinned")
    assert made.threshold is None
    assert {e.tier for e in made.estimates if e.status == "chosen"} == {tier_}
    assert all(e.cost_usd is not None and e.p_ok is None for e in made.estimates)


async def test_a_wished_tier_pins_and_must_not_contradict_the_model() -> None:
    assert (await decide(ask(HARD, tier="local"))).tier == "local"
    assert (await decide(ask(fields={"model": "small"}, tier="local"))).model == "local/small"
    with pytest.raises(BadRequest):
        await decide(ask(fields={"model": "premium"}, tier="local"))
    with pytest.raises(BadRequest):
        await decide(ask(fields={"model": "local"}, min_tier="premium"))


async def test_an_unknown_name_lists_the_tiers_and_does_not_repeat_it() -> None:
    with pytest.raises(BadRequest) as e:
        await decide(ask(fields={"model": "gpt-canary"}))
    assert (e.value.param, e.value.code) == ("model", "model_not_found")
    assert "standard" in str(e.value)
    assert "canary" not in str(e.value)
    with pytest.raises(BadRequest):
        await decide(ask(min_tier="canary"))


@pytest.mark.parametrize("name", ["premium", "openai/premium-model"])
async def test_a_pin_still_needs_a_key_a_price_a_window_and_the_money(name: str) -> None:
    pinned = ask(fields={"model": name})
    with pytest.raises(TierUnavailable, match="BIG_KEY"):
        await decide(pinned, router(KEYLESS))
    with pytest.raises(TierUnavailable, match="price"):
        await decide(pinned, router([tier("premium", 0.9, None)]))
    with pytest.raises(ContextTooLong):
        await decide(pinned, n_input_tokens=10**6)
    with pytest.raises(BudgetExceeded):
        await decide(ask(fields={"model": name}, max_usd=1e-6))


# ---- rules


async def test_rules_pin_and_raise() -> None:
    by = router(
        rules=[
            RuleConfig(name="vip", tenants=["vip"], min_tier="premium"),
            RuleConfig(name="cheap", keywords=["cheap"], pin="local"),
        ]
    )
    vip = await decide(ask(EASY, caller=Caller("vip")), by)
    assert (vip.tier, vip.rules) == ("premium", ("rule vip: at least premium",))
    assert statuses(vip)["local"] == "rule"
    cheap = await decide(ask("a cheap " + HARD), by)
    assert (cheap.tier, cheap.policy) == ("local", "pinned")
    both = await decide(ask("cheap", caller=Caller("vip")), by)
    assert both.tier == "premium"


async def test_a_rules_pin_gives_way_upward_where_its_tier_lacks_something() -> None:
    by = router(rules=[RuleConfig(name="cheap", keywords=["cheap"], pin="local")])
    tools = {"tools": [{"type": "function", "function": {"name": "f"}}]}
    assert (await decide(ask("cheap", fields=tools), by)).tier == "standard"


@pytest.mark.parametrize(("text", "chosen"), [(EASY, "standard"), (ORDINARY, "premium"), (HARD, "premium")])
async def test_an_escalate_phrase_goes_one_tier_up(text: str, chosen: str) -> None:
    made = await decide(ask(f"{text} Think harder!"))
    assert made.tier == chosen
    assert "think harder" in made.why


async def test_behind_an_escalated_tier_stand_dearer_ones_then_cheaper_ones() -> None:
    assert (await decide(ask(f"{EASY} Think harder!"))).chain == ("standard", "premium", "local")


async def test_a_rule_reads_the_human_not_the_wrapper() -> None:
    by = router(rules=[RuleConfig(name="cheap", keywords=["cheap"], pin="local")])
    wrapped = f"<system-reminder>cheap</system-reminder>{HARD}"
    assert (await decide(ask(wrapped), by)).tier == "premium"


# ---- capabilities


async def test_the_gate_only_leads_upward() -> None:
    made = await decide(ask(EASY, fields={"response_format": {"type": "json_schema"}}))
    assert made.tier == "standard"
    assert statuses(made)["local"] == "json_schema"
    with pytest.raises(NoCapableTier, match="json_schema"):
        await decide(ask(EASY, fields={"response_format": {"type": "json_schema"}}), router([LOCAL]))
    with pytest.raises(ContextTooLong):
        await decide(ask(EASY), n_input_tokens=100_001)


async def test_a_long_prompt_leaves_the_small_window() -> None:
    made = await decide(ask(EASY), n_input_tokens=1500)
    assert (made.tier, statuses(made)["local"]) == ("standard", "window")


# ---- keys, health, floor


async def test_a_dearer_tier_stands_in_for_one_without_a_key() -> None:
    made = await decide(ask(), router([PREMIUM, KEYLESS[1], LOCAL]))
    assert (made.tier, made.chain, made.wanted_tier) == ("premium", ("premium",), "standard")
    assert "standard needs OPENAI_API_KEY" in made.why
    assert statuses(made)["standard"] == "no_key"


async def test_below_the_floor_nothing_answers_unless_allowed() -> None:
    with pytest.raises(QualityFloorUnmet) as e:
        await decide(ask(), router(KEYLESS))
    assert e.value.wanted_tier == "standard"
    for part in ("OPENAI_API_KEY", "local", "0.70"):
        assert part in str(e.value)
    for allowed in (
        await decide(ask(below_floor="flag"), router(KEYLESS)),
        await decide(ask(), router(KEYLESS, promises={"below_floor": "flag"})),
    ):
        assert (allowed.tier, allowed.is_degraded, allowed.wanted_tier) == ("local", True, "standard")
    with pytest.raises(QualityFloorUnmet):
        await decide(ask(below_floor="refuse"), router(KEYLESS, promises={"below_floor": "flag"}))


async def test_without_any_key_nothing_can_be_flagged() -> None:
    with pytest.raises(QualityFloorUnmet):
        await decide(ask(below_floor="flag"), router(KEYLESS[:2]))


async def test_a_resting_tier_is_passed_over_but_stays_last_in_the_chain() -> None:
    made = await decide(ask(), router(resting=["standard"]))
    assert (made.chain, made.wanted_tier) == (("premium", "standard"), "standard")
    assert "rests" in made.why


async def test_where_every_good_tier_rests_it_is_tried_rather_than_the_floor_given_up() -> None:
    made = await decide(ask(below_floor="flag"), router(resting=["standard", "premium"]))
    assert (made.chain, made.is_degraded) == (("standard", "premium"), False)


# ---- money


async def test_the_limit_names_what_would_do() -> None:
    with pytest.raises(BudgetExceeded, match="standard") as e:
        await decide(ask(max_usd=1e-6))
    assert (e.value.budget, e.value.remaining_usd) == ("request", 1e-6)
    with pytest.raises(BudgetExceeded):
        await decide(ask(max_usd=1.0), router(promises={"max_usd_per_request": 1e-6}))


async def test_a_limit_keeps_dear_tiers_out_of_the_chain() -> None:
    made = await decide(ask(max_usd=0.003))
    assert made.chain == ("standard",)
    assert statuses(made)["premium"] == "over_budget"
    flagged = await decide(ask(max_usd=0.0, below_floor="flag"))
    assert (flagged.tier, flagged.is_degraded) == ("local", True)


@pytest.mark.parametrize("usd", [-1.0, float("nan")])
async def test_a_limit_must_be_a_sum(usd: float) -> None:
    with pytest.raises(BadRequest):
        await decide(ask(max_usd=usd))


def test_a_dollar_limit_caps_the_reply() -> None:
    by = router()
    assert by.output_cap(ask()) is None
    assert by.output_cap(ask(max_usd=0.01)) == 1024
    assert by.output_cap(ask(max_usd=0.01, fields={"max_tokens": 9})) is None


async def test_an_unknown_price_is_refused_or_reserved_high() -> None:
    tiers = [PREMIUM, tier("odd", 0.8, None), LOCAL]
    made = await decide(ask(), router(tiers))
    assert made.tier == "premium"
    assert statuses(made)["odd"] == "unknown_price"
    known = await decide(ask(), router(tiers, unknown_price_usd_per_1m=1.0))
    assert known.tier == "odd"


# ---- what is said beforehand


def test_models_listed_are_those_that_can_be_asked() -> None:
    assert dict(router().listed_models())["auto"] == 100_000
    keyless = dict(router(KEYLESS).listed_models())
    assert keyless == {"auto": 2048, "local": 2048, "local/small": 2048}


def test_rooms_are_those_of_the_tiers_that_the_request_may_use() -> None:
    def rooms(by: Router, asked: ChatRequest) -> dict[str, int]:
        return {t.name: n for t, n in by.rooms(asked)}

    every = rooms(router(), ask())
    assert max(every.values()) < 100_000
    assert every["local"] == 1024  # the reply takes half of a small window at most
    assert rooms(router(), ask(fields={"model": "small"})) == {"local": 1024}
    assert rooms(router(KEYLESS), ask(fields={"max_tokens": 48})) == {"local": 2000}
    with pytest.raises(NoCapableTier):
        router([LOCAL]).rooms(ask(fields={"tools": [{"type": "function"}]}))


async def test_a_tier_whose_window_would_forget_is_passed_over_and_the_decision_says_so() -> None:
    packed = {"local": Size(900, 0.5)}
    made = await router().decide(ask(EASY), sizes=Sizes(5000, 20_000, packed, min_recall=0.9))
    assert made.tier != "local"
    local = made.estimate("local")
    assert local is not None
    assert local.status == "context"
    assert "local would keep 0.50 of what matters" in made.why
    kept = {"local": Size(900, 0.95)}
    made = await router().decide(ask(EASY), sizes=Sizes(5000, 20_000, kept, min_recall=0.9))
    assert (made.tier, made.n_input_tokens) == ("local", 900)


async def test_where_no_window_keeps_what_is_promised_the_best_is_taken_and_says_so() -> None:
    packed = {"local": Size(900, 0.5)}
    made = await router(KEYLESS).decide(
        ask(EASY, below_floor="flag"), sizes=Sizes(5000, 20_000, packed, min_recall=0.9)
    )
    assert made.tier == "local"
    assert "no window keeps 0.90 of what matters, the best 0.50" in made.why


@pytest.mark.parametrize(
    ("asked", "scope"),
    [
        (ask(), "auto"),
        (ask(min_tier="standard"), "auto+min:standard"),
        (ask("think harder"), "auto+escalated"),
        (ask(below_floor="flag"), "auto+below_floor"),
        (ask(tier="local"), "tier:local"),
        (ask(fields={"model": "small"}), "model:local/small"),
    ],
)
def test_scopes_keep_answers_of_different_choices_apart(asked: ChatRequest, scope: str) -> None:
    assert router().scope(asked) == scope


def test_a_router_needs_a_tier() -> None:
    with pytest.raises(ConfigError):
        router([])


class Parrot:
    """A policy that repeats the ask: `why` must hold ASCII on one line even then."""

    name = "parrot\n"

    def estimate(self, asked: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        return Estimates({t.name: 1.0 for t in tiers}, (asked.text,))


@given(st.text(max_size=80))
async def test_why_is_one_line_of_ascii(text: str) -> None:
    by = Router(RoutingConfig(policy_timeout_s=20), PromisesConfig(), TIERS, policy=Parrot())
    why = (await decide(ask(text), by)).why
    assert why.isascii()
    assert why.isprintable()


@given(st.text(min_size=12, max_size=200, alphabet=st.characters(min_codepoint=0x3040, max_codepoint=0x30FF)))
async def test_the_heuristic_never_repeats_the_ask(text: str) -> None:
    assert text not in (await decide(ask(text, below_floor="flag"))).why


# ---- the choice, whatever the numbers

OBSTACLES = [None, None, "no_key", "over_budget", "unknown_price"]
looks = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from([None, None, None, "rule", "tools"]),
        st.sampled_from(OBSTACLES),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
).filter(lambda rows: any(bar is None for _, bar, _, _ in rows))


@given(looks, st.floats(0, 1), st.booleans(), st.booleans())
def test_a_choice_keeps_its_promises(
    rows: list[tuple[float, str | None, str | None, bool]], floor: float, flags: bool, escalates: bool
) -> None:
    line = [
        Look(tier(f"t{i}", 0.5, float(i)), p, 0.1, 1.0, bar, obstacle, resting)
        for i, (p, bar, obstacle, resting) in enumerate(rows)
    ]
    terms = Terms(floor, 0.5, "flag" if flags else "refuse", escalates)
    good = [k for k in line if k.bar is None and k.obstacle is None and k.p_ok >= floor]
    try:
        made = choose(line, terms)
    except (QualityFloorUnmet, BudgetExceeded):
        assert not good
        return
    assert all(k.bar is None and k.obstacle is None for k in made.chain)
    assert len(set(made.chain)) == len(made.chain)
    if made.is_degraded:
        assert flags
        assert not good
    else:
        assert sorted(k.tier.name for k in made.chain) == [k.tier.name for k in good]
        awake = [k for k in good if not k.is_resting]
        assert not awake or not made.chain[0].is_resting
        if awake and not escalates:
            assert made.chain[0] is awake[0]
