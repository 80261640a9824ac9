"""What a fine-tuned deployment says in place of its caller, and what it leaves alone."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.pinned import facts_text
from stepwell.base.request import ChatRequest, Cut, Wishes
from stepwell.router.tiers.base import Outgoing

roles = st.sampled_from(["system", "developer", "user", "assistant"])
messages = st.lists(st.tuples(roles, st.text(max_size=8)), min_size=1, max_size=6)
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}


def sent(outgoing: Outgoing, said: list[tuple[str, str]], **fields: Any) -> dict[str, Any]:
    body = {"messages": [{"role": role, "content": text} for role, text in said], **fields}
    found: dict[str, Any] = json.loads(outgoing.body(ChatRequest.build(body), is_stream=False))
    return found


@given(said=messages)
def test_its_own_system_message_stands_in_for_the_callers(said: list[tuple[str, str]]) -> None:
    found = sent(Outgoing("m", system_in_place="Read mails."), said)["messages"]
    assert found[0] == {"role": "system", "content": "Read mails."}
    kept = [(m["role"], m["content"]) for m in found[1:]]
    assert kept == [(role, text) for role, text in said if role not in ("system", "developer")]


@given(said=messages)
def test_without_one_messages_go_as_they_are(said: list[tuple[str, str]]) -> None:
    found = sent(Outgoing("m"), said)["messages"]
    assert [(m["role"], m["content"]) for m in found] == said


@pytest.mark.parametrize("own", ["", "Be a pirate.\n\n", "Mind this.\nFacts to keep in mind:\n\n"])
@pytest.mark.parametrize("role", ["system", "developer"])
def test_pinned_facts_of_a_conversation_stay(own: str, role: str) -> None:
    outgoing, facts = Outgoing("m", system_in_place="Read mails."), facts_text(["It is 99123.", "Be kind."])
    body = {"messages": [{"role": role, "content": own + facts}, {"role": "user", "content": "hi"}]}
    talk = ChatRequest.build(body, wishes=Wishes(conversation="c"))
    messages = json.loads(outgoing.body(talk, is_stream=False))["messages"]
    assert messages[0] == {"role": "system", "content": f"Read mails.\n\n{facts}"}
    assert messages[1:] == body["messages"][1:]
    alone = json.loads(outgoing.body(ChatRequest.build(body), is_stream=False))["messages"]
    assert alone[0]["content"] == "Read mails."


def test_what_was_said_before_stays() -> None:
    body = {"messages": [{"role": role, "content": role} for role in ("system", "user", "assistant", "user")]}
    cut = Cut((0, 3), "What was said before")
    talk = msgspec.structs.replace(ChatRequest.build(body), cuts={"t": cut}).for_tier("t")
    messages = json.loads(Outgoing("m", system_in_place="Mails.").body(talk, is_stream=False))["messages"]
    assert [m["content"] for m in messages] == ["Mails.", "What was said before", "user"]


def test_the_callers_format_and_limit_go_first_and_the_adapter_is_not_theirs() -> None:
    lora = [{"id": 0, "scale": 1.0}]
    outgoing = Outgoing(
        "m", params={"response_format": FORMAT}, default_output_tokens=40, fixed={"lora": lora}
    )
    plain = sent(outgoing, [("user", "hi")], lora=[{"id": 0, "scale": 0.5}])
    assert (plain["response_format"], plain["max_tokens"], plain["lora"]) == (FORMAT, 40, lora)
    own = sent(outgoing, [("user", "hi")], response_format={"type": "text"}, max_tokens=90)
    assert (own["response_format"], own["max_tokens"]) == ({"type": "text"}, 90)
