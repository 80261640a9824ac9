"""The background runner: each turn is read once, and nothing that fails is anybody's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.messages import Message
from stepwell.memory.context.log.log import Name, Summary
from stepwell.memory.context.summary.cut import n_tokens
from stepwell.memory.context.summary.pace import Pace
from stepwell.memory.context.summary.scribe import Scribe
from stepwell.memory.context.summary.summaries import Summaries
from stepwell.memory.context.summary.summarizer import NOBODY, Said


def talk(n: int, *, first: int = 0, each_tokens: int = 100) -> list[Said]:
    return [
        Said(i, Message("user", f"On day {i} Maria sold {i + 3} boats in Porto."), 0.0, each_tokens)
        for i in range(first, first + n)
    ]


PACE = Pace(max_tokens=50, batch_tokens=1000, n_overhead_tokens=1)


class Fake:
    """A summarizer that notes what it reads; `fails` says what it does instead."""

    name = "fake"

    def __init__(self) -> None:
        self.read: list[int] = []
        self.n_calls = 0
        self.fails: BaseException | None = None
        self.hangs: asyncio.Event | None = None
        self.says = "Maria sells boats in Porto."

    async def called(self, n: int) -> None:
        while self.n_calls < n:  # noqa: ASYNC110 - the calls are counted all the same
            await asyncio.sleep(0.001)

    async def extend(
        self, summary: Summary | None, turns: Sequence[Said], *, max_tokens: int, of: Name = NOBODY
    ) -> str:
        self.n_calls += 1
        if self.hangs is not None:
            await self.hangs.wait()
        if self.fails is not None:
            raise self.fails
        self.read += [said.seq for said in turns]
        return self.says


class Kept:
    """What a caller keeps."""

    def __init__(self) -> None:
        self.all: list[Summary] = []

    def __call__(self, summary: Summary) -> None:
        self.all.append(summary)

    @property
    def last(self) -> Summary | None:
        return self.all[-1] if self.all else None


@pytest.fixture
def fake() -> Fake:
    return Fake()


async def test_batches_are_read_in_order_and_the_rest_waits(fake: Fake) -> None:
    summaries, kept = Summaries(Scribe(fake, PACE)), Kept()
    assert summaries.want("k", None, talk(35), kept)
    await summaries.drain()
    assert fake.read == list(range(30))
    assert [s.upto for s in kept.all] == [10, 20, 30]
    assert not summaries.want("k", kept.last, talk(9, first=30), kept)
    assert summaries.want("k", kept.last, talk(10, first=30), kept)
    await summaries.drain()
    assert fake.read == list(range(40))


async def test_what_a_newer_want_brings_again_is_not_read_again(fake: Fake) -> None:
    summaries, kept = Summaries(Scribe(fake, PACE)), Kept()
    for n in (10, 12, 20, 25, 30):  # none of these callers knows of a summary
        summaries.want("k", None, talk(n), kept)
        await asyncio.sleep(0)
    await summaries.drain()
    summaries.want("k", None, talk(30), kept)
    await summaries.drain()
    assert fake.read == list(range(30))


async def test_a_conversation_begun_anew_is_read_anew(fake: Fake) -> None:
    summaries, kept = Summaries(Scribe(fake, PACE)), Kept()
    summaries.want("k", None, talk(10), kept)
    await summaries.drain()
    summaries.forget("k")
    summaries.want("k", None, talk(10), kept)
    await summaries.drain()
    assert fake.read == [*range(10), *range(10)]


async def test_forgetting_stops_what_runs(fake: Fake) -> None:
    fake.hangs = asyncio.Event()
    summaries, kept = Summaries(Scribe(fake, PACE)), Kept()
    summaries.want("k", None, talk(10), kept)
    await fake.called(1)
    summaries.forget("k")
    fake.hangs.set()
    await summaries.drain()
    assert kept.all == []
    assert summaries.describe().n_failed == 0


async def test_few_at_once_and_only_so_many_wait(fake: Fake) -> None:
    fake.hangs = asyncio.Event()
    summaries, kept = (
        Summaries(Scribe(fake, PACE), n_at_once=2, max_waiting=3),
        Kept(),
    )
    taken = []
    for i in range(7):
        taken.append(summaries.want(i, None, talk(10), kept))
    assert taken == [True] * 5 + [False] * 2
    await fake.called(2)
    state = summaries.describe()
    assert (state.n_running, state.n_waiting, state.n_turned_away, fake.n_calls) == (2, 3, 2, 2)
    fake.hangs.set()
    await summaries.drain()
    assert len(kept.all) == 5
    assert summaries.want(6, None, talk(10), kept)
    await summaries.drain()


async def test_the_extract_reads_what_fails_until_the_trial_goes_well(
    fake: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    scribe = Scribe(fake, PACE, max_failures=3, rest_s=300, now_s=lambda: now[0])
    summaries, kept = Summaries(scribe), Kept()
    fake.fails = ValueError("Maria's secret")
    with caplog.at_level(logging.INFO):
        summaries.want("k", None, talk(100), kept)
        await summaries.drain()
    assert [s.upto for s in kept.all] == list(range(10, 110, 10))
    assert {s.by for s in kept.all} == {"extract"}
    assert all("Porto" in s.text for s in kept.all)
    assert (fake.n_calls, summaries.describe().is_open) == (3, True)
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text
    now[0], fake.fails = 300.0, None
    summaries.want("k", kept.last, talk(20, first=100), kept)
    await summaries.drain()
    assert [s.by for s in kept.all[10:]] == ["fake", "fake"]
    assert not summaries.describe().is_open
    assert fake.read == list(range(100, 120))


async def test_a_trial_that_fails_is_the_only_one(fake: Fake) -> None:
    now = [0.0]
    summaries = Summaries(Scribe(fake, PACE, max_failures=1, rest_s=60, now_s=lambda: now[0]))
    fake.fails = ValueError()
    for at_s in (0, 59, 60, 119, 120):
        now[0] = at_s
        summaries.want(at_s, None, talk(30), Kept())
        await summaries.drain()
    assert fake.n_calls == 3  # at 0, 60 and 120
    assert summaries.describe().n_made == 15


async def test_one_that_hangs_is_cancelled_and_stood_in_for(fake: Fake) -> None:
    fake.hangs = asyncio.Event()
    summaries, kept = Summaries(Scribe(fake, PACE, timeout_s=0.01)), Kept()
    summaries.want("k", None, talk(10), kept)
    await summaries.drain()
    assert [(s.by, s.upto) for s in kept.all] == [("extract", 10)]


async def test_one_that_heeds_no_cancelling_holds_nothing_up() -> None:
    ends = asyncio.Event()

    class Deaf:
        name = "deaf"

        async def extend(
            self, summary: Summary | None, turns: Sequence[Said], *, max_tokens: int, of: Name = NOBODY
        ) -> str:
            while not ends.is_set():
                try:
                    await ends.wait()
                except asyncio.CancelledError:
                    continue
            raise ValueError("too late")

    summaries, kept = Summaries(Scribe(Deaf(), PACE, timeout_s=0.01)), Kept()
    summaries.want("k", None, talk(10), kept)
    await summaries.drain()
    assert [(s.by, s.upto) for s in kept.all] == [("extract", 10)]
    ends.set()
    await asyncio.sleep(0)


async def test_a_cancelling_from_within_is_a_failure(fake: Fake) -> None:
    fake.fails = asyncio.CancelledError()
    summaries, kept = Summaries(Scribe(fake, PACE)), Kept()
    summaries.want("k", None, talk(10), kept)
    await summaries.drain()
    assert [(s.by, s.upto) for s in kept.all] == [("extract", 10)]


@pytest.mark.parametrize("said", ["", "   \n", "x" * 100_000])
async def test_nothing_of_use_is_a_failure_and_empties_nothing(fake: Fake, said: str) -> None:
    fake.says = said
    summaries, kept = Summaries(Scribe(fake, Pace(40, 1000))), Kept()
    before = Summary("Tom lives in Lisbon.", 5, "fake", 700)
    silent = [Said(i, Message("tool", "{}"), 0.0, 100) for i in range(5, 15)]
    summaries.want("k", before, silent, kept)
    await summaries.drain()
    assert kept.last is not None
    assert (kept.last.text, kept.last.upto, kept.last.by) == ("Tom lives in Lisbon.", 15, "extract")


async def test_a_longer_one_is_cut(fake: Fake) -> None:
    fake.says = "Maria sells boats in Porto. " * 100
    summaries, kept = Summaries(Scribe(fake, Pace(40, 1000))), Kept()
    summaries.want("k", None, talk(10), kept)
    await summaries.drain()
    assert kept.last is not None
    assert kept.last.by == "fake"
    assert kept.last.text.endswith("Porto.")
    assert n_tokens(kept.last.text) <= 40


async def test_closing_gives_up_and_takes_nothing_more(fake: Fake) -> None:
    fake.hangs = asyncio.Event()
    summaries, kept = Summaries(Scribe(fake, PACE), n_at_once=1), Kept()
    for i in range(3):
        summaries.want(i, None, talk(10), kept)
    await fake.called(1)
    await summaries.close()
    assert kept.all == []
    assert not summaries.want(9, None, talk(10), kept)
    state = summaries.describe()
    assert (state.n_running, state.n_waiting, fake.n_calls) == (0, 0, 1)


def test_without_a_loop_it_declines_and_a_new_loop_is_served() -> None:
    fake, kept = Fake(), Kept()
    summaries = Summaries(Scribe(fake, PACE))
    assert not summaries.want("k", None, talk(10), kept)

    async def left_behind() -> None:
        fake.hangs = asyncio.Event()
        assert summaries.want("k", None, talk(10), kept)

    async def served() -> None:
        fake.hangs = None
        assert summaries.want("k", None, talk(10), kept)
        await summaries.drain()

    asyncio.run(left_behind())
    asyncio.run(served())
    assert [s.upto for s in kept.all] == [10]


async def test_what_cannot_be_kept_is_logged_without_its_text(
    fake: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(summary: Summary) -> None:
        raise ValueError(summary.text)

    summaries, kept = Summaries(Scribe(fake, PACE)), Kept()
    summaries.want("k", None, talk(10), broken)
    summaries.want("other", None, talk(10), kept)
    await summaries.drain()
    await asyncio.sleep(0)
    assert "ValueError" in caplog.text
    assert "Maria" not in caplog.text
    assert len(kept.all) == 1


@given(
    sizes=st.lists(st.integers(10, 1500), min_size=1, max_size=40),
    steps=st.lists(st.integers(1, 20), min_size=1, max_size=20),
    fails=st.sets(st.integers(0, 30)),
)
def test_every_turn_is_read_once_and_little_is_read_again(
    sizes: list[int], steps: list[int], fails: set[int]
) -> None:
    """However turns arrive, and whichever calls fail."""
    texts = ["Maria sells boats in Porto." + " and more" * (n // 2) for n in sizes]
    turns = [Said(i, Message("user", text), 0.0, n_tokens(f"user: {text}")) for i, text in enumerate(texts)]
    covered: list[int] = []

    class Sometimes(Fake):
        async def extend(
            self, summary: Summary | None, turns: Sequence[Said], *, max_tokens: int, of: Name = NOBODY
        ) -> str:
            self.n_calls += 1
            covered.extend(said.seq for said in turns)
            if self.n_calls in fails:
                raise ValueError
            return "It costs ten euros."

    kept = Kept()

    async def run() -> None:
        summaries, n = Summaries(Scribe(Sometimes(), Pace(30, 500, 20), max_failures=10**6)), 0
        for step in steps:
            n += step
            upto = kept.last.upto if kept.last else 0
            summaries.want("k", kept.last, turns[upto:n], kept)
            if step % 2:
                await summaries.drain()
        await summaries.drain()

    asyncio.run(run())
    assert covered == list(range(len(covered)))
    uptos = [s.upto for s in kept.all]
    assert uptos == sorted(set(uptos))
    if kept.last is not None:
        assert kept.last.upto == len(covered)
        assert kept.last.n_read_tokens <= 1.1 * sum(said.n_tokens for said in turns[: kept.last.upto])
    assert all(0 < n_tokens(s.text) <= 30 for s in kept.all)
