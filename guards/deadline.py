"""Run foreign checks with a time limit, on threads that can't keep the process alive."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

from stepwell.base.decisions import Finding
from stepwell.guards.check import Check

MAX_RUNNING = 64
"""Foreign checks at once; more fail at once, so that hung ones can't pile up."""
_places = threading.BoundedSemaphore(MAX_RUNNING)


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
