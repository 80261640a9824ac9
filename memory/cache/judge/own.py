"""A judge of the user's own: any function of (question, fresh answer, cached answer)."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from stepwell.memory.cache.judge.case import Case

log = logging.getLogger("stepwell.memory")


class OwnJudge:
    """Asks a function, plain or async; a plain one runs in a thread.

    A fault, a result that is neither bool nor None, and one later than `timeout_s` count as "can't tell".
    While `max_stuck` late calls of a plain function still run, it is not called again.
    """

    def __init__(
        self, fn: Callable[[str, str, str], Any], *, timeout_s: float = 30.0, max_stuck: int = 2
    ) -> None:
        self._fn = fn
        self._timeout_s = timeout_s
        self._max_stuck = max_stuck
        self._is_async = inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(
            getattr(fn, "__call__", None)  # noqa: B004 - an object with an async __call__ is no coroutine function
        )
        self._running: set[Future[Any]] = set()

    async def same(self, case: Case) -> bool | None:
        try:
            said = await asyncio.wait_for(self._ask(case), self._timeout_s)
        except TimeoutError:
            log.warning("the cache's judge took longer than %g s", self._timeout_s)
            return None
        except Exception as e:  # noqa: BLE001 - a user's function may raise anything
            log.warning("the cache's judge failed with %s", type(e).__name__)
            return None
        if said is None or isinstance(said, bool):
            return said
        log.warning("the cache's judge returned %s, neither bool nor None", type(said).__name__)
        return None

    async def _ask(self, case: Case) -> Any:
        if self._is_async:
            return await self._fn(case.query, case.fresh, case.cached)
        if len(self._running) >= self._max_stuck:
            return None
        said = await asyncio.wrap_future(self._in_thread(case))
        return await said if inspect.isawaitable(said) else said

    def _in_thread(self, case: Case) -> Future[Any]:
        """Run in a daemon thread: a pool's would keep a process with a stuck judge from ending."""
        done: Future[Any] = Future()
        self._running.add(done)

        def work() -> None:
            try:
                result = self._fn(case.query, case.fresh, case.cached)
            except Exception as e:  # noqa: BLE001 - raised again where it is awaited
                self._finish(done, error=e)
            else:
                self._finish(done, result)

        threading.Thread(target=work, name="stepwell-cache-judge", daemon=True).start()
        return done

    def _finish(self, done: Future[Any], result: Any = None, error: Exception | None = None) -> None:
        self._running.discard(done)
        if not done.set_running_or_notify_cancel():
            return  # nobody waits any more
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)
