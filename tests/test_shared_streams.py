"""Streams of who asks the same at the same time: one upstream call, each caller's own stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell import AllTiersFailed, GuardBlocked, ReplyStream, Stepwell, StreamBroken
from stepwell.base.assemble import event
from stepwell.base.errors import TierUnavailable
from stepwell.base.messages import Chunk, ChunkChoice, Delta, Event
from stepwell.base.request import ChatRequest
from stepwell.testing import FakeTier
from tests.house import house, n_in_flight, read, records_of

EXACT = {"semantic": "off"}
ASK = "What is a well?"


def piece(text: str, *, is_last: bool = False) -> Event:
    finish = "stop" if is_last else None
    return event(Chunk([ChunkChoice(index=0, delta=Delta(content=text), finish_reason=finish)], "x", "fake"))


class Told(FakeTier):
    """Streams a word each time that it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.words: asyncio.Queue[str | Exception | None] = asyncio.Queue()
        self.n_opened = 0

    def say(self, *words: str | Exception | None) -> None:
        for word in words:
            self.words.put_nowait(word)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        self.n_opened += 1
        is_done = False
        try:
            while (word := await self.words.get()) is not None:
                if isinstance(word, Exception):
                    is_done = True
                    raise word
                yield [piece(word)]
            is_done = True
            yield [piece("", is_last=True)]
        finally:
            self.n_cancelled += not is_done


class Listener:
    """Reads a stream in a task of its own."""

    def __init__(self, well: Stepwell, **asks: Any) -> None:
        self.heard: list[str] = []
        self.stream: ReplyStream | None = None
        self.has_asked = False
        self.task = asyncio.create_task(self._run(well, asks))

    async def _run(self, well: Stepwell, asks: dict[str, Any]) -> str:
        self.has_asked = True
        self.stream = await well.astream(ASK, **asks)
        async for text in self.stream.text_deltas():
            self.heard.append(text)
        return "".join(self.heard)

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])

    @property
    def cost_usd(self) -> float:
        assert self.stream is not None
        assert self.stream.reply is not None
        return self.stream.reply.cost_usd


async def settled() -> None:
    """Let every task go as far as it can."""
    await asyncio.sleep(0.02)


@pytest.mark.parametrize("n_before", [0, 1, 3])
async def test_who_comes_at_any_time_gets_all_of_it_for_nothing(n_before: int) -> None:
    tier = Told()
    async with house(tier, cache=EXACT) as well:
        leader = Listener(well)
        await settled()
        tier.say(*["a ", "b ", "c "][:n_before])
        await settled()
        others = [Listener(well) for _ in range(3)]
        await settled()
        tier.say(*["a ", "b ", "c "][n_before:], "d", None)
        texts = await asyncio.gather(leader.task, *(o.task for o in others))
        spent = well.pipeline.ledger.spent_usd()
        await settled()
        assert len(well.pipeline.flights) == 0
        assert n_in_flight(well) == 0
    assert set(texts) == {"a b c d"}
    assert tier.n_opened == 1
    assert [o.cost_usd for o in others] == [0, 0, 0]
    assert leader.cost_usd == pytest.approx(spent)
    for other in others:
        assert other.stream is not None
        decision = other.stream.trace.cache
        assert decision is not None
        assert (decision.status, decision.reason) == ("hit", "shared with a request under way")
        assert decision.saved_usd == pytest.approx(leader.cost_usd)


async def test_they_hear_it_live() -> None:
    tier = Told()
    async with house(tier, cache=EXACT) as well:
        leader, other = Listener(well), Listener(well)
        await settled()
        tier.say("a ")
        await settled()
        assert (leader.heard, other.heard) == (["a "], ["a "])
        tier.say("b")
        await settled()
        assert (leader.heard, other.heard) == (["a ", "b"], ["a ", "b"])
        tier.say(None)
        await asyncio.gather(leader.task, other.task)


async def test_each_has_its_own_usage_wish() -> None:
    tier = FakeTier("an answer of some words", delay_s=0.03)

    async def events(*, include_usage: bool) -> list[Event]:
        stream = await well.astream(ASK, stream_options={"include_usage": include_usage})
        return [e async for e in stream]

    async with house(tier, cache=EXACT) as well:
        plain, told = await asyncio.gather(events(include_usage=False), events(include_usage=True))
    assert len(tier.requests) == 1
    assert [e.chunk.usage is not None for e in told] == [False] * len(plain) + [True]
    assert not any(e.chunk.usage for e in plain)


async def test_a_follower_who_leaves_stops_nobody() -> None:
    tier = Told()
    async with house(tier, cache=EXACT) as well:
        leader, other = Listener(well), Listener(well)
        await settled()
        tier.say("a ")
        await settled()
        await other.leave()
        tier.say("b", None)
        assert await leader.task == "a b"
    assert tier.n_cancelled == 0


@pytest.mark.parametrize("when", ["before the first token", "after it"])
async def test_the_leader_may_leave_and_still_pays(when: str) -> None:
    tier = Told()
    async with house(tier, cache=EXACT) as well:
        records = records_of(well)
        leader, other = Listener(well), Listener(well)
        await settled()
        if when == "after it":
            tier.say("a ")
            await settled()
            await leader.leave()
        else:
            await leader.leave()
            tier.say("a ")
        tier.say("b", None)
        assert await other.task == "a b"
        await settled()
        assert other.cost_usd == 0
        assert well.pipeline.ledger.spent_usd() > 0
        if when == "after it":  # its record waits until the bill is known
            assert sum(r.cost_usd for r in records) == pytest.approx(well.pipeline.ledger.spent_usd())
        assert sorted(r.status for r in records) == [200, 499]
        again = await well.achat(ASK)
        assert n_in_flight(well) == 0
    assert (tier.n_opened, tier.n_cancelled) == (1, 0)
    assert again.text == "a b"  # who followed to the end kept it
    assert again.trace.cache is not None
    assert again.trace.cache.saved_usd > 0


@pytest.mark.parametrize("n_words", [0, 1])
async def test_it_is_cancelled_once_nobody_listens(n_words: int) -> None:
    tier = Told()
    async with house(tier, cache=EXACT) as well:
        listeners = [Listener(well) for _ in range(3)]
        await settled()
        tier.say(*["a "] * n_words)
        await settled()
        for listener in listeners:
            assert tier.n_cancelled == 0
            await listener.leave()
        assert tier.n_cancelled == 1
        assert len(well.pipeline.flights) == 0
        assert n_in_flight(well) == 0
        late = Listener(well)
        await settled()
        tier.say("new", None)
        assert await late.task == "new"


async def test_before_the_first_token_a_failure_is_the_leaders_alone() -> None:
    down = TierUnavailable("down", tier="cheap")
    tier = FakeTier([down, "here"], delay_s=0.03)
    async with house(tier, cache=EXACT) as well:
        made = [asyncio.create_task(well.astream(ASK, tier="cheap")) for _ in range(2)]
        with pytest.raises(AllTiersFailed):
            await made[0]
        assert await read(await made[1]) == "here"
    assert len(tier.requests) == 2


async def test_a_break_after_it_reaches_all() -> None:
    tier = Told()
    async with house(tier, cache=EXACT) as well:
        records = records_of(well)
        listeners = [Listener(well) for _ in range(3)]
        await settled()
        tier.say("a ", StreamBroken("cut", tier="cheap"))
        for listener in listeners:
            with pytest.raises(StreamBroken):
                await listener.task
            assert listener.heard == ["a "]
        assert n_in_flight(well) == 0
    assert [(r.status, r.error) for r in records] == [(502, "stream_broken")] * 3
    assert tier.n_opened == 1


async def test_a_leader_cancelled_as_another_joins_leaves_it_a_call_of_its_own() -> None:
    """While the leader's task waits for the upstream, cancelling it ends the upstream; nothing was released yet."""
    tier = Told()
    async with house(tier, cache=EXACT) as well:
        leader = Listener(well)
        await settled()
        tier.say("a ")
        await settled()
        late = Listener(well)
        await settled()
        await leader.leave()
        await settled()
        assert (tier.n_opened, tier.n_cancelled) == (2, 1)
        tier.say("x ", "y", None)
        assert await late.task == "x y"
        assert n_in_flight(well) == 0


async def test_each_stream_has_a_guard_of_its_own() -> None:
    guards = {"input": [], "output": [{"check": "email", "action": "block"}]}
    tier = Told()
    async with house(tier, cache=EXACT, guards=guards) as well:
        listeners = [Listener(well) for _ in range(2)]
        await settled()
        tier.say("mail ", "a@b.example ", *["on "] * 30, None)
        for listener in listeners:
            with pytest.raises(GuardBlocked):
                await listener.task
        assert n_in_flight(well) == 0


@pytest.mark.parametrize(
    ("cache", "asks"), [({"exact": False, "semantic": "off"}, {}), (EXACT, {"cache": False})]
)
async def test_without_the_cache_nothing_is_shared(cache: dict[str, Any], asks: dict[str, Any]) -> None:
    tier = FakeTier("an answer", delay_s=0.02)
    async with house(tier, cache=cache) as well:
        listeners = [Listener(well, **asks) for _ in range(3)]
        assert await asyncio.gather(*(one.task for one in listeners)) == ["an answer"] * 3
    assert len(tier.requests) == 3


async def test_tenants_share_nothing() -> None:
    tier = FakeTier("an answer", delay_s=0.02)
    async with house(tier, cache=EXACT) as well:
        listeners = [Listener(well, tenant=t) for t in "ab"]
        await asyncio.gather(*(one.task for one in listeners))
    assert len(tier.requests) == 2


async def test_a_slow_reader_holds_up_nobody() -> None:
    tier = Told()
    async with house(tier, cache=EXACT) as well:
        leader = Listener(well)
        slow = asyncio.create_task(well.astream(ASK))
        await settled()
        tier.say("a ", "b", None)
        assert await leader.task == "a b"
        assert await read(await slow) == "a b"


@pytest.mark.parametrize("n_words", [1, 4])
async def test_who_comes_after_the_replay_limit_calls_for_themselves(
    monkeypatch: pytest.MonkeyPatch, n_words: int
) -> None:
    monkeypatch.setattr("stepwell.shared.MAX_REPLAY_BYTES", 400)
    tier = Told()
    async with house(tier, cache=EXACT) as well:
        leader = Listener(well)
        await settled()
        tier.say(*["word "] * n_words)
        await settled()
        late = Listener(well)
        await settled()
        is_shared = n_words == 1
        tier.say("end", None)
        if not is_shared:
            tier.say("end", None)
        await asyncio.gather(leader.task, late.task)
    assert tier.n_opened == (1 if is_shared else 2)


async def test_a_follower_too_far_behind_is_given_up_and_the_leader_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stepwell.reader.MAX_LAG_BYTES", 600)
    tier = Told()
    async with house(tier, cache=EXACT) as well:
        opening = asyncio.create_task(well.astream(ASK))
        late_opening = asyncio.create_task(well.astream(ASK))
        await settled()
        tier.say(*["word "] * 50, None)
        leader, late = await opening, await late_opening
        batches = leader.batches()
        await anext(batches)
        await settled()
        assert tier.words.qsize() > 30  # the leader has not read on: neither does the house
        await batches.aclose()
        await leader.aclose()
        await settled()
        assert tier.words.qsize() == 0
        with pytest.raises(StreamBroken):
            await read(late)
        assert n_in_flight(well) == 0


class Counting(Told):
    """Every stream says the same words, one each time that any is told to go on."""

    WORDS = ("a ", "b ", "c ", "d")

    def __init__(self) -> None:
        super().__init__()
        self.steps = asyncio.Condition()
        self.n_steps = 0
        self.n_live = 0

    async def step(self, n: int) -> None:
        async with self.steps:
            self.n_steps += n
            self.steps.notify_all()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        self.n_opened += 1
        self.n_live += 1
        begun = self.n_steps
        try:
            for n, word in enumerate(self.WORDS, 1):
                async with self.steps:
                    await self.steps.wait_for(lambda n=n: self.n_steps - begun >= n)  # type: ignore[misc]
                yield [piece(word)]
            yield [piece("", is_last=True)]
        finally:
            self.n_live -= 1


MOVES = st.lists(
    st.tuples(st.sampled_from(["join", "step", "leave", "look"]), st.integers(0, 5)), max_size=14
)


@settings(max_examples=100, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(MOVES)
async def test_whoever_stays_gets_all_and_what_is_paid_is_recorded(moves: list[tuple[str, int]]) -> None:
    tier = Counting()
    async with house(tier, cache=EXACT) as well:
        records = records_of(well)
        listeners: list[Listener] = []
        left: set[int] = set()
        for move, n in moves:
            if move == "join":
                listeners.append(Listener(well))
            elif move == "step":
                await tier.step(1)
            elif move == "leave" and n < len(listeners):
                left.add(n)
                await listeners[n].leave()
            for _ in range(n * 3):
                await asyncio.sleep(0)
        while not all(one.task.done() for one in listeners):
            await tier.step(len(Counting.WORDS))
            await asyncio.sleep(0.001)
        for _ in range(20):  # what was left to others settles its bill
            await asyncio.sleep(0)
        for n, one in enumerate(listeners):
            if n not in left:
                assert await one.task == "a b c d"
            else:
                assert "a b c d".startswith("".join(one.heard))
        assert tier.n_live == 0
        assert len(well.pipeline.flights) == 0
        assert n_in_flight(well) == 0
        assert len(records) == sum(one.has_asked for one in listeners)
        paid = [r for r in records if r.cost_usd]
        assert len(paid) <= tier.n_opened
        assert sum(r.cost_usd for r in records) <= well.pipeline.ledger.spent_usd() + 1e-9


@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_a_hurried_follower_waits_no_longer_than_it_asked_to(how: str) -> None:
    tier = FakeTier("an answer", delay_s=0.5)
    async with house(tier, cache=EXACT) as well:
        ask = well.achat if how == "whole" else well.astream
        leader = asyncio.create_task(ask(ASK))
        await settled()
        with pytest.raises(AllTiersFailed) as caught:
            await ask(ASK, timeout_s=0.05)
        assert not leader.done()
        made = await leader
        if isinstance(made, ReplyStream):
            await made.aclose()
    assert caught.value.status_code == 504
    assert len(tier.requests) == 1
