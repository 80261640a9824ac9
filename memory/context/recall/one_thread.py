"""BLAS on one thread: on small matrices its threads burn ten times the work's CPU, waiting for each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

# two that overlap would each give back what the other had set
_lock = Lock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold numpy's BLAS to one thread within the block, about 10 us; one block at a time in a process.

    Where another thread of the program controls BLAS's threads at the moment (threadpoolctl), it stays as it is.
    """
    with _lock, _found().limit(limits=1, user_api="blas"):
        yield


@cache
def _found() -> Any:
    import numpy  # noqa: F401 - its BLAS is found only once it is loaded
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
