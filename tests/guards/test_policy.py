"""Policies as data: routes add to what holds for all, and can only tighten it."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.base.config import Config, GuardsConfig
from stepwell.base.config.guards import GuardStages
from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError, GuardBlocked
from stepwell.base.request import Caller, ChatRequest, Wishes
from stepwell.guards.guard import Guard
from stepwell.guards.policy import MAX_TOGETHER
from stepwell.guards.tally import Tally
from stepwell.guards.tighten import STAGES, checks_of

EMAIL = "write to ann@example.com"


def guard(**sections: Any) -> Guard:
    return Guard(GuardsConfig.model_validate({"input": [], "output": [], **sections}))


def ask(
    *messages: dict[str, str], tenant: str | None = None, wishes: Wishes | None = None, **more: Any
) -> ChatRequest:
    said = list(messages) or [{"role": "user", "content": EMAIL}]
    return ChatRequest.build({"messages": said, **more}, Caller(tenant), wishes or Wishes())


def test_a_stage_without_a_list_takes_that_of_its_end() -> None:
    stages = GuardStages.model_validate({"input": ["email"], "output": ["iban"], "tool_args": []})
    assert [[c.check for c in checks_of(stages, s)] for s in STAGES] == [
        ["email"],
        ["email"],
        [],
        ["email"],
        ["iban"],
        ["iban"],
    ]


async def test_a_route_holds_for_its_tenants_tags_and_headers_alone() -> None:
    made = guard(
        input=["email"],
        routes=[
            {"name": "bank", "tenants": ["bank"], "input": [{"check": "email", "action": "block"}]},
            {"name": "beta", "tags": ["beta"], "header": {"X-Env": "Test"}, "input": ["iban"]},
        ],
    )
    verdict, changed = await made.check_input(ask())
    assert (verdict.action, changed.messages[0].text) == ("redact", "write to [EMAIL]")
    with pytest.raises(GuardBlocked) as e:
        await made.check_input(ask(tenant="bank"))
    assert e.value.verdict.policy not in ("", verdict.policy)
    tagged = ask(wishes=Wishes(tags=frozenset({"beta"})))
    both = ask(wishes=Wishes(tags=frozenset({"beta"}), headers={"x-env": ("Test",)}))
    assert made.policy(tagged).routes == ()
    assert made.policy(both).routes == ("beta",)
    assert made.policy(both).fingerprint != made.policy(tagged).fingerprint


async def test_each_stage_has_checks_of_its_own() -> None:
    made = guard(
        input=["iban"],
        tool_result=["email"],
        retrieved=[{"check": "email", "action": "block"}],
        retrieved_marks=[["<doc>", "</doc>"]],
    )
    said = [{"role": "user", "content": EMAIL}, {"role": "tool", "tool_call_id": "1", "content": EMAIL}]
    _, changed = await made.check_input(ask(*said))
    assert [m.text for m in changed.messages] == [EMAIL, "write to [EMAIL]"]
    for documents in ({"documents": [EMAIL]}, {"documents": [{"text": EMAIL}]}):
        with pytest.raises(GuardBlocked):
            await made.check_input(ask(said[0], **documents))
    with pytest.raises(GuardBlocked):
        await made.check_input(ask({"role": "user", "content": f"sum up <doc>{EMAIL}</doc>"}))


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"output": [{"check": "email", "action": "mask"}]}, "mask is for input"),
        ({"output": [{"check": "email", "action": "keep_to", "tiers": ["a"]}]}, "keep_to is for input"),
        ({"input": [{"check": "email", "action": "reask"}]}, "reask is for output"),
        ({"input": [{"check": "email", "action": "escalate"}]}, "escalate is for output"),
        ({"routes": [{"name": "a", "tags": ["t"]}, {"name": "a", "tags": ["u"]}]}, "share a name"),
    ],
)
def test_what_makes_no_sense_is_refused_at_the_start(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        guard(**sections)


def test_the_most_severe_action_wins_and_a_binding_only_narrows() -> None:
    tally = Tally("input", policy="p")
    tally.add([Finding("EMAIL", 0, 3)], "log")
    assert tally.verdict.action == "allow"
    for action in ("redact", "keep_to", "mask", "log"):
        tally.add([Finding("IBAN", 0, 3)], action, tiers=["a", "b"])
    assert (tally.verdict.action, tally.verdict.keep_to) == ("keep_to", ("a", "b"))
    tally.bind(["b", "c"])
    assert tally.verdict.keep_to == ("b",)
    assert [n.action for n in tally.verdict.findings] == ["log", "redact", "keep_to", "mask", "log"]
    with pytest.raises(GuardBlocked):
        tally.bind(["c"])


@pytest.mark.parametrize("values", [("0", "Test"), (" Test\t",), ("0, Test",)])
def test_any_value_of_a_header_puts_a_request_on_a_route(values: tuple[str, ...]) -> None:
    made = guard(routes=[{"name": "env", "header": {"X-Env": "Test"}, "input": ["iban"]}])
    assert made.policy(ask(wishes=Wishes(headers={"x-env": values}))).routes == ("env",)
    assert made.policy(ask(wishes=Wishes(headers={"x-env": ("0", "Tests")}))).routes == ()


KEEP = {"check": "email", "action": "keep_to", "tiers": ["premium", "gold"]}


@pytest.mark.parametrize(
    ("guards", "where"),
    [
        ({"input": [KEEP]}, "guards.input, email"),
        ({"retrieved": [KEEP]}, "guards.retrieved, email"),
        ({"routes": [{"name": "eu", "tags": ["eu"], "input": [KEEP]}]}, "guards.routes.eu.input, email"),
        ({"routes": [{"name": "eu", "tags": ["eu"], "keep_to": ["gold"]}]}, "guards.routes.eu.keep_to"),
    ],
)
def test_no_request_is_bound_to_a_tier_that_is_not_there(guards: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigError, match=f"{where} names tier 'gold'; there are premium"):
        Config.make({"guards": guards})


def on_routes(*tags: str) -> ChatRequest:
    return ask(wishes=Wishes(tags=frozenset(tags)))


@pytest.mark.parametrize("checks", [[], ["iban"]])
async def test_a_request_on_routes_without_a_common_tier_is_blocked(checks: list[str]) -> None:
    routes = [{"name": t, "tags": [t], "keep_to": [t]} for t in ("a", "b")]
    made = guard(input=checks, routes=routes)
    with pytest.raises(GuardBlocked, match="no tier may see it"):
        await made.check_input(on_routes("a", "b"))
    _, bound = await made.check_input(on_routes("b"))
    assert bound.keep_to == frozenset({"b"})
    versions = {made.policy(on_routes(*tags)).version for tags in ((), ("a",), ("b",), ("a", "b"))}
    assert len(versions) == 4


def test_callers_can_not_fill_the_memory_with_policies() -> None:
    names = [f"r{i}" for i in range(9)]
    made = guard(routes=[{"name": n, "tags": [n], "input": ["email"]} for n in names])
    for places in range(2 ** len(names)):
        tags = [n for i, n in enumerate(names) if places >> i & 1]
        assert made.policy(on_routes(*tags, "unheard of")).routes == tuple(tags)
    assert made._policies._of_routes.cache_info().currsize == MAX_TOGETHER


async def test_wishes_and_policies_bind_together() -> None:
    rules = [{"check": "email", "action": "keep_to", "tiers": ["local", "hosted"]}]
    made = guard(input=rules, routes=[{"name": "eu", "tenants": ["eu"], "keep_to": ["local", "own"]}])
    verdict, bound = await made.check_input(ask(tenant="eu"))
    assert (bound.keep_to, verdict.keep_to) == (frozenset({"local"}), ("local",))
    _, plain = await made.check_input(ask({"role": "user", "content": "hello"}))
    assert plain.keep_to is None
    with pytest.raises(GuardBlocked):
        await made.check_input(ask(wishes=Wishes(keep_to=frozenset({"elsewhere"}))))
    _, wished = await guard().check_input(ask(wishes=Wishes(keep_to=frozenset({"local"}))))
    assert wished.keep_to == frozenset({"local"})
    verdict, _ = await guard().check_input(ask(wishes=Wishes(keep_to=frozenset({"local"}))))
    assert (verdict.action, verdict.keep_to) == ("keep_to", ("local",))
