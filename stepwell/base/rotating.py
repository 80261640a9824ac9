"""Files that never grow past their limit: a full one is moved aside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from stepwell.base import flock


def rotate(path: str, n_more: int, max_bytes: int, n_files: int) -> None:
    """Move a file that `n_more` bytes would make too long to <path>.1, and that to .2; the last one goes.

    Raises:
        OSError: It can't be moved.
    """
    if _size(path) + n_more <= max_bytes or not _size(path):
        return
    with unmoved(path):
        if _size(path) + n_more <= max_bytes:  # another process moved it meanwhile
            return
        for n in range(n_files - 1, 0, -1):
            with suppress(FileNotFoundError):
                os.replace(f"{path}.{n}", f"{path}.{n + 1}")
        with suppress(FileNotFoundError):
            os.replace(path, f"{path}.1") if n_files else os.unlink(path)


@contextmanager
def unmoved(path: str) -> Iterator[None]:
    """While it is held, nobody else moves the file."""
    lock = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        flock.wait(lock)
        yield
    finally:
        os.close(lock)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
