"""What the user's rules say."""

from collections.abc import Mapping

import pytest

from stepwell.base.config import RoutingConfig, RuleConfig
from stepwell.base.request import NO_WISHES, NOBODY, Caller, ChatRequest, Wishes
from stepwell.router.rules import Rules


def request(caller: Caller = NOBODY, wishes: Wishes = NO_WISHES) -> ChatRequest:
    return ChatRequest.build({"messages": [{"role": "user", "content": "x"}]}, caller, wishes)


def rule(**conditions: object) -> Rules:
    config = RuleConfig.model_validate({"name": "r", "pin": "local", **conditions})
    return Rules(RoutingConfig(rules=[config]))


@pytest.mark.parametrize(
    ("ask", "fires"),
    [
        ("my invoice is late", True),
        ("INVOICE!", True),
        ("invoices are late", False),
        ("preinvoice", False),
        ("invoices, no: an invoice", True),
        ("请问invoice在哪", True),
    ],
)
def test_keywords_match_whole_words(ask: str, fires: bool) -> None:
    assert bool(rule(keywords=["Invoice"]).read(request(), ask).said) is fires


def test_a_keyword_without_spaces_in_its_script_matches() -> None:
    assert rule(keywords=["发票"]).read(request(), "我的发票在哪里").pin == "local"


@pytest.mark.parametrize(
    ("conditions", "caller", "headers", "fires"),
    [
        ({"tenants": ["a"]}, Caller("a"), {}, True),
        ({"tenants": ["a"]}, Caller(), {}, False),
        ({"tags": ["t", "u"]}, Caller(), {}, True),
        ({"tags": ["v"]}, Caller(), {}, False),
        ({"header": {"X-Team": "red"}}, Caller(), {"x-team": ("red",)}, True),
        ({"header": {"X-Team": "red"}}, Caller(), {"x-team": ("blue", " red ")}, True),
        ({"header": {"X-Team": "red"}}, Caller(), {"x-team": ("blue, red",)}, True),
        ({"header": {"X-Team": "red"}}, Caller(), {"x-team": ("blue", "reddish")}, False),
        ({"header": {"X-Team": "red"}, "tenants": ["a"]}, Caller("b"), {"x-team": ("red",)}, False),
    ],
)
def test_every_condition_must_hold(
    conditions: dict[str, object], caller: Caller, headers: Mapping[str, tuple[str, ...]], fires: bool
) -> None:
    asked = request(caller, Wishes(tags=frozenset({"t"}), headers=headers))
    assert bool(rule(**conditions).read(asked, "x").said) is fires


def test_the_first_pin_wins_and_least_tiers_add_up() -> None:
    rules = Rules(
        RoutingConfig(
            rules=[
                RuleConfig(name="one", keywords=["x"], min_tier="standard"),
                RuleConfig(name="two", keywords=["x"], pin="local"),
                RuleConfig(name="three", keywords=["x"], pin="premium"),
                RuleConfig(name="four", keywords=["x"], min_tier="premium"),
            ]
        )
    )
    fired = rules.read(request(), "x")
    assert fired.pin == "local"
    assert fired.min_tiers == ("standard", "premium")
    assert fired.said[1] == "rule two: pin local"


def test_escalate_phrases_are_whole_words_and_said_in_ascii() -> None:
    rules = Rules(RoutingConfig(escalate_phrases=["think harder", "größer\n"]))
    assert rules.read(request(), "Please THINK HARDER about it").escalates
    assert not rules.read(request(), "rethink harder").escalates
    said = rules.read(request(), "größer\n")
    assert said.escalates
    assert said.said[0].isascii()
    assert "\n" not in said.said[0]
