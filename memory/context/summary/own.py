"""A summarizer of the user's own: any function of (summary, lines, max_tokens)."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from stepwell.memory.context.log.log import Name, Summary
from stepwell.memory.context.summary.cut import cut_to
from stepwell.memory.context.summary.reply import UselessSummary, usable
from stepwell.memory.context.summary.summarizer import NOBODY, Said
from stepwell.memory.context.summary.tier import lines_of


class OwnSummarizer:
    """Calls a function, plain or async, with the summary's text, the new turns as `Speaker: text`, and the bound.

    A plain one runs in a thread. While `max_stuck` late calls of it still run, it is not called again.

    Raises:
        UselessSummary: From `extend`: it returned no text, nothing of use, or is stuck.
    """

    def __init__(self, name: str, fn: Callable[[str, list[str], int], Any], *, max_stuck: int = 2) -> None:
        self.name = name
        self._fn = fn
        self._max_stuck = max_stuck
        self._is_async = inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(
            getattr(fn, "__call__", None)  # noqa: B004 - an object with an async __call__ is no coroutine function
        )
        self._running: set[Future[Any]] = set()

    async def extend(
        self, summary: Summary | None, turns: Sequence[Said], *, max_tokens: int, of: Name = NOBODY
    ) -> str:
        text = summary.text if summary else ""
        lines = lines_of(turns)
        said = await self._call(text, lines, max_tokens)
        if not isinstance(said, str):
            raise UselessSummary(f"it is {type(said).__name__}, no text")
        return cut_to(usable(said, "\n".join(lines)), max_tokens)

    async def _call(self, text: str, lines: list[str], max_tokens: int) -> Any:
        if self._is_async:
            return await self._fn(text, lines, max_tokens)
        if len(self._running) >= self._max_stuck:
            raise UselessSummary("earlier calls have not returned")
        said = await asyncio.wrap_future(self._in_thread(text, lines, max_tokens))
        return await said if inspect.isawaitable(said) else said

    def _in_thread(self, text: str, lines: list[str], max_tokens: int) -> Future[Any]:
        """Run in a daemon thread: a pool's would keep a process with a stuck function from ending."""
        done: Future[Any] = Future()
        self._running.add(done)

        def work() -> None:
            try:
                result = self._fn(text, lines, max_tokens)
            except Exception as e:  # noqa: BLE001 - a user's function; raised again where it is awaited
                self._finish(done, error=e)
            else:
                self._finish(done, result)

        threading.Thread(target=work, name="stepwell-summary", daemon=True).start()
        return done

    def _finish(self, done: Future[Any], result: Any = None, error: Exception | None = None) -> None:
        self._running.discard(done)
        if not done.set_running_or_notify_cancel():
            return  # nobody waits any more
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)
