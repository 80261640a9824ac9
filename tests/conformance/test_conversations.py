"""Stateful chat with the official client: one header names the conversation, and the server keeps its history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import openai
import pytest

from stepwell.base.messages import Answer, Choice, FunctionCall, Message, ToolCall, Usage
from stepwell.base.request import ChatRequest
from stepwell.testing import FakeTier
from tests.support.served import Served

TIER: dict[str, Any] = {
    "model": "fake/talker",
    "window_tokens": 4096,
    "capabilities": ["tools"],
    "usd_per_1m_input": 1.0,
    "usd_per_1m_output": 2.0,
    "quality": 0.95,
}
SYSTEM: dict[str, Any] = {"role": "system", "content": "Be brief."}
TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


@contextmanager
def served(folder: Path, tier: FakeTier, **sections: Any) -> Iterator[str]:
    """The base URL of a server whose log is in `folder`."""
    values: dict[str, Any] = {
        "tiers": {"standard": TIER},
        "backends": {"standard": tier},
        "promises": {"min_p_ok": 0},
        "cache": {"exact": False, "semantic": "off"},
        "context": {"path": str(folder / "talks.db")},
    }
    with Served({**values, **sections}) as server:
        yield f"http://127.0.0.1:{server.port}/v1"


def client_of(base_url: str, id: str = "c") -> openai.OpenAI:
    headers = {"x-stepwell-conversation": quote(id, safe="")}
    return openai.OpenAI(api_key="k", base_url=base_url, max_retries=0, default_headers=headers)


def said(tier: FakeTier) -> list[tuple[str, str]]:
    """Role and text of what the tier was last sent."""
    return [(m.role, m.text) for m in tier.requests[-1].messages]


def ask(client: openai.OpenAI, *messages: dict[str, Any], **more: Any) -> str:
    sent: Any = list(messages)
    return (
        client.chat.completions.create(model="auto", messages=sent, **more).choices[0].message.content or ""
    )


def test_a_client_may_send_only_what_is_new(tmp_path: Path) -> None:
    tier = FakeTier(["One.", "Two.", "Three."])
    with served(tmp_path, tier) as base_url, client_of(base_url) as client:
        assert ask(client, SYSTEM, user("First?")) == "One."
        assert ask(client, user("Second?")) == "Two."
        assert ask(client, user("Third?"), user("And fourth?")) == "Three."
    assert said(tier) == [
        ("system", "Be brief."),
        ("user", "First?"),
        ("assistant", "One."),
        ("user", "Second?"),
        ("assistant", "Two."),
        ("user", "Third?"),
        ("user", "And fourth?"),
    ]


def test_a_client_that_sends_all_each_time_doubles_nothing(tmp_path: Path) -> None:
    tier = FakeTier([f"Answer {i}." for i in range(5)])
    history = [SYSTEM]
    with served(tmp_path, tier) as base_url, client_of(base_url) as client:
        for i in range(5):
            history.append(user(f"Question {i}?"))
            history.append({"role": "assistant", "content": ask(client, *history)})
            assert said(tier) == [(m["role"], m["content"]) for m in history[:-1]]
        shown = httpx.get(f"{base_url}/conversations/c").json()
    assert [item["message"]["content"] for item in shown["items"]] == [m["content"] for m in history]


def test_it_goes_on_after_a_restart(tmp_path: Path) -> None:
    tier = FakeTier(["One.", "Two."])
    for question in ("First?", "Second?"):
        with served(tmp_path, tier) as base_url, client_of(base_url) as client:
            ask(client, user(question))
    assert said(tier) == [("user", "First?"), ("assistant", "One."), ("user", "Second?")]


def test_streams_are_kept_whole(tmp_path: Path) -> None:
    tier = FakeTier(["one two three", "Four."])
    with served(tmp_path, tier) as base_url, client_of(base_url) as client:
        messages: Any = [user("Count.")]
        with client.chat.completions.create(model="auto", messages=messages, stream=True) as stream:
            assert "".join(c.choices[0].delta.content or "" for c in stream if c.choices) == "one two three"
        ask(client, user("And on?"))
    assert said(tier) == [("user", "Count."), ("assistant", "one two three"), ("user", "And on?")]


def call_then_talk(request: ChatRequest) -> Answer:
    calls = None
    if request.messages[-1].role == "user":
        calls = [ToolCall("call_1", "function", FunctionCall("weather", '{"city": "Porto"}'))]
    message = Message("assistant", None if calls else "It rains.", calls)
    return Answer([Choice(message, 0, "tool_calls" if calls else "stop")], "x", "m", 0, Usage(1, 1, 2))


def test_a_tools_result_alone_finds_its_call(tmp_path: Path) -> None:
    tier = FakeTier(call_then_talk)
    with served(tmp_path, tier) as base_url, client_of(base_url) as client:
        messages: Any = [user("How is the weather in Porto?")]
        answer = client.chat.completions.create(model="auto", messages=messages, tools=TOOLS)
        calls = answer.choices[0].message.tool_calls
        assert calls is not None
        result = {"role": "tool", "tool_call_id": calls[0].id, "content": "rain"}
        assert ask(client, result, tools=TOOLS) == "It rains."
    sent = tier.requests[-1].messages
    assert [m.role for m in sent] == ["user", "assistant", "tool"]
    assert sent[1].tool_calls is not None
    assert (sent[1].tool_calls[0].id, sent[2].tool_call_id) == ("call_1", "call_1")


def test_headers_say_what_was_kept(tmp_path: Path) -> None:
    tier = FakeTier("Noted.")
    history: Any = [user("My greenhouse code is 7741."), {"role": "assistant", "content": "Noted."}]
    for i in range(60):
        history.append(user(f"Row {i} of the tomatoes grew, and the one beside it did not. " * 5))
        history.append({"role": "assistant", "content": f"Water row {i} less. " * 3})
    context = {"reserve_tokens": 100, "path": str(tmp_path / "talks.db")}
    with served(tmp_path, tier, context=context) as base_url, client_of(base_url) as client:
        create = client.chat.completions.with_raw_response.create
        first = create(model="auto", messages=history[:3])
        assert first.headers["x-stepwell-context-logged"] == "true"
        assert "x-stepwell-context" not in first.headers
        asked: Any = [*history, user("Which code opens the greenhouse?")]
        last = create(model="auto", messages=asked)
    said_so = last.headers["x-stepwell-context"]
    kept, rest = said_so.removeprefix("kept ").split(" of ", 1)
    n_all = int(rest.split("; recall ")[0])
    assert 1 < int(kept) < n_all
    assert int(said_so.split("; ")[-1].removesuffix(" tokens")) <= TIER["window_tokens"] - 100
    assert "My greenhouse code is 7741." in [text for _, text in said(tier)]


def test_two_conversations_and_none_do_not_mix(tmp_path: Path) -> None:
    tier = FakeTier("ok")
    with served(tmp_path, tier) as base_url:
        for id in ("a", "ä/b?", "a"):
            with client_of(base_url, id) as client:
                ask(client, user(f"I am {id}."))
        assert said(tier)[0] == ("user", "I am a.")
        assert len(said(tier)) == 3
        shown = httpx.get(f"{base_url}/conversations/{quote('ä/b?', safe='')}").json()
        assert (shown["id"], shown["n_messages"]) == ("ä/b?", 2)
        with openai.OpenAI(api_key="k", base_url=base_url) as plain:
            ask(plain, user("Who am I?"))
        assert len(said(tier)) == 1
        assert len(httpx.get(f"{base_url}/conversations").json()["data"]) == 2


def test_another_users_conversation_is_refused(tmp_path: Path) -> None:
    tier = FakeTier("ok")
    with served(tmp_path, tier) as base_url, client_of(base_url) as client:
        ask(client, user("I am Ann."), user="ann")
        with pytest.raises(openai.PermissionDeniedError) as caught:
            ask(client, user("Who am I?"), user="bob")
        assert caught.value.code == "foreign_conversation"
        with pytest.raises(openai.PermissionDeniedError):
            ask(client, user("Who am I?"))
    assert len(tier.requests) == 1


def test_what_is_erased_is_not_known_any_more(tmp_path: Path) -> None:
    tier = FakeTier("ok")
    with served(tmp_path, tier) as base_url, client_of(base_url) as client:
        ask(client, user("My name is Ann."))
        pinned = httpx.post(f"{base_url}/conversations/c/pins", json={"text": "Ann likes tea."}).json()
        ask(client, user("Who am I?"))
        assert any(pinned["text"] in text for _, text in said(tier))
        assert httpx.delete(f"{base_url}/conversations/c").json()["deleted"]
        ask(client, user("Who am I?"))
        assert said(tier) == [("user", "Who am I?")]


@pytest.mark.parametrize("id", ["", "x" * 257, "%FF"])
def test_what_is_no_name_is_refused(tmp_path: Path, id: str) -> None:
    tier = FakeTier("ok")
    with served(tmp_path, tier) as base_url:
        headers = {"x-stepwell-conversation": id}
        with openai.OpenAI(api_key="k", base_url=base_url, default_headers=headers) as client:
            with pytest.raises(openai.BadRequestError):
                ask(client, user("Hello?"))
    assert not tier.requests
