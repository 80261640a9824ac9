"""A time limit that long work looks at by itself, since no thread can be stopped from outside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_NEVER = (float("inf"), [True])
_limit: ContextVar[tuple[float, list[bool]]] = ContextVar("limit", default=_NEVER)


@contextmanager
def time_limit(timeout_s: float, is_wanted: list[bool] | None = None) -> Iterator[None]:
    """What this thread does within has so long, and only while somebody wants it: `is_wanted[0]`."""
    token = _limit.set((time.monotonic() + timeout_s, is_wanted or [True]))
    try:
        yield
    finally:
        _limit.reset(token)


def in_time() -> None:
    """To be called now and then.

    Raises:
        TimeoutError: The time limit is over, or nobody wants this any more; never where there is no limit.
    """
    ends_s, is_wanted = _limit.get()
    if not is_wanted[0] or time.monotonic() > ends_s:
        raise TimeoutError
