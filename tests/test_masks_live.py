"""Values leave the house as placeholders, and come back in answers, streams and tool calls."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from stepwell import Stepwell
from stepwell.base.messages import Answer, Choice, FunctionCall, Message, ToolCall, Usage
from stepwell.base.request import ChatRequest
from stepwell.check_guards import guard_lines
from stepwell.testing import FakeTier
from tests.house import house, read, records_of

MASK = {"input": [{"check": c, "action": "mask"} for c in ("email", "credit_card")], "output": []}
CARD = "4111 1111 1111 1111"
ASK = f"Write to ann@example.org and bob@example.org, card {CARD}."
KEY_ENV = "MASK_KEY_OF_TESTS"


def echo(request: ChatRequest) -> str:
    return f"You said: {request.messages[-1].text}"


def calling(request: ChatRequest) -> Answer:
    arguments = json.dumps({"to": "[EMAIL_1]", "text": 'card "[CREDIT_CARD_1]"\n'})
    call = ToolCall("c1", "function", FunctionCall("send", arguments), index=0)
    message = Message("assistant", "To [EMAIL_2] too.", [call])
    return Answer([Choice(message, 0, "tool_calls")], "a1", "fake", 1, Usage(1, 1, 2))


def masking(fake: FakeTier, **more: Any) -> Stepwell:
    guards = {**MASK, **more.pop("guards", {})}
    return house(fake, FakeTier(echo), guards=guards, **more)


def seen(fake: FakeTier) -> list[str]:
    """The texts of what the tier was last sent."""
    return [m.text for m in fake.requests[-1].messages]


async def test_the_tier_sees_placeholders_and_the_caller_his_values() -> None:
    fake = FakeTier(echo)
    async with masking(fake) as well:
        records = records_of(well)
        reply = await well.achat(ASK)
        streamed = await read(await well.astream(ASK))
    masked = "Write to [EMAIL_1] and [EMAIL_2], card [CREDIT_CARD_1]."
    assert [seen(fake), fake.requests[0].messages[0].text] == [[masked], masked]
    assert reply.text == streamed == f"You said: {ASK}"
    assert b"[EMAIL" not in reply.body
    assert reply.trace.guard_input is not None
    assert reply.trace.guard_input.action == "mask"
    assert "example.org" not in repr(reply.trace) + repr(records)


@pytest.mark.parametrize("streams", [False, True])
async def test_tool_calls_get_values_as_json(streams: bool) -> None:
    async with masking(FakeTier(calling)) as well:
        if streams:
            stream = await well.astream(ASK)
            events = [event async for event in stream]
            deltas = [c.delta for e in events for c in e.chunk.choices]
            arguments = "".join(t.function.arguments for d in deltas for t in d.tool_calls or ())
            text = "".join(d.content or "" for d in deltas)
            assert stream.reply is not None
            reply = stream.reply
        else:
            reply = await well.achat(ASK)
            arguments, text = _call(reply.answer).arguments, reply.text
    assert json.loads(arguments) == {"to": "ann@example.org", "text": f'card "{CARD}"\n'}
    assert text == reply.text == "To bob@example.org too."
    assert _call(reply.answer).arguments == arguments


def _call(answer: Answer) -> FunctionCall:
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    return calls[0].function


async def test_one_callers_placeholder_never_shows_anothers_value() -> None:
    fake = FakeTier("It is [EMAIL_1], and [EMAIL_2].")
    async with masking(fake, cache={"exact": True, "semantic": "serve"}) as well:
        first = await well.achat("I am ann@example.org")
        other = await well.achat("I am bob@example.org")
        own = await well.achat("What is [EMAIL_1]? I am cy@example.org")
    assert first.text == "It is ann@example.org, and [EMAIL_2]."
    assert other.text == "It is bob@example.org, and [EMAIL_2]."
    assert own.text == "It is [EMAIL_1], and cy@example.org."
    assert seen(fake) == ["What is [EMAIL_1]? I am [EMAIL_2]"]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Sections of a house that keeps conversations and placeholders in files."""
    monkeypatch.setenv(KEY_ENV, Fernet.generate_key().decode())
    masks = {"path": str(tmp_path / "masks.db"), "key_env": KEY_ENV}
    return {"guards": {"masks": masks}, "context": {"path": str(tmp_path / "talks.db")}}


async def test_a_conversation_keeps_placeholders_across_processes(
    kept: dict[str, Any], tmp_path: Path
) -> None:
    async with masking(FakeTier(echo), **kept) as well:
        assert (
            await well.conversation("c").achat("I am ann@example.org")
        ).text == "You said: I am ann@example.org"
    fake = FakeTier("[EMAIL_2] wrote to [EMAIL_1].")
    async with masking(fake, **kept) as well:
        talk = well.conversation("c")
        reply = await talk.achat("And bob@example.org?")
        assert reply.text == "bob@example.org wrote to ann@example.org."
        assert seen(fake) == ["I am [EMAIL_1]", "You said: I am [EMAIL_1]", "And [EMAIL_2]?"]
        stream = await talk.astream("Who wrote?")
        assert await read(stream) == reply.text
        assert seen(fake)[3:] == ["[EMAIL_2] wrote to [EMAIL_1].", "Who wrote?"]
        assert "I am [EMAIL_1]" in await talk.atext("Who?", 1000)  # as it would be sent
        assert (await talk.apack("Who?", 1000)).messages[0]["content"] == "I am [EMAIL_1]"
        assert (await talk.amessages())[0]["content"] == "I am ann@example.org"
    assert b"example.org" not in disk(tmp_path)


def disk(path: Path) -> bytes:
    """What is kept of placeholders, and of the conversation."""
    return b"".join(p.read_bytes() for p in path.iterdir())


async def test_a_client_that_sends_the_history_again_finds_the_same_placeholders(
    kept: dict[str, Any],
) -> None:
    fake = FakeTier(echo)
    async with masking(fake, **kept) as well:
        talk = well.conversation("c")
        history = [{"role": "user", "content": "I am ann@example.org"}]
        for more in ("Tell bob@example.org", "and ann@example.org"):
            reply = await talk.achat(history)
            history += [{"role": "assistant", "content": reply.text}, {"role": "user", "content": more}]
        await talk.achat(history)
        assert seen(fake) == [
            "I am [EMAIL_1]",
            "You said: I am [EMAIL_1]",
            "Tell [EMAIL_2]",
            "You said: Tell [EMAIL_2]",
            "and [EMAIL_1]",
        ]
        told = [m["content"] for m in await talk.amessages()]
        assert told[:5] == [m["content"] for m in history]
        assert len(told) == 6


async def test_pins_are_masked_and_kept_too(kept: dict[str, Any]) -> None:
    fake = FakeTier(lambda request: "Your address is [EMAIL_2]." if len(request.messages) > 1 else "Hello.")
    async with masking(fake, **kept) as well:
        talk = well.conversation("c")
        await talk.achat("I am ann@example.org")
        await talk.apin("The boss is bob@example.org")
        reply = await talk.achat("Hello again")
        assert not any("bob@example.org" in text for text in seen(fake))
        assert reply.text == "Your address is bob@example.org."
        again = await talk.achat("And cy@example.org?")
        assert "And [EMAIL_3]?" in seen(fake)
        assert again.text == reply.text


async def test_who_erases_a_conversation_erases_its_values(kept: dict[str, Any]) -> None:
    fake = FakeTier(echo)
    async with masking(fake, **kept) as well:
        talk = well.conversation("c")
        await talk.achat("I am ann@example.org")
        assert await talk.aerase()
        assert (
            await talk.achat("Am I [EMAIL_1]? bob@example.org")
        ).text == "You said: Am I [EMAIL_1]? bob@example.org"
        assert seen(fake) == ["Am I [EMAIL_1]? [EMAIL_2]"]


def test_a_log_that_outlives_its_placeholders_is_told(
    kept: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(**more: Any) -> list[str]:
        with masking(FakeTier(), **more) as well:
            return [line.status for line in guard_lines(well.pipeline) if line.subject == "guards masks"]

    assert said() == ["ok"]
    assert said(context=kept["context"]) == ["warn"]
    assert said(**kept) == []
    monkeypatch.setenv("REDIS_URL_OF_TESTS", "redis://127.0.0.1:1")
    shared = {"redis_url_env": "REDIS_URL_OF_TESTS"}
    assert said(context=shared) == said(guards=kept["guards"], context=shared) == ["warn"]


LOSSES: dict[str, dict[str, Any]] = {
    "the process": {},
    "the clock": {"ttl_s": 0.01},
    "a crowd": {"max_conversations": 1},
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_placeholder_that_lost_its_value_never_gets_another(kept: dict[str, Any], loss: str) -> None:
    masks = {"masks": LOSSES[loss] and kept["guards"]["masks"] | LOSSES[loss]}
    more = {"guards": masks, "context": kept["context"]}
    async with masking(FakeTier(echo), **more) as well:
        await well.conversation("c").achat("I am ann@example.org")
        await well.conversation("d").achat("I am dan@example.org")
        await asyncio.sleep(0.02)
    fake = FakeTier("[EMAIL_2] wrote to [EMAIL_1].")
    async with masking(fake, **more) as well:
        talk = well.conversation("c")
        reply = await talk.achat("And bob@example.org?")
        assert reply.text == "bob@example.org wrote to [EMAIL_1]."
        assert seen(fake) == ["I am [EMAIL_1]", "You said: I am [EMAIL_1]", "And [EMAIL_2]?"]
        assert (await talk.amessages())[0]["content"] == "I am [EMAIL_1]"


async def test_what_stands_in_imported_turns_pins_and_prompts_is_nobodys_placeholder(
    kept: dict[str, Any],
) -> None:
    fake = FakeTier("[EMAIL_1] [EMAIL_2] [EMAIL_3] [EMAIL_4] [EMAIL_5]")
    async with masking(fake, **kept) as well:
        talk = well.conversation("c")
        system = {"role": "system", "content": "Sign as [EMAIL_1]."}
        await talk.aappend([system, {"role": "user", "content": "Who is [email 2]?"}])
        await talk.apin("The form says EMAIL_3")
        assert (
            await talk.achat("I am ann@example.org")
        ).text == "[EMAIL_1] [EMAIL_2] [EMAIL_3] ann@example.org [EMAIL_5]"
        await talk.aappend([{"role": "user", "content": "and [EMAIL_5]?"}])
        await talk.achat("and bob@example.org")
        assert seen(fake)[-1] == "and [EMAIL_6]"
