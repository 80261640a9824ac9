"""Summaries in the background: nobody waits for one, and no failure of one is anybody's."""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress

import msgspec

from stepwell.memory.context.log.log import Name, Summary
from stepwell.memory.context.summary.scribe import Scribe
from stepwell.memory.context.summary.summarizer import NOBODY, Said

_log = logging.getLogger("stepwell.memory")


class SummaryState(msgspec.Struct, frozen=True):
    """How summaries go.

    Attributes:
        by: The summarizer asked for.
        is_open: It has failed too often; the extract stands in.
        n_made, n_failed: Batches read, and those of them on which the summarizer failed.
        n_turned_away: Wants that found the queue full; nothing is lost, the next want brings their turns again.
        n_waiting, n_running: Conversations.
    """

    by: str
    is_open: bool
    n_made: int
    n_failed: int
    n_turned_away: int
    n_waiting: int
    n_running: int


class _Want(msgspec.Struct):
    summary: Summary | None
    turns: Sequence[Said]
    keep: Callable[[Summary], None]

    @property
    def start(self) -> int:
        """Where in `turns` those begin that the summary does not cover."""
        return bisect_left(self.turns, self.summary.upto if self.summary else 0, key=lambda said: said.seq)

    def batch(self, least_tokens: int, most_tokens: int) -> list[Said]:
        """The next turns: at least `least_tokens`, then those that fit `most_tokens`."""
        batch: list[Said] = []
        n = 0
        for i in range(self.start, len(self.turns)):
            said = self.turns[i]
            if n >= least_tokens and n + said.n_tokens > most_tokens:
                break
            batch.append(said)
            n += said.n_tokens
        return batch


_N_REMEMBERED = 1000  # conversations whose last summary is known here: a caller may still bring an older one


class Summaries:
    """Keeps the summaries of many conversations up to date: a few at a time, one at a time of each.

    It belongs to the event loop from which `want` is called; after that loop's end it serves the next one.

    Args:
        n_at_once: Conversations that are read at once.
        max_waiting: Conversations that may wait; more are turned away.
    """

    def __init__(self, scribe: Scribe, *, n_at_once: int = 4, max_waiting: int = 256) -> None:
        self._scribe = scribe
        self._n_at_once = n_at_once
        self._max_waiting = max_waiting
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[Hashable, _Want] = {}
        self._running: dict[Hashable, asyncio.Task[None]] = {}
        self._latest: OrderedDict[Hashable, Summary] = OrderedDict()
        self._n_made = 0
        self._n_turned_away = 0
        self._is_closed = False

    def is_due(self, summary: Summary | None, n_new_tokens: int) -> bool:
        """Whether so many tokens after the summary's end are worth reading now.

        A batch gathers first, so that the summary, which is read again with each, adds little.
        """
        return n_new_tokens >= self._scribe.pace.least_tokens(summary)

    def want(
        self, key: Hashable, summary: Summary | None, turns: Sequence[Said], keep: Callable[[Summary], None]
    ) -> bool:
        """Ask for a summary that covers `turns`; never waits, never raises.

        Args:
            key: The conversation and its epoch, (Name, int): a model is asked in that name. Any other key has nobody's.
                A newer want takes the place of one that waits.
            summary: The one so far; turns that it covers are not read again.
            turns: Those after it, rising, without gaps.
            keep: Takes each new summary, in the event loop: one after each batch.

        Returns:
            False where it is not due, the queue is full, or no event loop runs: want it again later.
        """
        want = _Want(_later(summary, self._latest.get(key)), turns, keep)
        if self._is_closed or not self._has_loop() or not self._is_worth_it(want):
            return False
        if key not in self._waiting and len(self._waiting) >= self._max_waiting:
            self._n_turned_away += 1
            return False
        self._waiting[key] = want
        self._start()
        return True

    def is_busy(self, key: Hashable) -> bool:
        """Whether the conversation waits or is being read: what is new since is taken up by a later want."""
        return key in self._waiting or key in self._running

    def forget(self, key: Hashable) -> None:
        """Stop work on a conversation that was erased; nothing of it is kept from now on."""
        self._waiting.pop(key, None)
        self._latest.pop(key, None)
        if (task := self._running.get(key)) is not None:
            task.cancel()

    def describe(self) -> SummaryState:
        return SummaryState(
            by=self._scribe.name,
            is_open=self._scribe.is_open,
            n_made=self._n_made,
            n_failed=self._scribe.n_failed,
            n_turned_away=self._n_turned_away,
            n_waiting=len(self._waiting),
            n_running=len(self._running),
        )

    async def drain(self, timeout_s: float | None = None) -> None:
        """Wait until nothing waits or runs, or the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._running:
                    await asyncio.wait(set(self._running.values()))

    async def close(self) -> None:
        """Give up what waits and runs: its turns are in the log, and are wanted again."""
        self._is_closed = True
        self._waiting.clear()
        tasks = set(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _has_loop(self) -> bool:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if loop is self._loop:
            return True
        if self._loop is not None and not self._loop.is_closed():
            return False
        self._loop, self._waiting, self._running = loop, {}, {}
        return True

    def _is_worth_it(self, want: _Want) -> bool:
        left = self._scribe.pace.least_tokens(want.summary)
        for i in range(want.start, len(want.turns)):
            left -= want.turns[i].n_tokens
            if left <= 0:
                return True
        return False

    def _start(self) -> None:
        while len(self._running) < self._n_at_once:
            key = next((k for k in self._waiting if k not in self._running), None)
            if key is None:
                return
            task = asyncio.create_task(self._read(key, self._waiting.pop(key)))
            self._running[key] = task
            task.add_done_callback(lambda task, key=key: self._finished(key, task))  # type: ignore[misc]

    async def _read(self, key: Hashable, want: _Want) -> None:
        """Read batch after batch; a newer want of the same conversation goes on where this one ends."""
        while self._is_worth_it(want):
            made = await self._scribe.write(want.summary, self._batch(want), of=_name_in(key))
            self._n_made += 1
            self._remember(key, made)
            want.summary = made
            want.keep(made)
            if (newer := self._waiting.get(key)) is not None:
                newer.summary = _later(newer.summary, made)

    def _batch(self, want: _Want) -> list[Said]:
        return want.batch(self._scribe.pace.least_tokens(want.summary), self._scribe.pace.batch_tokens)

    def _remember(self, key: Hashable, made: Summary) -> None:
        self._latest[key] = made
        self._latest.move_to_end(key)
        if len(self._latest) > _N_REMEMBERED:
            self._latest.popitem(last=False)

    def _finished(self, key: Hashable, task: asyncio.Task[None]) -> None:
        if self._running.get(key) is task:
            del self._running[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a summary was not made or not kept: %s", type(error).__name__)
        if not self._is_closed:
            self._start()


def _name_in(key: Hashable) -> Name:
    """Whose conversation it is."""
    first = key[0] if isinstance(key, tuple) and key else None
    return first if isinstance(first, Name) else NOBODY


def _later(one: Summary | None, other: Summary | None) -> Summary | None:
    """The one that covers more."""
    if one is None or other is None:
        return one or other
    return one if one.upto >= other.upto else other
