"""Writes summaries in any case: by the summarizer that was asked for, by the extract where that one fails."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine, Sequence

from stepwell.memory.context.log.log import Summary
from stepwell.memory.context.summary.breaker import Breaker
from stepwell.memory.context.summary.cut import cut_to, n_tokens
from stepwell.memory.context.summary.extract import ExtractiveSummarizer
from stepwell.memory.context.summary.reply import UselessSummary
from stepwell.memory.context.summary.summarizer import Said, Summarizer

MAX_EXTRA_SHARE = 0.1  # of new tokens: what may be read beside them, the summary so far above all
_log = logging.getLogger("stepwell.memory")


class Scribe:
    """One batch of turns in, one summary out.

    The extract reads a batch on which the summarizer failed at once, so a summary never lags behind. After
    `max_failures` in a row the summarizer is left alone for `rest_s`.

    Args:
        first: The summarizer asked for; None: the extract alone.
        batch_tokens: New turns that are read at once; what has read them `timeout_s` later has failed.
        n_overhead_tokens: What is read with each batch beside the turns and the summary.
    """

    def __init__(
        self,
        first: Summarizer | None,
        *,
        max_tokens: int = 200,
        batch_tokens: int = 4000,
        n_overhead_tokens: int = 0,
        timeout_s: float = 60.0,
        max_failures: int = 3,
        rest_s: float = 300.0,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first = first
        self._extract = ExtractiveSummarizer()
        self._breaker = Breaker(max_failures, rest_s, now_s)
        self._timeout_s = timeout_s
        self._n_overhead_tokens = n_overhead_tokens
        self._late: set[asyncio.Task[str]] = set()
        self.max_tokens = max_tokens
        self.batch_tokens = batch_tokens
        self.n_failed = 0

    @property
    def name(self) -> str:
        return self._first.name if self._first else self._extract.name

    @property
    def is_open(self) -> bool:
        return self._breaker.is_open

    def least_tokens(self, summary: Summary | None) -> int:
        """New tokens that must have gathered, so that those read are at most 1.1 times those said."""
        n_more = self._n_overhead_tokens + (self.max_tokens if summary and summary.text else 0)
        return max(self._n_first_tokens, math.ceil(n_more / MAX_EXTRA_SHARE))

    async def write(self, summary: Summary | None, turns: Sequence[Said]) -> Summary:
        """The summary with `turns` in it, of at most `max_tokens`; one that says nothing never replaces another.

        Args:
            turns: At least one.
        """
        by, text, n_asked = "", "", 0
        if self._first is not None and self._breaker.allows():
            n_asked = self._n_overhead_tokens * self._n_portions(turns)
            by, text = self._first.name, await self._tried(self._first, summary, turns)
        if not text:
            by = self._extract.name
            text = await self._extract.extend(summary, turns, max_tokens=self.max_tokens)
        n_read = await asyncio.to_thread(self._n_read, summary, turns)
        return Summary(text or (summary.text if summary else ""), turns[-1].seq + 1, by, n_read + n_asked)

    async def close(self) -> None:
        """Leave what is late and will not end."""
        self._late.clear()

    @property
    def _n_first_tokens(self) -> int:
        """The extract is free, so a young conversation has one early."""
        return self.batch_tokens if self._first is not None else self.batch_tokens // 8

    def _n_portions(self, turns: Sequence[Said]) -> int:
        return max(1, math.ceil(sum(said.n_tokens for said in turns) / self.batch_tokens))

    def _n_read(self, summary: Summary | None, turns: Sequence[Said]) -> int:
        n = sum(said.n_tokens for said in turns)
        return n if summary is None else n + summary.n_read_tokens + n_tokens(summary.text)

    async def _tried(self, first: Summarizer, summary: Summary | None, turns: Sequence[Said]) -> str:
        """Its summary, "" where it failed."""
        try:
            timeout_s = self._timeout_s * self._n_portions(turns)
            text = await self._in_time(first.extend(summary, turns, max_tokens=self.max_tokens), timeout_s)
            text = await asyncio.to_thread(cut_to, text, self.max_tokens)
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
