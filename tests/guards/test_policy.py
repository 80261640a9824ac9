"""Policies as data: routes add to what holds for all, and can only tighten it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.config import GuardsConfig
from stepwell.base.config.guards import CheckConfig, GuardRoute, GuardStages
from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError, GuardBlocked
from stepwell.base.request import Caller, ChatRequest, Wishes
from stepwell.guards.guard import Guard
from stepwell.guards.tally import Tally
from stepwell.guards.tighten import STAGES, WORST_FIRST, checks_of, tightened

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


def route(**more: Any) -> GuardRoute:
    return GuardRoute.model_validate({"name": "r", "tenants": ["a"], **more})


LOOSER = [
    ({"check": "email", "action": "redact"}, {"check": "email", "action": "log"}),
    ({"check": "email", "action": "block"}, {"check": "email", "action": "review"}),
    ({"check": "email", "on_error": "closed"}, {"check": "email", "on_error": "open"}),
    ({"check": "email", "threshold": 0.5}, {"check": "email", "threshold": 0.6}),
    ({"check": "email", "threshold": 0.5}, {"check": "email", "false_blocks": 0.1}),
    ({"check": "email", "false_blocks": 0.02}, {"check": "email", "false_blocks": 0.01}),
    (
        {"check": "email", "action": "keep_to", "tiers": ["a"]},
        {"check": "email", "action": "keep_to", "tiers": ["a", "b"]},
    ),
]


@pytest.mark.parametrize(("base", "new"), LOOSER)
def test_a_route_that_would_loosen_is_refused(base: dict[str, Any], new: dict[str, Any]) -> None:
    stages = GuardStages.model_validate({"input": [base]})
    with pytest.raises(ConfigError, match=r"guards\.routes\.r, input, email"):
        tightened(stages, [route(input=[new])], "input")


@given(
    base=st.sampled_from(WORST_FIRST),
    new=st.sampled_from(WORST_FIRST),
    thresholds=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_what_holds_with_a_route_is_never_milder(
    base: str, new: str, thresholds: tuple[float, float]
) -> None:
    def made(action: str, threshold: float) -> CheckConfig:
        tiers = ["a"] if action == "keep_to" else []
        return CheckConfig.model_validate(
            {"check": "email", "action": action, "tiers": tiers, "threshold": threshold}
        )

    stages = GuardStages(input=[made(base, thresholds[0])])
    try:
        both, *more = tightened(stages, [route(input=[made(new, thresholds[1])])], "input")
    except ConfigError:
        assert WORST_FIRST.index(new) > WORST_FIRST.index(base) or thresholds[1] > thresholds[0]
        return
    if more:  # binding and cutting, side by side
        assert {base, new} & {"mask", "redact"}
        assert [c.action for c in (both, *more)] == [base, new]
        return
    assert both.action is not None
    assert both.threshold is not None
    assert WORST_FIRST.index(both.action) <= WORST_FIRST.index(base)
    assert both.threshold <= thresholds[0]


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
    both = ask(wishes=Wishes(tags=frozenset({"beta"}), headers={"x-env": "Test"}))
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
