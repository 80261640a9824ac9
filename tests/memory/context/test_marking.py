"""Embedding and indexing in the background: in turn, off the event loop, and whatever fails fails alone."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base.messages import Message
from stepwell.memory.context import marking as marking_module
from stepwell.memory.context.marking import Marking
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread.thread import Thread


@pytest.fixture(autouse=True)
def batches_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of several, so that one can be half read."""
    monkeypatch.setattr(marking_module, "_BATCH", 4)


class Source:
    """An embedder that notes what it reads; texts in `refused` make it fail."""

    name, dim = "source", 4

    def __init__(self, *refused: str, n_rows: int | None = None) -> None:
        self.texts: list[str] = []
        self.refused = refused
        self.goes_on = threading.Event()
        self.goes_on.set()
        self._n_rows = n_rows

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.goes_on.wait(10)
        self.texts += texts
        if any(word in text for text in texts for word in self.refused):
            raise RuntimeError("the dentist's name")
        n = len(texts) if self._n_rows is None else self._n_rows
        return np.full((n, self.dim), 0.5, dtype=np.float32)


def thread_of(name: str, n: int) -> Thread:
    thread = Thread()
    for i in range(n):
        thread.add(Message("user", f"{name}{i}"))
    return thread


class Kept:
    def __init__(self) -> None:
        self.places: list[int] = []

    def __call__(self, found: list[tuple[int, bytes]]) -> None:
        assert all(mark for _, mark in found)
        self.places += [place for place, _ in found]


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def marking(source: Source) -> Marking:
    return Marking(lambda: source, source.name)


async def test_threads_take_turns(source: Source, marking: Marking) -> None:
    kept = {name: Kept() for name in "abc"}
    for name, n in (("a", 10), ("b", 2), ("c", 5)):
        marking.want(name, thread_of(name, n), kept[name])
    await marking.drain()
    assert " ".join(source.texts) == "a0 a1 a2 a3 b0 b1 c0 c1 c2 c3 a4 a5 a6 a7 c4 a8 a9"
    assert [kept[name].places for name in "abc"] == [list(range(10)), [0, 1], list(range(5))]


async def test_what_is_said_meanwhile_is_embedded_too(source: Source, marking: Marking) -> None:
    thread, kept = thread_of("a", 2), Kept()
    source.goes_on.clear()
    marking.want("a", thread, kept)
    await asyncio.sleep(0.01)
    thread.add(Message("user", "late"))
    marking.want("a", thread, kept)
    source.goes_on.set()
    await marking.drain()
    assert source.texts == ["a0", "a1", "late"]
    assert kept.places == [0, 1, 2]


class Watched(Thread):
    """Notes which of its methods ran on the main thread, which is the event loop's."""

    on_loop: list[str]

    def _note(self, name: str) -> None:
        if threading.current_thread() is threading.main_thread():
            self.on_loop.append(name)

    def read(self, most: int) -> bool:
        self._note("read")
        return super().read(most)

    def unmarked(self, limit: int) -> list[int]:
        self._note("unmarked")
        return super().unmarked(limit)

    def text_of(self, place: int) -> str:
        self._note("text_of")
        return super().text_of(place)

    def set_mark(self, place: int, mark: bytes) -> None:
        self._note("set_mark")
        super().set_mark(place, mark)


async def test_nothing_of_a_thread_happens_on_the_event_loop(marking: Marking) -> None:
    thread, kept = Watched(), Kept()
    thread.on_loop = []
    for i in range(6):
        thread.add(Message("user", f"a{i}"))
    marking.want("a", thread, kept)
    await marking.drain()
    assert kept.places == list(range(6))
    assert thread.on_loop == []


async def test_what_is_forgotten_is_neither_kept_nor_read_on(source: Source, marking: Marking) -> None:
    kept, others = Kept(), Kept()
    source.goes_on.clear()
    marking.want("a", thread_of("a", 9), kept)
    marking.want("b", thread_of("b", 9), kept)
    marking.want("c", thread_of("c", 1), others)
    await asyncio.sleep(0.01)  # "a" is being embedded
    marking.forget("a")
    marking.forget("b")
    source.goes_on.set()
    await marking.drain()
    assert kept.places == []
    assert others.places == [0]
    assert set(source.texts) <= {"a0", "a1", "a2", "a3", "c0"}


async def test_closing_gives_up_and_takes_nothing_more(source: Source, marking: Marking) -> None:
    kept = Kept()
    source.goes_on.clear()
    marking.want("a", thread_of("a", 9), kept)
    await asyncio.sleep(0.01)
    closing = asyncio.create_task(marking.close())
    await asyncio.sleep(0)
    source.goes_on.set()
    await closing
    marking.want("b", thread_of("b", 9), kept)
    await marking.drain()
    assert kept.places == []
    assert len(source.texts) <= 4


async def test_a_failing_keep_ends_only_its_own_thread(
    source: Source, marking: Marking, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(found: list[tuple[int, bytes]]) -> None:
        raise LookupError("the dentist's name")

    kept = Kept()
    marking.want("a", thread_of("a", 9), broken)
    marking.want("b", thread_of("b", 9), kept)
    await marking.drain()
    assert kept.places == list(range(9))
    assert "LookupError" in caplog.text
    assert "dentist" not in caplog.text
    marking.want("a", thread_of("a", 1), kept)
    await marking.drain()
    assert kept.places == [*range(9), 0]


async def test_a_thread_that_cannot_be_read_ends_only_its_own(
    marking: Marking, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, kept, read = thread_of("a", 9), Kept(), Thread.read

    def broken(self: Thread, most: int) -> bool:
        if self is bad:
            raise IndexError("the dentist's name")
        return read(self, most)

    monkeypatch.setattr(Thread, "read", broken)
    marking.want("a", bad, kept)
    marking.want("b", thread_of("b", 5), kept)
    await marking.drain()
    assert kept.places == list(range(5))
    assert "IndexError" in caplog.text
    assert "dentist" not in caplog.text


@pytest.mark.parametrize("source", [Source("a"), Source(n_rows=1)], ids=["raises", "gives too few"])
async def test_where_embedding_fails_all_is_read_for_its_words(
    source: Source, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(marking_module, "_N_READ", 10)
    marking, kept, thread = Marking(lambda: source, source.name), Kept(), thread_of("a", 60)
    thread.relevance(Query("a"), 5)
    marking.want("a", thread, kept)
    await marking.drain()
    assert kept.places == []
    assert len(thread.index) == thread.shape.tail == 59
    assert len(source.texts) == 4, "it is not tried again before it is wanted again"
    assert "searched by words" in caplog.text
    assert "dentist" not in caplog.text


async def test_a_failing_embedder_fails_one_thread_alone(caplog: pytest.LogCaptureFixture) -> None:
    source, kept = Source("a"), Kept()
    marking = Marking(lambda: source, source.name)
    marking.want("a", thread_of("a", 5), kept)
    marking.want("b", thread_of("b", 5), kept)
    with caplog.at_level(logging.WARNING):
        await marking.drain()
    assert kept.places == list(range(5))
    assert "RuntimeError" in caplog.text
    assert "dentist" not in caplog.text


async def test_without_an_embedder_what_was_searched_is_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marking_module, "_N_READ", 10)
    marking, kept = Marking(None, ""), Kept()
    searched, other = thread_of("a", 60), thread_of("b", 60)
    searched.relevance(Query("a"), 5)
    marking.want("a", searched, kept)
    marking.want("b", other, kept)
    await marking.drain()
    assert (len(searched.index), len(other.index)) == (59, 0)
    assert kept.places == []


async def test_what_waits_can_be_wanted_again_when_the_queue_is_full(
    source: Source, marking: Marking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marking_module, "_MAX_WAITING", 2)
    kept, more = Kept(), thread_of("a", 2)
    marking.want("a", thread_of("x", 1), kept)
    marking.want("b", thread_of("b", 1), kept)
    marking.want("c", thread_of("c", 1), kept)
    marking.want("a", more, kept)
    await marking.drain()
    assert source.texts == ["a0", "a1", "b0"]


def test_marks_of_another_embedder_are_not_read() -> None:
    one, other = Marking(None, "one"), Marking(None, "other")
    assert one.unseal(one.seal(b"mark")) == b"mark"
    assert other.unseal(one.seal(b"mark")) == b""
