"""Run what may take long with a time limit: foreign checks on threads that nothing waits for, judges in lanes."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future

from stepwell.base.decisions import Finding
from stepwell.base.lane import Lane
from stepwell.guards.check import Check, ContextCheck
from stepwell.guards.context import Context
from stepwell.guards.time_limit import time_limit

MAX_RUNNING = 64
"""Foreign checks at once; more fail at once, so that hung ones can't pile up."""
_places = threading.BoundedSemaphore(MAX_RUNNING)
SHORT_CHARS = 32_000
"""Judges of longer texts have a thread of their own, so that short ones need not wait for them."""
MOST_WAITS = 20
"""Who waited for its turn for so many time limits is given up."""
_short, _long = Lane("stepwell-judge", 1), Lane("stepwell-judge-long", 1)


class CheckFailed(Exception):
    """A foreign check failed. Names the check and the kind of failure, never text."""


def run_limited(check: Check, text: str, timeout_s: float) -> list[Finding]:
    """Run `check` over `text`; blocks for up to `timeout_s`.

    Raises:
        CheckFailed: It raised, was too slow, or reported spans outside the text.
    """
    try:
        return _valid(check, text, _start(check, text).result(timeout_s))
    except TimeoutError:
        raise CheckFailed(f"{check.name}: timeout") from None


async def arun_limited(check: Check, text: str, timeout_s: float) -> list[Finding]:
    """As `run_limited`, without blocking the event loop."""
    try:
        found = await asyncio.wait_for(asyncio.wrap_future(_start(check, text)), timeout_s)
    except TimeoutError:
        raise CheckFailed(f"{check.name}: timeout") from None
    return _valid(check, text, found)


async def ask_judge(check: ContextCheck, text: str, context: Context, timeout_s: float) -> list[Finding]:
    """What a check of ours finds; `timeout_s` counts from when its turn comes.

    Raises:
        CheckFailed: It was too slow, or its turn never came.
    """
    began_s: list[float] = []
    is_wanted = [True]

    def look() -> list[Finding]:
        began_s.append(time.monotonic())
        with time_limit(timeout_s, is_wanted):
            return check.find_in(text, context)

    asked_s = time.monotonic()
    work = asyncio.ensure_future((_short if len(text) <= SHORT_CHARS else _long).run(look))
    try:
        while not work.done():
            ends_s = began_s[0] + timeout_s if began_s else asked_s + MOST_WAITS * timeout_s
            left_s = ends_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            await asyncio.wait({work}, timeout=left_s if began_s else min(left_s, timeout_s))
        return work.result()
    except TimeoutError:
        raise CheckFailed(f"{check.name}: timeout") from None
    finally:
        is_wanted[0] = False
        work.cancel()


def _start(check: Check, text: str) -> Future[list[Finding]]:
    if not _places.acquire(blocking=False):
        raise CheckFailed(f"{check.name}: too many running")
    future: Future[list[Finding]] = Future()
    threading.Thread(target=_run, args=(check, text, future), daemon=True, name="stepwell-check").start()
    return future


def _run(check: Check, text: str, future: Future[list[Finding]]) -> None:
    try:
        if not future.set_running_or_notify_cancel():
            return
        found = list(check.find(text))
    except Exception as e:  # noqa: BLE001  a third party's check may raise anything; its message may hold text
        future.set_exception(CheckFailed(f"{check.name}: {type(e).__name__}"))
    else:
        future.set_result(found)
    finally:
        _places.release()


def _valid(check: Check, text: str, found: list[Finding]) -> list[Finding]:
    if not all(isinstance(f, Finding) and 0 <= f.start <= f.end <= len(text) for f in found):
        raise CheckFailed(f"{check.name}: spans outside the text")
    return sorted((f for f in found if f.start < f.end), key=lambda f: (f.start, -f.end))
