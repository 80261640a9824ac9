"""Writes summaries in any case: by the summarizer that was asked for, by the extract where that one fails."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence

from stepwell.memory.context.log.log import Name, Summary
from stepwell.memory.context.summary.breaker import Breaker
from stepwell.memory.context.summary.cut import cut_to, n_tokens
from stepwell.memory.context.summary.extract import ExtractiveSummarizer
from stepwell.memory.context.summary.pace import Pace
from stepwell.memory.context.summary.reply import UselessSummary
from stepwell.memory.context.summary.summarizer import NOBODY, Said, Summarizer
from stepwell.memory.context.summary.tier import lines_of

_log = logging.getLogger("stepwell.memory")


class Scribe:
    """One batch of turns in, one summary out.

    The extract reads a batch on which the summarizer failed at once, so a summary never lags behind. After
    `max_failures` in a row the summarizer is left alone for `rest_s`.

    Args:
        first: The summarizer asked for; None: the extract alone.
        timeout_s: For a portion of `pace`; what takes longer has failed.
    """

    def __init__(
        self,
        first: Summarizer | None,
        pace: Pace,
        *,
        timeout_s: float = 60.0,
        max_failures: int = 3,
        rest_s: float = 300.0,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first = first
        self._extract = ExtractiveSummarizer()
        self._breaker = Breaker(max_failures, rest_s, now_s)
        self._timeout_s = timeout_s
        self._late: set[asyncio.Task[str]] = set()
        self.pace = pace
        self.n_failed = 0

    @property
    def name(self) -> str:
        return self._first.name if self._first else self._extract.name

    @property
    def is_open(self) -> bool:
        return self._breaker.is_open

    async def write(self, summary: Summary | None, turns: Sequence[Said], *, of: Name = NOBODY) -> Summary:
        """The summary with `turns` in it, of at most `max_tokens`; one that says nothing never replaces another.

        Args:
            turns: At least one.
            of: Whose conversation it is: what a model costs is theirs.
        """
        n_read = await asyncio.to_thread(_n_read, summary, turns)
        by, text = "", ""
        if self._first is not None and self._breaker.allows():
            n_read += self.pace.n_again(_n_said(turns))
            by, text = self._first.name, await self._tried(self._first, summary, turns, of)
        if not text:
            by = self._extract.name
            text = await self._extract.extend(summary, turns, max_tokens=self.pace.max_tokens)
        return Summary(text or (summary.text if summary else ""), turns[-1].seq + 1, by, n_read)

    async def _tried(
        self, first: Summarizer, summary: Summary | None, turns: Sequence[Said], of: Name
    ) -> str:
        """Its summary, "" where it failed."""
        timeout_s = self._timeout_s * self.pace.n_portions(_n_said(turns))
        try:
            work = first.extend(summary, turns, max_tokens=self.pace.max_tokens, of=of)
            text = await asyncio.to_thread(cut_to, await self._in_time(work, timeout_s), self.pace.max_tokens)
            if not text:
                raise UselessSummary("it is empty")
        except asyncio.CancelledError:
            self._breaker.given_up()
            raise
        except Exception as e:  # noqa: BLE001 - a model or a user's function: it may raise anything
            self._failed(first.name, e)
            return ""
        self._breaker.succeeded()
        return text

    async def _in_time(self, work: Coroutine[None, None, str], timeout_s: float) -> str:
        """Its result; one that is late is cancelled, and not waited for, since it may not heed that."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task}, timeout=timeout_s)
        finally:
            if not task.done():
                task.cancel()
                self._late.add(task)
                task.add_done_callback(self._forget)
        if not task.done():
            raise TimeoutError
        if task.cancelled():
            raise UselessSummary("it was cancelled from within")
        return task.result()

    def _forget(self, task: asyncio.Task[str]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()  # else asyncio would log it, with its text

    def _failed(self, name: str, error: Exception) -> None:
        self.n_failed += 1
        why = str(error) if isinstance(error, UselessSummary) else type(error).__name__
        if self._breaker.failed():
            _log.warning("the summarizer %s failed (%s); the extract stands in for a while", name, why)
        else:
            _log.info("the summarizer %s failed (%s); the extract has read this batch", name, why)


def _n_said(turns: Sequence[Said]) -> int:
    return sum(said.n_tokens for said in turns)


def _n_read(summary: Summary | None, turns: Sequence[Said]) -> int:
    """With these turns. A batch on which the model failed counts once: the extract is no model."""
    n = sum(map(n_tokens, lines_of(turns)))
    return n if summary is None else n + summary.n_read_tokens + n_tokens(summary.text)
