"""Conversations beside their log: replicas, erasing, embedding once, and summaries nobody waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import Raw
from numpy.typing import NDArray

from stepwell.base.config.context import ContextConfig
from stepwell.base.errors import ForeignConversation, StoreUnavailable
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


def turns(n: int, text: str = "turn") -> list[bytes]:
    return [
        msgspec.json.encode({"role": ("user", "assistant")[i % 2], "content": f"{text} {i}"})
        for i in range(n)
    ]


async def test_opens_that_are_cancelled_leave_a_long_conversation_whole(tmp_path: Path) -> None:
    by = make(tmp_path / "a.db")
    await by.append(NAME, turns(700))
    await by.close()
    by, goes_on = make(tmp_path / "a.db"), Event()
    unseal = by._marking.unseal

    def slow(kept: bytes) -> bytes:
        goes_on.wait(20)
        return unseal(kept)

    by._marking.unseal = slow  # type: ignore[method-assign]
    opens = []
    for _ in range(6):
        opens.append(asyncio.create_task(by.open(NAME)))
        await asyncio.sleep(0.05)
        opens[-1].cancel()
    assert [type(e) for e in await asyncio.gather(*opens, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * 6
    goes_on.set()
    talk = await by.open(NAME)
    assert await texts(by) == [f"turn {i}" for i in range(700)]
    assert [bytes(raw) for raw in talk.raws] == turns(700)
    assert talk.seqs == [*range(700)]
    await by.close()


async def test_an_import_that_is_cancelled_is_there_or_not(tmp_path: Path) -> None:
    by = make(tmp_path / "a.db")
    task = asyncio.create_task(by.append(NAME, turns(700)))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await exchange(by, "after")
    found = await texts(by)
    assert found[-2:] == ["after", "ok"]
    assert found[:-2] == [f"turn {i}" for i in range(len(found) - 2)]
    assert len(found) in (2, 702)
    await by.close()


async def test_a_request_under_way_does_not_enter_what_was_begun_after_an_erasure() -> None:
    by = make()
    await exchange(by, "old")
    talk = await by.open(NAME)
    await by.erase(tenant="t")
    await exchange(by, "new")
    assert not await by.close_exchange(talk, asking("late"), said("ok"), guarded=b"", asked_s=1.0)
    assert await texts(by) == ["new", "ok"]
    assert [m.text for m in talk.thread.messages(range(len(talk.thread)))] == ["old", "ok"]
    await by.close()


async def test_another_replica_erases_and_begins_anew(tmp_path: Path) -> None:
    one, other = make(tmp_path / "a.db"), make(tmp_path / "a.db")
    await exchange(one, "old")
    talk = await one.open(NAME)
    await other.erase(tenant="t")
    assert await texts(one) == []
    await exchange(other, "new")
    assert await texts(one) == ["new", "ok"]
    assert not await one.close_exchange(talk, asking("late"), said("ok"), guarded=b"", asked_s=1.0)
    await one.close()
    await other.close()


async def test_marks_of_what_was_erased_meanwhile_are_nobodys(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Waiting(Counting):
        goes_on = Event()

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            self.goes_on.wait(20)
            return super().embed(texts)

    embedder = Waiting()
    one, other = make(tmp_path / "a.db", embedder), make(tmp_path / "a.db")
    await one.append(NAME, turns(12))
    await exchange(one, "another", name=Name("d", "t", "u"))
    await asyncio.sleep(0.05)
    await other.erase(tenant="t", user="u", id="c")
    assert await texts(one) == []
    await exchange(one, "anew")
    embedder.goes_on.set()
    await one.drain()
    assert {"another", "anew", "ok"} <= {*embedder.texts}
    assert not caplog.records
    await one.unpin(Name("none"), "")  # comes after the marks
    past = await one.past(NAME)
    assert [bool(turn.mark) for turn in past.turns] == [True, True]
    await one.close()
    await other.close()


async def test_what_is_read_again_while_it_is_erased_is_not_held() -> None:
    by = make()
    await exchange(by, "old")
    erase = by._log.erase

    async def slow(**named: Any) -> int:
        await by.open(NAME)
        return await erase(**named)

    by._log.erase = slow  # type: ignore[method-assign]
    assert await by.erase(tenant="t") == 1
    assert by._held.find(NAME) is None
    await by.close()


async def test_a_conversation_that_a_request_has_is_not_loaded_beside_it() -> None:
    by = make(None, max_in_memory=1)
    await exchange(by, "q")
    talk = await by.open(NAME)
    talk.overflows = True
    await exchange(by, "other", name=Name("d", "t", "u"))
    assert await by.open(NAME) is talk
    await exchange(by, "other 2", name=Name("d", "t", "u"))
    assert await by.close_exchange(talk, asking("q2"), said("a2"), guarded=b"", asked_s=1.0)
    assert await texts(by) == ["q", "ok", "q2", "a2"]
    await by.close()


async def test_images_that_are_imported_count_at_once() -> None:
    by = make(None, max_index_mb=1)
    for n in range(4):
        url = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400_000}}
        await by.append(Name(f"c{n}", "t"), [msgspec.json.encode({"role": "user", "content": [url]})])
        assert by._held.n_bytes <= 1 << 20
    assert len(by._held) == 2
    await by.close()


async def test_system_messages_at_the_head_of_an_import_are_the_system_prompt() -> None:
    by = make()
    system = [msgspec.json.encode({"role": "system", "content": text}) for text in "AB"]
    past = await by.append(NAME, [*system, *turns(2), system[0], *turns(1)])
    assert [turn.is_lead for turn in past.turns] == [True, True, False, False, False, False]
    talk = await by.open(NAME)
    assert [m.text for m, _ in talk.system] == ["A", "B"]
    assert await texts(by) == ["turn 0", "turn 1", "A", "turn 0"]
    await by.append(NAME, [system[1]])
    assert [m.text for m, _ in (await by.open(NAME)).system] == ["B"]
    await by.close()


async def test_a_long_import_is_summarised_to_its_end_a_few_batches_at_a_time() -> None:
    by = make(None, summary="extract", summary_batch_tokens=200)
    assert by._summaries is not None
    want, portions = by._summaries.want, list[int]()

    def heard(key: Any, summary: Any, given: Any, keep: Any) -> bool:
        portions.append(len(given))
        return want(key, summary, given, keep)

    by._summaries.want = heard  # type: ignore[method-assign, assignment]
    await by.append(NAME, turns(1500, "My cousin Bertram moved to Lisbon in May with cat number"))
    talk = await by.open(NAME)
    talk.overflows = True
    by.tend(talk)
    await by.drain()
    assert talk.summary is not None
    assert not by._summaries.is_due(talk.summary, talk.n_tokens_from(talk.summary.upto))
    assert len(portions) > 3
    assert max(portions) < 500
    await by.unpin(Name("none"), "")  # comes after the summary
    assert (await by.past(NAME)).summary == talk.summary
    await by.close()


async def test_an_exchange_that_is_kept_is_kept_though_what_others_said_cant_be_read(tmp_path: Path) -> None:
    one, other = make(tmp_path / "a.db"), make(tmp_path / "a.db")
    await exchange(one, "q0")
    talk = await one.open(NAME)
    await exchange(other, "q1")
    read = one._log.read

    async def fails(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("no")

    one._log.read = fails  # type: ignore[method-assign]
    assert await one.close_exchange(talk, asking("q2"), said("ok"), guarded=b"", asked_s=1.0)
    one._log.read = read  # type: ignore[method-assign]
    assert await texts(one) == ["q0", "ok", "q1", "ok", "q2", "ok"]
    await one.close()
    await other.close()
