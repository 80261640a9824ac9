"""A value that goes at one place of a request goes wherever the same text stands."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.config import CheckConfig, GuardsConfig
from stepwell.base.config.guards import GuardAction
from stepwell.base.decisions import Finding, Verdict
from stepwell.base.messages import encode_json
from stepwell.base.request import ChatRequest
from stepwell.guards.elsewhere import MAX_PASSED_OVER, found_again, values_of
from stepwell.guards.guard import Guard
from stepwell.guards.rules import build

IBAN = "DE89370400440532013000"
RULES = build([CheckConfig(check="iban", action="mask"), CheckConfig(check="email")])


def checks(*names: str, action: GuardAction = "redact") -> list[CheckConfig]:
    return [CheckConfig(check=name, action=action) for name in names]


async def sent(config: GuardsConfig, *messages: dict[str, Any]) -> tuple[Verdict, list[Any]]:
    """The verdict, and the contents that go on."""
    request = ChatRequest.parse(encode_json({"model": "m", "messages": messages}))
    verdict, request = await Guard(config).check_input(request)
    return verdict, [m["content"] for m in json.loads(bytes(request.fields["messages"]))]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


async def test_a_glued_value_goes_too_before_and_after_its_plain_place() -> None:
    config = GuardsConfig(input=checks("iban"))
    verdict, texts = await sent(config, user(f"myIBAN{IBAN}x"), user(f"pay {IBAN}"), user(f"IBAN{IBAN}!"))
    assert texts == ["myIBAN[IBAN]x", "pay [IBAN]", "IBAN[IBAN]!"]
    assert verdict.n_findings == 3
    assert [(f.where, f.start, f.end) for f in verdict.findings][1:] == [
        ("messages.0.content", 6, 28),
        ("messages.2.content", 4, 26),
    ]


async def test_a_secret_goes_where_nothing_gives_it_away() -> None:
    config = GuardsConfig(input=checks("secrets"))
    _, texts = await sent(config, user("my password is Tr0ub4dor&3"), user("no, Tr0ub4dor&3 it was"))
    assert texts == ["my password is [PASSWORD_ASSIGN]", "no, [PASSWORD_ASSIGN] it was"]


async def test_what_is_only_logged_stays() -> None:
    config = GuardsConfig(input=checks("iban", action="log"))
    _, texts = await sent(config, user(f"pay {IBAN}"), user(f"IBAN{IBAN}"))
    assert texts == [f"pay {IBAN}", f"IBAN{IBAN}"]


async def test_it_stays_where_the_policy_does_not_look_for_it() -> None:
    config = GuardsConfig(input=checks("iban"), tool_result=checks("email"))
    tool = {"role": "tool", "tool_call_id": "c", "content": f"IBAN{IBAN}"}
    _, texts = await sent(config, user(f"pay {IBAN}"), tool)
    assert texts == ["pay [IBAN]", f"IBAN{IBAN}"]


def again(text: str, value: str, check: str = "email") -> list[str]:
    values = values_of([(value, [(Finding("X", 0, len(value), check=check), False)])])
    return [text[: f.start] + "_" + text[f.end :] for _, f in found_again(text, values, [], RULES)]


@pytest.mark.parametrize(
    ("text", "value", "left"),
    [
        ("joann@x.io", "ann@x.io", []),
        ("ann@x.ion", "ann@x.io", []),
        ("_ann@x.io_", "ann@x.io", ["___"]),
        ("请写ann@x.io吧", "ann@x.io", ["请写_吧"]),
        ("1206 479-4041", "206 479-4041", []),
        ("206 479-40412", "206 479-4041", []),
        ("tel206 479-4041x", "206 479-4041", ["tel_x"]),
        ("ab12 and ab12", "ab12", []),
        ("Martinique", "Martin", []),
        ("(Martin)", "Martin", ["(_)"]),
    ],
)
def test_a_longer_word_or_number_is_another_one(text: str, value: str, left: list[str]) -> None:
    assert again(text, value) == left


def test_a_value_of_a_check_that_does_not_run_stays() -> None:
    assert again("ann@x.io", "ann@x.io", check="phone") == []


def test_what_goes_already_is_not_found_again() -> None:
    text = f"to {IBAN}, {IBAN}"
    cuts = [(Finding("IBAN", 3, 25, check="iban"), True)]
    assert [f.start for _, f in found_again(text, values_of([(text, cuts)]), cuts, RULES)] == [27]


def test_a_value_in_endless_longer_words_goes_in_the_end() -> None:
    assert again("AbAbAbAb" * 20, "AbAbAbAb") == []
    assert len(again("AbAbAbAb" * MAX_PASSED_OVER, "AbAbAbAb")) > MAX_PASSED_OVER // 2


def test_of_a_text_of_nothing_else_so_much_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stepwell.guards.elsewhere.MAX_PLACES", 5)
    assert len(again("ann@x.io " * 9, "ann@x.io")) == 5


@given(st.text("a1@ ", max_size=30), st.text("a1@ ", min_size=6, max_size=14))
def test_spans_hold_the_value_and_do_not_overlap(text: str, value: str) -> None:
    values = values_of([(value, [(Finding("X", 0, len(value), check="email"), False)])])
    found = [f for _, f in found_again(text, values, [], RULES)]
    assert all(text[f.start : f.end] == value for f in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
