"""Routes can only tighten, by what is in effect; of two the stricter holds."""

from __future__ import annotations

from itertools import combinations
from math import inf
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.config import GuardsConfig
from stepwell.base.errors import ConfigError, GuardBlocked, HeldForReview
from stepwell.base.request import Caller, ChatRequest, Wishes
from stepwell.guards.guard import Guard
from stepwell.guards.policy import Policies
from stepwell.guards.rules import Budgets, Rule

EMAIL = "write to ann@example.com"


def guard(reviews: Any = None, **sections: Any) -> Guard:
    return Guard(GuardsConfig.model_validate({"input": [], "output": [], **sections}), reviews=reviews)


def ask(*tags: str) -> ChatRequest:
    body = {"messages": [{"role": "user", "content": EMAIL}]}
    return ChatRequest.build(body, Caller(), Wishes(tags=frozenset(tags)))


def route(name: str, *checks: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "tags": [name], "input": list(checks), **more}


LOOSER = [
    ("action", {"check": "email", "action": "redact"}, {"action": "log"}),
    ("action", {"check": "secrets"}, {"action": "log"}),
    ("action", {"check": "injection"}, {"action": "log"}),
    ("action", {"check": "injection"}, {"action": "redact"}),
    ("action", {"check": "email", "action": "block"}, {"action": "review"}),
    ("on_error", {"check": "email", "on_error": "closed"}, {"on_error": "open"}),
    ("threshold", {"check": "email", "threshold": 0.5}, {"threshold": 0.6}),
    ("threshold", {"check": "email"}, {"threshold": 1.0}),
    ("threshold", {"check": "injection"}, {"threshold": 1.0}),
    ("threshold", {"check": "injection"}, {"false_blocks": 1e-9}),
    ("threshold", {"check": "injection", "threshold": 0.5}, {"false_blocks": 0.01}),
    ("threshold", {"check": "injection", "false_blocks": 0.05}, {"threshold": 1.0}),
    ("threshold", {"check": "injection", "false_blocks": 0.02}, {"false_blocks": 0.01}),
    ("timeout_s", {"check": "injection", "on_error": "open"}, {"timeout_s": 1e-9}),
    (
        "tiers",
        {"check": "email", "action": "keep_to", "tiers": ["a"]},
        {"action": "keep_to", "tiers": ["a", "b"]},
    ),
]


@pytest.mark.parametrize(("what", "base", "new"), LOOSER)
def test_a_route_that_would_loosen_is_refused(what: str, base: dict[str, Any], new: dict[str, Any]) -> None:
    name = base["check"]
    with pytest.raises(ConfigError, match=rf"guards\.routes\.r, input, {name}: {what} .* would loosen"):
        guard(input=[base], routes=[route("r", {"check": name, **new})])


@pytest.mark.parametrize(
    ("base", "new", "effective"),
    [
        ({"check": "injection"}, {"threshold": 0.1}, [("block", 0.1, "closed")]),
        ({"check": "injection", "threshold": 1.0}, {"false_blocks": 0.01}, None),
        ({"check": "email", "action": "block"}, {}, [("block", 0.0, "closed")]),
        (
            {"check": "email", "on_error": "open"},
            {"on_error": "closed", "timeout_s": 0.1},
            [("redact", 0, "closed")],
        ),
        (
            {"check": "email", "threshold": 0.3},
            {"action": "review", "threshold": 0.9},
            [("review", 0.9, "closed"), ("redact", 0.3, "closed")],
        ),
    ],
)
def test_what_a_route_leaves_open_holds_as_for_all(
    base: dict[str, Any], new: dict[str, Any], effective: list[tuple[str, float, str]] | None
) -> None:
    made = guard(input=[base], routes=[route("r", {"check": base["check"], **new})])
    found = [(r.action, r.threshold, r.on_error) for r in made.policy(ask("r")).rules["input"]]
    if effective is None:
        assert [(a, e) for a, _, e in found] == [("block", "closed")]
        assert found[0][1] < 1
    else:
        assert found == effective


class Approving:
    """People who approve everything, after they were asked once."""

    def __init__(self) -> None:
        self.is_asked = False

    async def verdict(self, *_: object) -> str | None:
        return "approved" if self.is_asked else None

    async def hold(self, *_: object, **__: object) -> str:
        self.is_asked = True
        return "1"


@pytest.mark.parametrize("base", ["redact", "mask", "keep_to"])
async def test_what_people_approve_is_still_cut_and_bound(base: str) -> None:
    rule = {"check": "email", "action": base, "tiers": ["a"] if base == "keep_to" else []}
    made = guard(Approving(), input=[rule], routes=[route("r", {"check": "email", "action": "review"})])
    with pytest.raises(HeldForReview):
        await made.check_input(ask("r"))
    _, passed = await made.check_input(ask("r"))
    if base == "keep_to":
        assert passed.keep_to == frozenset({"a"})
    else:
        assert passed.messages[0].text == "write to [EMAIL]"


async def test_of_two_routes_the_stricter_holds_whatever_their_order() -> None:
    block, mask = (
        route(a, {"check": "email", "action": a, "threshold": t}) for a, t in (("block", 0.9), ("mask", 0.2))
    )
    for routes in ([block, mask], [mask, block]):
        made = guard(routes=routes)
        rules = made.policy(ask("block", "mask")).rules["input"]
        assert [(r.action, r.threshold) for r in rules] == [("block", 0.9), ("mask", 0.2)]
        with pytest.raises(GuardBlocked):
            await made.check_input(ask("block", "mask"))


@pytest.mark.parametrize(("on_error", "timeout_s"), [("open", 2.0), ("closed", 0.5)])
def test_of_two_time_limits_the_stricter_holds(on_error: str, timeout_s: float) -> None:
    routes = [route(f"r{t}", {"check": "email", "on_error": on_error, "timeout_s": t}) for t in (0.5, 2.0)]
    for listed in (routes, routes[::-1]):
        rules = guard(routes=listed).policy(ask("r0.5", "r2.0")).rules["input"]
        assert [r.timeout_s for r in rules] == [timeout_s]


async def test_routes_that_bind_a_finding_to_different_tiers_block_it() -> None:
    routes = [route(t, {"check": "email", "action": "keep_to", "tiers": [t]}) for t in ("a", "b")]
    made = guard(routes=routes)
    _, bound = await made.check_input(ask("b"))
    assert bound.keep_to == frozenset({"b"})
    with pytest.raises(GuardBlocked):
        await made.check_input(ask("a", "b"))


# ---- every way to combine


End = Literal["input", "output"]
ENDS: tuple[End, ...] = ("input", "output")


def configs(end: End) -> st.SearchStrategy[dict[str, Any]]:
    own = ("keep_to", "mask") if end == "input" else ("reask", "escalate")
    return st.fixed_dictionaries(
        {"check": st.sampled_from(["email", "injection"])},
        optional={
            "action": st.sampled_from(["block", "review", *own, "redact", "log"]),
            "tiers": st.sampled_from([["a"], ["b"], ["a", "b"]]),
            "threshold": st.sampled_from([0.2, 0.9, 1.0]),
            "false_blocks": st.sampled_from([0.001, 0.05]),
            "on_error": st.sampled_from(["open", "closed"]),
            "timeout_s": st.sampled_from([0.5, 2.0]),
            "n_reasks": st.sampled_from([1, 3]),
        },
    ).map(_valid)


def _valid(config: dict[str, Any]) -> dict[str, Any]:
    if config.get("action") != "keep_to":
        config.pop("tiers", None)
    else:
        config.setdefault("tiers", ["a"])
    if "threshold" in config:
        config.pop("false_blocks", None)
    return config


@st.composite
def sections(draw: st.DrawFn) -> tuple[End, dict[str, Any]]:
    end = draw(st.sampled_from(ENDS))
    lists = st.lists(configs(end), max_size=2)
    other: dict[str, Any] = {"output" if end == "input" else "input": []}
    routes = [{"name": n, "tags": [n], end: draw(lists), **other} for n in ("x", "y", "z")]
    return end, {end: draw(lists), **other, "routes": routes}


Outcome = tuple[bool, bool, bool, bool, frozenset[str]]


def outcome(rules: tuple[Rule, ...], score: float, took_s: float) -> Outcome:
    """What becomes of a text: stopped, seen by people, asked for again or cut if they approve, and for which tiers."""
    acts, tiers = set(), frozenset("abc")
    for rule in rules:
        if took_s > rule.timeout_s and (rule.on_error == "open" or took_s == inf):
            acts.add("block" if rule.on_error == "closed" else "")
        elif score >= rule.threshold:
            acts.add(rule.action)
            tiers &= frozenset(rule.tiers or tiers)
    stopped = "block" in acts or not tiers
    again = stopped or bool(acts & {"reask", "escalate"})
    cut = again or bool(acts & {"mask", "redact"})
    return stopped, stopped or "review" in acts, again, cut, frozenset() if stopped else tiers


def is_as_strict(a: Outcome, b: Outcome) -> bool:
    return all(x >= y for x, y in zip(a[:4], b[:4], strict=True)) and a[4] <= b[4]


@given(sections())
def test_more_routes_never_make_a_request_freer_and_their_order_changes_nothing(
    case: tuple[End, dict[str, Any]],
) -> None:
    end, said = case
    allowed = []
    for one in said["routes"]:
        try:
            Policies(GuardsConfig.model_validate({**said, "routes": [one]}), Budgets())
        except ConfigError:
            continue
        allowed.append(one)
    made = Policies(GuardsConfig.model_validate({**said, "routes": allowed}), Budgets())
    turned = Policies(GuardsConfig.model_validate({**said, "routes": allowed[::-1]}), Budgets())
    names = [r["name"] for r in allowed]
    for chosen in (c for n in range(len(names) + 1) for c in combinations(names, n)):
        for check in ("email", "injection"):
            rules, other, *fewer = (
                tuple(r for r in p.of(ask(*tags)).rules[end] if r.check.name == check)
                for p, tags in (
                    (made, chosen),
                    (turned, chosen),
                    (made, ()),
                    *((made, (tag,)) for tag in chosen),
                )
            )
            for score in (0.1, 0.2, 0.85, 0.9, 1.0):
                for took_s in (0.0, 1.0, inf):
                    found = outcome(rules, score, took_s)
                    assert found == outcome(other, score, took_s)
                    for one in fewer:
                        assert is_as_strict(found, outcome(one, score, took_s))
