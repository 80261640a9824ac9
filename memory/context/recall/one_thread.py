"""BLAS on one thread: on small matrices its threads burn ten times the work's CPU, waiting for each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

_lock = Lock()
_limits: list[Any] = []  # one for all who are within a block; the last to leave gives the threads back
_n_within = 0


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold numpy's BLAS to one thread, for the whole process, within the block; about 10 us."""
    global _n_within
    with _lock:
        if not _n_within:
            _limits.append(_found().limit(limits=1, user_api="blas"))
        _n_within += 1
    try:
        yield
    finally:
        with _lock:
            _n_within -= 1
            if not _n_within:
                _limits.pop().restore_original_limits()


@cache
def _found() -> Any:
    import numpy  # noqa: F401 - its BLAS is found only once it is loaded
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
