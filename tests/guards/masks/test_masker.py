"""Requests are masked by a guard's rules, and answers restored."""

from __future__ import annotations

import json
from typing import Any

from stepwell.base.config import CheckConfig, GuardsConfig
from stepwell.base.messages import encode_json
from stepwell.base.request import ChatRequest
from stepwell.guards.guard import Guard
from stepwell.guards.masks.masker import Masker
from stepwell.guards.masks.restorer import restore_body
from stepwell.guards.masks.vault import Vault

GUARD = Guard(
    GuardsConfig(
        input=[CheckConfig(check=c, action="mask") for c in ("email", "credit_card")]
        + [CheckConfig(check="us_ssn", action="redact")],
        output=[],
    )
)


async def masked(vault: Vault, *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages as they are sent."""
    masker = Masker(vault)
    request = masker.own_words(ChatRequest.parse(encode_json({"model": "m", "messages": messages})))
    verdict, request = await GUARD.check_input(request, masking=masker)
    assert verdict.action in ("allow", "mask", "redact")
    return list(json.loads(bytes(request.fields["messages"])))


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


async def test_values_leave_as_placeholders_and_come_back() -> None:
    vault = Vault()
    sent = await masked(vault, user("I am ann@x.io, SSN 413-18-7830, card 4111 1111 1111 1111; ann@x.io!"))
    assert sent[0]["content"] == "I am [EMAIL_1], SSN [US_SSN], card [CREDIT_CARD_1]; [EMAIL_1]!"
    body = encode_json({"choices": [{"index": 0, "message": {"content": "Hi [EMAIL_1], [US_SSN]"}}]})
    made = json.loads(restore_body(body, vault))
    assert made["choices"][0]["message"]["content"] == "Hi ann@x.io, [US_SSN]"


async def test_tool_arguments_in_the_history_mask_to_the_same_placeholders() -> None:
    vault = Vault()
    arguments = encode_json({"to": "ann@x.io", "note": 'for "bob@x.io"\n', "card": 4111111111111111}).decode()
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    sent = await masked(
        vault,
        user("write to ann@x.io"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sent to bob@x.io"},
    )
    out = sent[1]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(out) == {"to": "[EMAIL_1]", "note": 'for "[EMAIL_2]"\n', "card": "[CREDIT_CARD_1]"}
    assert sent[2]["content"] == "sent to [EMAIL_2]"
    assert json.loads(vault.restore(out, is_json=True)) == {
        **json.loads(arguments),
        "card": "4111111111111111",
    }


async def test_a_resent_history_is_masked_as_it_was() -> None:
    vault = Vault()
    first = await masked(vault, user("from ann@x.io to bob@x.io"))
    shown = vault.restore("Dear [EMAIL_2]")
    again = await masked(
        Vault(dict(vault.entries)),  # as it comes from the store
        user("from ann@x.io to bob@x.io"),
        {"role": "assistant", "content": shown},
        user("and copy cy@x.io"),
    )
    assert [m["content"] for m in again] == [first[0]["content"], "Dear [EMAIL_2]", "and copy [EMAIL_3]"]


async def test_what_a_caller_wrote_comes_back_and_shows_nothing_else() -> None:
    vault = Vault()
    sent = await masked(vault, user("ann@x.io"), user("is that [EMAIL_1], EMAIL_2 or [email 3]?"))
    assert sent[0]["content"] == "[EMAIL_4]"
    assert sent[1]["content"] == "is that [EMAIL_1], EMAIL_2 or [email 3]?"
    assert vault.restore("[EMAIL_1] EMAIL_2 [email 3] [EMAIL_4]") == "[EMAIL_1] EMAIL_2 [email 3] ann@x.io"
    later = await masked(vault, user("and what is [EMAIL_4]? \\[EMAIL_4\\]"))
    assert later[0]["content"] == "and what is [EMAIL_5]? [EMAIL_6]"
    assert vault.restore(later[0]["content"]) == "and what is [EMAIL_4]? \\[EMAIL_4\\]"
