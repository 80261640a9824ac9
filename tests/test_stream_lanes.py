"""Guards of streams run where they hold up nobody else."""

from __future__ import annotations

import asyncio
import sys
import threading
import types
from typing import ClassVar

import pytest

from stepwell.base.decisions import Finding
from stepwell.base.messages import Event
from stepwell.guards.stream import GuardStream
from stepwell.testing import FakeTier
from tests.house import house

N_STREAMS = 40


class Waits:
    """Waits until it may go on."""

    name, kinds, max_len = "waits", ("W",), 64
    may_go_on = threading.Event()
    waiting: ClassVar[list[str]] = []

    def find(self, text: str) -> list[Finding]:
        self.waiting.append(text)
        self.may_go_on.wait(30)
        return []


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> type[Waits]:
    module = types.ModuleType("lane_plugs")
    module.__dict__["Waits"] = Waits
    monkeypatch.setitem(sys.modules, "lane_plugs", module)
    Waits.may_go_on.clear()
    Waits.waiting.clear()
    return Waits


async def read(well: object) -> str:
    stream = await well.astream("hi")  # type: ignore[attr-defined]
    return "".join([text async for text in stream.text_deltas()])


async def test_slow_checks_of_streams_leave_threads_to_others(waits: type[Waits]) -> None:
    slow = {"check": "lane_plugs:Waits", "timeout_s": 60.0, "action": "redact"}
    async with house(FakeTier("one two"), guards={"input": [], "output": [], "stream": [slow]}) as well:
        streams = [asyncio.create_task(read(well)) for _ in range(N_STREAMS)]
        for _ in range(500):
            if len(waits.waiting) == N_STREAMS:
                break
            await asyncio.sleep(0.01)
        assert len(waits.waiting) == N_STREAMS
        assert not any(s.done() for s in streams)
        assert await asyncio.to_thread(lambda: 7) == 7
        waits.may_go_on.set()
        assert await asyncio.gather(*streams) == ["one two"] * N_STREAMS


async def test_large_pieces_are_read_off_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    feed = GuardStream.feed

    def noted(self: GuardStream, events: list[Event]) -> list[Event]:
        threads.append(threading.current_thread())
        return feed(self, events)

    monkeypatch.setattr(GuardStream, "feed", noted)
    long = "ann@example.org," * 5000
    for text, is_here in (("ann@example.org", True), (long, False)):
        threads.clear()
        async with house(FakeTier(text), guards={"input": [], "output": ["email"]}) as well:
            assert "ann" not in await read(well)
        assert all(t is threading.current_thread() for t in threads) is is_here


async def test_the_end_of_a_long_answer_is_read_off_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    finish = GuardStream.finish

    def noted(self: GuardStream) -> list[Event]:
        threads.append(threading.current_thread())
        return finish(self)

    monkeypatch.setattr(GuardStream, "finish", noted)
    for text, is_here in (("ann@example.org", True), ("ann@example.org " * 5000, False)):
        threads.clear()
        async with house(FakeTier(text), guards={"input": [], "output": ["email"]}) as well:
            assert "ann" not in await read(well)
        assert threads
        assert (threads[-1] is threading.current_thread()) is is_here
