"""Conversations beside their log: replicas, erasing, embedding once, and summaries nobody waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import Raw
from numpy.typing import NDArray

from stepwell.base.config.context import ContextConfig
from stepwell.base.errors import ForeignConversation
from stepwell.base.request import ChatRequest
from stepwell.memory.context.conversations import Conversations
from stepwell.memory.context.log.log import Name
from stepwell.memory.context.log.sqlite_log import SqliteLog
from stepwell.memory.context.marking import Marking
from stepwell.memory.context.summary.make import make_summaries

NAME = Name("c", "t", "u")


class Counting:
    """An embedder of our own that counts what it reads."""

    name, dim = "counting", 8

    def __init__(self, fails: bool = False) -> None:
        self.texts: list[str] = []
        self.fails = fails

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.fails:
            raise RuntimeError("no weights")
        self.texts += texts
        rows = np.array([np.frombuffer(text.encode().ljust(8)[:8], dtype=np.uint8) for text in texts])
        made: NDArray[np.float32] = rows.astype(np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return made


def make(
    path: Path | None = None, embedder: Counting | None = None, ask: Any = None, **config: Any
) -> Conversations:
    found = ContextConfig(**{"summary": "off", **config})
    source = embedder or Counting()
    log = SqliteLog(None if path is None else str(path))
    return Conversations(found, log, Marking(lambda: source, source.name), make_summaries(found, ask=ask))


def asking(*said: str) -> ChatRequest:
    return ChatRequest.build({"messages": [{"role": "user", "content": text} for text in said]})


async def exchange(by: Conversations, text: str, answer: str = "ok", name: Name = NAME) -> bool:
    talk = await by.open(name)
    return await by.close_exchange(
        talk, talk.news(asking(text)), said(answer), guarded=b"", asked_s=time.time()
    )


def said(text: str) -> Raw:
    return Raw(msgspec.json.encode({"role": "assistant", "content": text}))


async def texts(by: Conversations, name: Name = NAME) -> list[str]:
    talk = await by.open(name)
    return [m.text for m in talk.thread.messages(range(len(talk.thread)))]


async def test_replicas_on_one_log_follow_each_other(tmp_path: Path) -> None:
    one, other = make(tmp_path / "a.db"), make(tmp_path / "a.db")
    for n, by in enumerate([one, other, one, other]):
        assert await exchange(by, f"q{n}", f"a{n}")
    assert await texts(one) == await texts(other) == ["q0", "a0", "q1", "a1", "q2", "a2", "q3", "a3"]
    await one.close()
    await other.close()


async def test_two_that_begin_one_at_the_same_time_are_both_kept(tmp_path: Path) -> None:
    one, other = make(tmp_path / "a.db"), make(tmp_path / "a.db")
    talks = [await by.open(NAME) for by in (one, other)]
    for by, talk, text in zip((one, other), talks, ("left", "right"), strict=True):
        assert await by.close_exchange(talk, asking(text), said("ok"), guarded=b"", asked_s=1.0)
    assert sorted(await texts(one)) == ["left", "ok", "ok", "right"]
    await one.close()
    await other.close()


async def test_what_was_erased_meanwhile_does_not_come_back() -> None:
    by = make()
    await exchange(by, "old")
    talk = await by.open(NAME)
    assert await by.erase(tenant="t", user="u") == 1
    assert not await by.close_exchange(talk, asking("late"), said("ok"), guarded=b"", asked_s=1.0)
    assert by.n_lost == 1
    assert await texts(by) == []
    assert await exchange(by, "new")
    assert await texts(by) == ["new", "ok"]
    await by.close()


async def test_another_user_of_the_tenant_is_refused() -> None:
    by = make()
    await exchange(by, "mine")
    with pytest.raises(ForeignConversation):
        await by.open(Name("c", "t", "v"))
    assert await texts(by, Name("c", "other", "u")) == []
    await by.close()


async def test_each_text_is_embedded_once_over_restarts_too(tmp_path: Path) -> None:
    first = Counting()
    by = make(tmp_path / "a.db", first)
    for n in range(20):
        await exchange(by, f"question {n}", f"answer {n}")
        await by.drain()
    await by.close()
    assert sorted(first.texts) == sorted({*first.texts})
    assert len(first.texts) == 40
    second = Counting()
    by = make(tmp_path / "a.db", second)
    await exchange(by, "question 20", "answer 20")
    await by.drain()
    assert sorted(second.texts) == ["answer 20", "question 20"]
    await by.close()


async def test_marks_of_another_embedder_are_made_again(tmp_path: Path) -> None:
    by = make(tmp_path / "a.db")
    await exchange(by, "one", "two")
    await by.drain()
    await by.close()
    other = Counting()
    other.name = "another"
    by = make(tmp_path / "a.db", other)
    by.tend(await by.open(NAME))
    await by.drain()
    assert sorted(other.texts) == ["one", "two"]
    await by.close()


async def test_what_was_embedded_as_the_query_is_not_embedded_again() -> None:
    embedder = Counting()
    by = make(None, embedder)
    talk = await by.open(NAME)
    vector = embedder.embed(["which?"])[0]
    embedded = ("which?", vector, None)
    await by.close_exchange(talk, asking("which?"), said("this"), guarded=b"", asked_s=1.0, embedded=embedded)
    await by.drain()
    assert embedder.texts == ["which?", "this"]
    await by.close()


async def test_an_embedder_that_fails_loses_nothing() -> None:
    by = make(None, Counting(fails=True))
    assert await exchange(by, "a fact about ferns")
    await by.drain()
    assert await texts(by) == ["a fact about ferns", "ok"]
    raws, packed = await by.pack(NAME, "ferns?", 1000, "openai/gpt-4.1")
    assert (len(raws), packed.expected_recall) == (2, 1.0)
    await by.close()


async def test_few_are_held_in_memory_and_all_are_there() -> None:
    by = make(None, max_in_memory=2)
    for n in range(5):
        await exchange(by, f"q{n}", name=Name(f"c{n}", "t"))
    assert len(by._held) <= 2
    for n in range(5):
        assert await texts(by, Name(f"c{n}", "t")) == [f"q{n}", "ok"]
    await by.close()


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_a_summarizer_in_trouble_is_nobodys_trouble(how: str) -> None:
    async def ask(prompt: str) -> str:
        if how == "hangs":
            await asyncio.sleep(3600)
        raise RuntimeError("no")

    by = make(None, ask=ask, summary="tier:cheap", summary_batch_tokens=100, summary_timeout_s=0.05)
    talk = await by.open(NAME)
    talk.overflows = True
    for n in range(60):
        text = f"My cousin Bertram number {n} moved to Lisbon in May and paid {n} euros. " * 5
        assert await exchange(by, text)
    await by.drain()
    talk = await by.open(NAME)
    assert talk.summary is not None
    assert talk.summary.by == "extract"
    assert "Bertram" in talk.summary.text
    assert len(await texts(by)) == 120
    await by.close()


async def test_two_requests_at_once_are_both_kept_and_whole() -> None:
    by = make()
    await exchange(by, "first")
    assert all(await asyncio.gather(*(exchange(by, f"q{n}", f"a{n}") for n in range(20))))
    found = await texts(by)
    assert len(found) == 42
    assert all(found[i + 1] == found[i].replace("q", "a") for i in range(2, 42, 2))
    await by.close()


async def test_an_erase_during_the_first_request_of_a_conversation_holds() -> None:
    by = make()
    talk = await by.open(NAME)
    asked_s = time.time() - 1
    await by.erase(tenant="t")
    await exchange(by, "another", name=Name("other", "t", "u"))
    assert await by.erase(tenant="t") == 1
    assert not await by.close_exchange(talk, asking("late"), said("ok"), guarded=b"", asked_s=asked_s)
    assert await texts(by) == []
    await by.close()


async def test_a_whole_history_with_tool_calls_written_another_way_doubles_nothing() -> None:
    def call(arguments: str) -> dict[str, Any]:
        made = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}
        return {"role": "assistant", "content": None, "tool_calls": [made]}

    by = make()
    talk = await by.open(NAME)
    first = asking("look it up")
    raw = Raw(msgspec.json.encode(call('{"x":1}')))
    assert await by.close_exchange(talk, talk.news(first), raw, guarded=b"", asked_s=1.0)
    result = {"role": "tool", "tool_call_id": "c1", "content": "found"}
    again = [{"role": "user", "content": "look it up"}, call('{"x": 1}'), result]
    talk = await by.open(NAME)
    assert [m.role for m in talk.news(ChatRequest.build({"messages": again})).messages] == ["tool"]
    await by.close()
