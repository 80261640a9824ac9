"""What pulls at a choice: shares, promises, sessions, exploring, cascades; and what none of them may do."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.config import PromisesConfig, RoutingConfig, RuleConfig
from stepwell.base.decisions import Decision
from stepwell.base.errors import BudgetExceeded, QualityFloorUnmet
from stepwell.base.request import Caller, ChatRequest, Wishes
from stepwell.router.cascade.plan import Prior
from stepwell.router.choose import Look
from stepwell.router.decide import Router
from stepwell.router.features import Ask, read_ask
from stepwell.router.learned.bundle import Card
from stepwell.router.policy.base import Estimates
from stepwell.router.session import Advice
from stepwell.router.sizes import Sizes
from stepwell.router.steer import Steered, Steering
from stepwell.router.tierinfo import TierInfo
from stepwell.router.turns import read_turn

Draw = Callable[[random.Random], float]
EVEN: Draw = lambda r: r.random()  # noqa: E731
EASY: Draw = lambda r: r.betavariate(1, 8)  # noqa: E731
HARD: Draw = lambda r: r.betavariate(9, 2)  # noqa: E731


def tier(name: str, usd: float, **more: Any) -> TierInfo:
    fields: dict[str, Any] = {
        "models": (f"p/{name}",),
        "quality": 0.5,
        "window_tokens": 9_000,
        "max_output_tokens": 1_000,
        "capabilities": frozenset(),
        "usd_per_1m_cached_input": None,
        "missing_key": None,
        "is_local": False,
        **more,
    }
    return TierInfo(name=name, usd_per_1m_input=usd, usd_per_1m_output=4 * usd, **fields)


TIERS = (tier("cheap", 0.1, quality=0.5), tier("middle", 0.2, quality=0.7), tier("dear", 2.0, quality=0.9))


class Needy:
    """Reads the need off the ask's first word: what needs more is done worse by the cheap ones."""

    name = "needy"

    def __init__(self, *, tells_need: bool = True, **more: Any) -> None:
        self._more = more
        self._tells_need = tells_need

    def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        need = float(ask.text.split()[0])
        p_ok = {"cheap": 0.8 - 0.6 * need, "middle": 0.85 - 0.4 * need, "dear": 0.95 - 0.1 * need}
        return Estimates(p_ok, need=need if self._tells_need else None, **self._more)


def router(policy: Any = None, *, explore_share: float = 0.0, promises: Any = None, **routing: Any) -> Router:
    return Router(
        RoutingConfig(policy_timeout_s=20, **routing),
        PromisesConfig(**(promises or {})),
        TIERS,
        policy=policy or Needy(),
        explore_share=explore_share,
    )


def asked(text: str, *, fields: Any = None, **wishes: Any) -> ChatRequest:
    body = {"messages": [{"role": "user", "content": text}], **(fields or {})}
    return ChatRequest.build(body, Caller(), Wishes(**wishes))


async def serve(by: Router, texts: Sequence[str], **wishes: Any) -> list[Decision]:
    """Decide and answer one after the other."""
    made = []
    for text in texts:
        decision = await by.decide(asked(text, **wishes), sizes=Sizes.of(50))
        estimate = decision.estimate(decision.tier)
        assert estimate is not None
        by.observe(decision, estimate.cost_usd or 0.0)
        made.append(decision)
    return made


def needs(draw: Draw, n: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return [f"{draw(chance):.4f} question {i}" for i in range(n)]


def share_of(decisions: Sequence[Decision], name: str = "dear") -> float:
    return sum(d.tier == name for d in decisions) / len(decisions)


# ---- a target share


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
async def test_a_share_is_held_with_three_tiers_and_after_a_switch(share: float) -> None:
    by = router(target_share=share)
    assert share_of(await serve(by, needs(EVEN, 400, 1))) == pytest.approx(share, abs=0.03)
    for seed, draw in enumerate((HARD, EASY), start=2):
        settled = (await serve(by, needs(draw, 600, seed)))[200:]
        assert share_of(settled) == pytest.approx(share, abs=0.05)


WORDS = {
    "easy": "what is the name of this town where a red house stands near that river",
    "hard": "prove derive integral therefore because polynomial assume least exactly 17 23, (n) theorem if",
}


def wordy(kind: str, n: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS[kind].split(), k=chance.randint(4, 60))) + "?" for _ in range(n)]


async def test_the_cold_start_holds_a_share_too() -> None:
    by = Router(RoutingConfig(target_share=0.3), PromisesConfig(), TIERS)
    mixed = [t for two in zip(wordy("easy", 200, 1), wordy("hard", 200, 2), strict=True) for t in two]
    assert share_of(await serve(by, mixed)) == pytest.approx(0.3, abs=0.03)
    assert share_of((await serve(by, wordy("hard", 600, 3)))[200:]) == pytest.approx(0.3, abs=0.05)


async def test_a_policy_that_ranks_no_need_is_steered_by_what_the_dearest_would_win() -> None:
    by = router(Needy(tells_need=False), target_share=0.3)
    decisions = await serve(by, needs(EVEN, 600, 1))
    assert share_of(decisions[200:]) == pytest.approx(0.3, abs=0.05)
    assert all(d.need is None and d.budget for d in decisions)


async def test_those_that_need_it_most_go_up() -> None:
    decisions = await serve(router(target_share=0.25), needs(EVEN, 400, 4))
    up = [d.need or 0 for d in decisions if d.tier == "dear"]
    rest = [d.need or 0 for d in decisions if d.tier != "dear"]
    assert sum(up) / len(up) > 0.7 > 0.5 > sum(rest) / len(rest)
    assert min(up) > 0.4


async def test_a_default_floor_does_not_force_the_dearest_but_the_best_other_is_taken() -> None:
    decisions = await serve(router(target_share=0.1), ["0.8 hard"] * 5 + ["0.01 easy"] * 5)
    assert [d.tier for d in decisions] == ["middle"] * 5 + ["cheap"] * 5
    assert decisions[0].threshold == pytest.approx(0.85 - 0.4 * 0.8)
    assert decisions[5].threshold == 0.7
    assert (await serve(router(), ["0.8 hard"]))[0].tier == "dear"


@pytest.mark.parametrize(
    ("policy", "promises"),
    [(Needy(), {"min_p_ok": 0.7}), (Needy(price=0.05), {}), (Needy(mix={"dear": 1}), {})],
)
async def test_a_promise_goes_before_a_share_and_that_is_said(policy: Needy, promises: Any) -> None:
    decisions = await serve(router(policy, target_share=0.1, promises=promises), needs(EVEN, 400, 5))
    assert share_of(decisions) > 0.4
    for d in decisions:
        chosen = d.estimate(d.tier)
        assert chosen is not None
        assert chosen.p_ok is not None
        assert chosen.p_ok >= promises.get("min_p_ok", 0)
    assert "asked 10%" in decisions[-1].budget
    assert "the quality promise needs more" in decisions[-1].budget


async def test_a_share_asks_for_more_than_a_tuned_price_would() -> None:
    cheap = await serve(router(Needy(price=2.0)), needs(EVEN, 300, 6))
    lifted = await serve(router(Needy(price=2.0), target_share=0.4), needs(EVEN, 300, 6))
    assert share_of(cheap) == 0
    assert share_of(lifted) == pytest.approx(0.4, abs=0.03)


async def test_the_budget_tells_share_and_cut() -> None:
    first, *_, last = await serve(router(target_share=0.25), needs(EVEN, 200, 7))
    assert first.budget == "asked 25% (need 0.75 or more)"
    assert last.budget.startswith("asked 25% (need 0.")
    assert "% of the last requests" in last.budget
    assert (await serve(router(), ["0.5 plain"]))[0].budget == ""


# ---- dollars


async def test_dollars_a_day_are_steered_and_pins_count() -> None:
    def usd(decisions: Sequence[Decision]) -> float:
        return sum(e.cost_usd or 0 for d in decisions if (e := d.estimate(d.tier)))

    free = router(target_usd_per_day=1e9)
    assert share_of((await serve(free, needs(EVEN, 200, 8)))[50:]) > 0.95
    spent = usd(await serve(router(target_usd_per_day=0.002), needs(EVEN, 400, 8)))
    assert spent < 0.5 * usd(await serve(free, needs(EVEN, 400, 8)))
    pinned = router(target_usd_per_day=0.002)
    await serve(pinned, needs(EVEN, 40, 8), tier="dear")
    (after,) = await serve(pinned, ["0.99 hard"])
    assert after.tier != "dear"
    assert "$0.08 spent today" in after.budget


@pytest.mark.parametrize("routing", [{"target_share": 0.9}, {"target_usd_per_day": 1e6}, {}])
@pytest.mark.parametrize("policy", [Needy(), Needy(price=0.0), Needy(mix={"dear": 1.0})])
async def test_a_requests_dollars_stay_hard(routing: Any, policy: Needy) -> None:
    by = router(policy, explore_share=0.2, **routing)
    limit = 0.0025  # a whole answer of middle, not of dear
    for text in needs(EVEN, 60, 9):
        try:
            d = await by.decide(asked(text, max_usd=limit), sizes=Sizes.of(50))
        except BudgetExceeded:
            continue
        by.observe(d, 0.0)
        assert "dear" not in d.chain
        assert all((e.max_cost_usd or 9) <= limit for e in d.estimates if e.tier in d.chain)


# ---- exploring


async def test_exploring_is_off_unless_asked_for() -> None:
    assert not any(d.is_explored for d in await serve(router(), needs(EVEN, 300, 10)))


async def test_exploring_takes_its_share_keeps_the_floor_and_says_so() -> None:
    texts = needs(EVEN, 800, 11)
    usual, explored = await serve(router(), texts), await serve(router(explore_share=0.2), texts)
    assert explored == await serve(router(explore_share=0.2), texts)
    tried = [(u, e) for u, e in zip(usual, explored, strict=True) if e.is_explored]
    able = [u for u in usual if sum((e.p_ok or 0) >= 0.7 for e in u.estimates) > 1]
    assert len(tried) / len(able) == pytest.approx(0.2, abs=0.06)
    for u, e in tried:
        assert e.tier != u.tier
        assert (u.tier, "exploring, for a label") == (e.chain[1], e.reasons[0])
        estimate = e.estimate(e.tier)
        assert estimate is not None
        assert (estimate.p_ok or 0) >= 0.7
        assert e.propensity is not None
        assert e.propensity[u.tier] == 0.8
        assert e.propensity[e.tier] == pytest.approx(0.2 / (len(e.propensity) - 1))
    plain = [msgspec.structs.replace(e, propensity=None) for e in explored]
    assert all(u == p for u, e, p in zip(usual, explored, plain, strict=True) if not e.is_explored)
    assert all(sum((e.propensity or {e.tier: 1}).values()) == pytest.approx(1) for e in explored)


@pytest.mark.parametrize("more", [{"price": 0.3}, {"mix": {"cheap": 0.5, "middle": 0.5}}])
async def test_under_a_tuned_promise_exploring_only_goes_up(more: Any) -> None:
    texts = needs(EVEN, 400, 12)
    usual = await serve(router(Needy(**more)), texts)
    explored = await serve(router(Needy(**more), explore_share=0.2), texts)
    pairs = [(u, e) for u, e in zip(usual, explored, strict=True) if e.is_explored]
    ranks = {t.name: i for i, t in enumerate(TIERS)}
    assert len(pairs) > 20
    assert all(ranks[e.tier] > ranks[u.tier] for u, e in pairs)


@pytest.mark.parametrize("tuned", [{"price": 0.3}, {"mix": {"cheap": 1.0}}])
async def test_under_a_tuned_promise_no_worse_tier_is_explored(tuned: Any) -> None:
    class Hole:
        """The middle tier is the worst; the dearest is what the promise is a share of."""

        name = "hole"

        def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
            return Estimates({"cheap": 0.6, "middle": 0.3, "dear": 0.55}, need=0.5, **tuned)

    found = [d for d in await serve(router(Hole(), explore_share=0.5), needs(EVEN, 100, 17)) if d.is_explored]
    assert {d.tier for d in found} == {"dear"}


def talk(text: str, *answers: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": text}]
    for answer in answers:
        messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": "yes, go on"}]
    return messages


async def in_talk(by: Router, messages: list[dict[str, Any]], settled: str = "") -> Decision:
    request = ChatRequest.build({"messages": messages}, Caller(), Wishes(session="s"))
    turn = read_turn(request, session="s")
    if settled:
        by.sessions.settle(turn, settled, n_input_tokens=50)
    return await by.decide(request, sizes=Sizes.of(50), turn=turn)


async def test_exploring_keeps_what_a_conversation_holds() -> None:
    held = [
        await in_talk(router(explore_share=0.2), talk(text, "1."), "dear") for text in needs(EVEN, 200, 13)
    ]
    assert {d.tier for d in held} == {"dear"}


async def test_exploring_never_goes_under_what_the_caller_wants() -> None:
    for text in needs(EVEN, 100, 14):
        d = await router(explore_share=0.2).decide(asked(f"{text} think harder"), sizes=Sizes.of(50))
        plain = await router().decide(asked(f"{text} think harder"), sizes=Sizes.of(50))
        assert d.tier in (plain.tier, "dear")
        d = await router(explore_share=0.2).decide(asked(text, min_tier="middle"), sizes=Sizes.of(50))
        assert d.tier != "cheap"


async def test_no_exploring_inside_a_tool_loop() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "run", "arguments": "1"}}
    loop: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "ok"},
    ]
    by = router(explore_share=0.2)
    found = [await in_talk(by, [*talk(text), *loop]) for text in needs(EVEN, 200, 15)]
    assert not any(d.is_explored for d in found)
    assert any([(await in_talk(by, talk(text))).is_explored for text in needs(EVEN, 200, 15)])


# ---- what is refused


KEYLESS = [*TIERS[:2], tier("dear", 2.0, quality=0.9, missing_key="DEAR_KEY")]


def keyless(policy: Any, promises: Any = None) -> Router:
    return Router(
        RoutingConfig(policy_timeout_s=20), PromisesConfig(**(promises or {})), KEYLESS, policy=policy
    )


async def refused(policy: Any, promises: Any = None) -> str:
    with pytest.raises(QualityFloorUnmet) as caught:
        await keyless(policy, promises).decide(asked("0.9 hard"), sizes=Sizes.of(50))
    assert caught.value.wanted_tier == "dear"
    return str(caught.value)


async def test_a_refusal_names_the_promise_that_rules() -> None:
    for tuned in (Needy(price=0.01), Needy(mix={"dear": 1.0})):
        said = await refused(tuned)
        assert said.startswith("The tuned policy asks for dear, but it needs DEAR_KEY; no other tier")
        assert "floor" not in said
    said = await refused(Needy())
    assert said.startswith("dear should answer this (p_ok 0.86) but needs DEAR_KEY")
    assert said.endswith("of the floor 0.70.")
    assert "of the floor 0.80" in await refused(Needy(price=0.01), {"min_p_ok": 0.8})


async def test_a_degraded_answer_says_what_it_lacks() -> None:
    for policy, said in (
        (Needy(), "degraded: below the quality floor"),
        (Needy(price=0.01), "degraded: not good enough by the tuned policy or a check"),
    ):
        request = asked("0.9 hard", below_floor="flag")
        decision = await keyless(policy).decide(request, sizes=Sizes.of(50))
        assert decision.why.endswith(said)


# ---- to ask is not to answer


async def test_what_is_only_explained_changes_nothing() -> None:
    texts = needs(EVEN, 250, 16)
    one, other = (router(target_share=0.3, explore_share=0.1) for _ in "ab")
    for text in texts:
        request = asked(text)
        again = [await one.decide(request, sizes=Sizes.of(50)) for _ in range(3)]
        assert again[0] == again[1] == again[2]
        assert again[0] == (await serve(other, [text]))[0]
        one.observe(again[0], 0.0)


# ---- cascades

TIER_NAMES = tuple(t.name for t in TIERS)
QUESTION = "0.5 What is the number of apples: 12 * 7 + 5?"
ON: dict[str, Any] = {"cascade": "on"}


class Learnt(msgspec.Struct):
    """As much of a learned policy's bundle as a cascade reads."""

    card: Any


def sure(*, cascade: Prior | None = Prior(), **p_ok: float) -> Any:  # noqa: B008 - frozen
    class Sure:
        name = "sure"
        bundle = Learnt(Card(TIER_NAMES, "", 0, 0, cascade=cascade))

        def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
            return Estimates(p_ok, need=0.5, price=0.3)

    return Sure()


P_AGREEING: dict[str, Any] = {"cheap": 0.6, "middle": 0.62, "dear": 0.95}
AGREEING = sure(**P_AGREEING)


async def plan(by: Router, text: str = QUESTION, **asks: Any) -> Decision:
    return await by.decide(asked(text, **asks), sizes=Sizes.of(50))


async def test_a_cascade_is_planned_where_answers_compare_and_it_pays() -> None:
    found = (await plan(router(AGREEING, **ON))).cascade
    assert found is not None
    assert (found.opinions, found.kind, found.escalate_to) == (("cheap", "middle"), "number", ("dear",))


async def test_no_cascade_unless_asked_for_learned_comparable_and_whole() -> None:
    untuned = Needy()
    for by, text, fields in (
        (router(AGREEING), QUESTION, {}),
        (router(sure(**P_AGREEING, cascade=None), **ON), QUESTION, {}),
        (router(sure(**P_AGREEING, cascade=Prior(pays=False)), **ON), QUESTION, {}),
        (router(untuned, **ON), QUESTION, {}),
        (router(AGREEING, **ON), "0.5 Write a poem about apples.", {}),
        (router(AGREEING, **ON), QUESTION, {"stream": True}),
        (router(AGREEING, **ON), QUESTION, {"n": 2}),
        (router(sure(cheap=0.05, middle=0.05, dear=0.95), **ON), QUESTION, {}),
        (router(sure(cheap=0.99, middle=0.99, dear=0.99), **ON), QUESTION, {}),
    ):
        assert (await plan(by, text, fields=fields)).cascade is None


async def test_no_cheap_opinions_where_someone_wants_a_dearer_tier() -> None:
    by = router(AGREEING, **ON)
    assert (await plan(by, f"{QUESTION} Think harder.")).cascade is None
    assert (await plan(by, min_tier="dear")).cascade is None
    steered = router(AGREEING, target_share=0.9, **ON)
    assert (await plan(steered)).cascade is None
    held = await in_talk(by, talk(QUESTION, "1."), "dear")
    assert (held.tier, held.cascade) == ("dear", None)


async def test_a_cascade_accepts_nothing_under_a_floor_that_the_user_set() -> None:
    loose = (await plan(router(AGREEING, **ON))).cascade
    strict = (await plan(router(AGREEING, promises={"min_p_ok": 0.9}, **ON))).cascade
    assert loose is not None
    assert loose.accept_above < 0.9
    assert strict is None or strict.accept_above >= 0.9


async def test_a_cascade_asks_only_tiers_that_can_be_asked() -> None:
    keyless = [TIERS[0], tier("middle", 0.2, missing_key="KEY"), TIERS[2]]
    by = Router(RoutingConfig(policy_timeout_s=20, cascade="on"), PromisesConfig(), keyless, policy=AGREEING)
    found = (await plan(by)).cascade
    assert found is not None
    assert (found.opinions, found.escalate_to) == (("cheap", "cheap"), ("dear",))


# ---- whatever the numbers

NAMES = "abcd"
ADVICE = st.one_of(
    st.just(Advice()),
    st.builds(Advice, n_up=st.integers(0, 3), is_tool_loop=st.booleans()),
    st.builds(Advice, min_tier=st.sampled_from(NAMES), is_tool_loop=st.booleans()),
    st.builds(Advice, keeps=st.sampled_from(NAMES)),
)
ROWS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.floats(0, 1),
        st.sampled_from([None, None, None, "rule", "window"]),
        st.sampled_from([None, None, None, "no_key", "over_budget", "unknown_price"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
).filter(lambda rows: any(bar is None for _, _, bar, _, _ in rows))


@st.composite
def made(draw: st.DrawFn) -> tuple[list[Look], Estimates, Advice, dict[str, Any]]:
    rows = draw(ROWS)
    costs = sorted(row[1] for row in rows)
    looks = [
        Look(tier(NAMES[i], costs[i]), p, costs[i], 2 * costs[i], bar, obstacle, rests, i)
        for i, (p, _, bar, obstacle, rests) in enumerate(rows)
    ]
    names = [k.tier.name for k in looks]
    tuned: dict[str, Any] = draw(
        st.sampled_from(
            [{}, {"price": 0.0}, {"price": 0.4}, {"mix": {names[-1]: 1.0}}, {"mix": {names[0]: 1.0}}]
        )
    )
    need = draw(st.none() | st.floats(0, 1))
    estimates = Estimates({k.tier.name: k.p_ok for k in looks}, need=need, **tuned)
    settings = {
        "promises": draw(st.sampled_from([{}, {"min_p_ok": 0.5}, {"below_floor": "flag"}])),
        "routing": draw(
            st.sampled_from([{}, {"target_share": 0.5}, {"target_usd_per_day": 5.0}, {"cascade": "on"}])
        ),
        "explore_share": draw(st.sampled_from([0.0, 1.0])),
        "escalates": draw(st.booleans()),
    }
    return looks, estimates, draw(ADVICE), settings


def steer(looks: Sequence[Look], estimates: Estimates, advice: Advice, settings: dict[str, Any]) -> Steered:
    by = Steering(
        PromisesConfig(**settings["promises"]),
        RoutingConfig(**settings["routing"]),
        [k.tier for k in looks],
        explore_share=settings["explore_share"],
        cascade=Prior(),
    )
    ask = read_ask("What is the number of apples?")
    return by.choose(
        asked(ask.text),
        ask,
        looks,
        estimates,
        advice,
        1.0,
        escalates=settings["escalates"],
        n_input_tokens=100,
        n_output_tokens=10,
    )


@given(made())
def test_whatever_pulls_no_promise_breaks(case: tuple[list[Look], Estimates, Advice, dict[str, Any]]) -> None:
    looks, estimates, advice, settings = case
    able = [k for k in looks if k.bar is None and k.obstacle is None]
    try:
        steered = steer(looks, estimates, advice, settings)
    except (BudgetExceeded, QualityFloorUnmet):
        floor, least = by_floor(looks, estimates, settings), least_of(looks, estimates)
        # under a price, tiers that can be asked may be too poor for the promise
        assert estimates.price is not None or not any(k.p_ok >= floor and k.rank >= least for k in able)
        return
    chain, floor = steered.choice.chain, steered.terms.min_p_ok
    assert all(k in able for k in chain)
    assert len({k.tier.name for k in chain}) == len(chain)
    assert steer(looks, estimates, advice, settings) == steered
    good = [k for k in able if k.p_ok >= floor and k.rank >= steered.terms.least]
    if steered.choice.is_degraded:
        assert settings["promises"].get("below_floor") == "flag"
        assert estimates.price is not None or not good
        assert not steered.is_explored
        return
    assert chain[0].p_ok >= floor
    assert not chain[0].is_resting or estimates.price is not None or all(k.is_resting for k in good)
    if advice.min_tier is not None:
        held = [k for k in good if k.rank >= NAMES.index(advice.min_tier) and not k.is_resting]
        assert not held or chain[0].rank >= NAMES.index(advice.min_tier)
    if steered.is_explored:
        assert settings["explore_share"]
        assert not advice.is_tool_loop
        assert steered.cascade is None
    if steered.cascade is not None:
        names = {k.tier.name for k in able}
        assert estimates.price is not None
        assert {*steered.cascade.opinions, *steered.cascade.escalate_to} <= names


def by_floor(looks: Sequence[Look], estimates: Estimates, settings: dict[str, Any]) -> float:
    """The floor, where nothing lowers it."""
    explicit: float | None = settings["promises"].get("min_p_ok")
    if explicit is not None:
        return explicit
    return 0.0 if estimates.price is not None or estimates.mix else 0.7


def least_of(looks: Sequence[Look], estimates: Estimates) -> int:
    return 0 if not estimates.mix else [k.tier.name for k in looks].index(next(iter(estimates.mix)))


@given(
    need=st.floats(0, 1),
    wishes=st.sampled_from(
        [{}, {"min_tier": "middle"}, {"min_tier": "dear"}, {"tier": "cheap"}, {"tier": "dear"}]
    ),
    word=st.sampled_from(["", "atleast", "pinned", "atleast pinned", "think harder"]),
    max_usd=st.none() | st.floats(0.0001, 0.02),
    routing=st.sampled_from([{}, {"target_share": 0.4}, {"cascade": "on"}]),
    more=st.sampled_from([{}, {"price": 0.1}, {"mix": {"cheap": 1.0}}]),
    explore_share=st.sampled_from([0.0, 1.0]),
)
async def test_rules_wishes_pins_and_dollars_hold_whatever_pulls(
    need: float,
    wishes: Any,
    word: str,
    max_usd: float | None,
    routing: Any,
    more: Any,
    explore_share: float,
) -> None:
    rules = [
        RuleConfig(name="least", keywords=["atleast"], min_tier="middle"),
        RuleConfig(name="pin", keywords=["pinned"], pin="cheap"),
    ]
    by = router(Needy(**more), explore_share=explore_share, rules=rules, **routing)
    ranks = {t.name: i for i, t in enumerate(TIERS)}
    request = asked(f"{need:.3f} {word} how many", max_usd=max_usd, **wishes)
    try:
        found = await by.decide(request, sizes=Sizes.of(50))
    except BudgetExceeded:
        assert max_usd is not None
        return
    least = max(ranks[wishes.get("min_tier", "cheap")], "atleast" in word)
    pin = wishes.get("tier") or (TIERS[least].name if "pinned" in word else None)
    if pin is not None:
        assert found.chain == (pin,)
    else:
        assert all(ranks[name] >= least for name in found.chain)
    for name in (*found.chain, *(() if found.cascade is None else found.cascade.opinions)):
        estimate = found.estimate(name)
        assert estimate is not None
        assert max_usd is None or (estimate.max_cost_usd or 0) <= max_usd
        assert pin is not None or ranks[name] >= least
