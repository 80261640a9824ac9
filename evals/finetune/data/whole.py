"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import glob
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from stepwell.base import flock
from stepwell.base.errors import StepwellError


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file (mode 600) that appears at `path` once all of it is on the disk.

    What killed processes left of earlier tries is dropped.

    Raises:
        FinetuneError: It can't be written: no such folder, no space, no permission; what was there before stays.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.part")
    with _blamed(path):
        drop_unfinished(path)
        file = _Out(_open(fresh), path)
    try:
        yield file
        with _blamed(path):
            file.flush()
            os.fsync(file.fileno())
            file.close()
            fresh.replace(path)
    finally:
        with contextlib.suppress(OSError, StepwellError):
            file.close()
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """As `whole_file`, of bytes at hand.

    Raises:
        FinetuneError: As `whole_file`.
    """
    with whole_file(path) as file:
        file.write(data)


def drop_unfinished(path: Path) -> None:
    """Remove what processes that were killed left beside a file; what another one writes at the moment stays."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with contextlib.suppress(OSError):  # Windows: one that is open can't be removed
            if _is_left(part):
                part.unlink()


class _Out(io.BufferedWriter):
    """Says which file can't be written; errors of whoever makes the content are theirs."""

    def __init__(self, fd: int, path: Path) -> None:
        super().__init__(io.FileIO(fd, "wb"))
        self._path = path

    def write(self, data: object, /) -> int:
        with _blamed(self._path):
            return super().write(data)  # type: ignore[arg-type]

    def flush(self) -> None:
        with _blamed(self._path):
            super().flush()


@contextmanager
def _blamed(path: Path) -> Iterator[None]:
    from stepwell.evals.finetune.data.example import FinetuneError

    try:
        yield
    except OSError as e:
        raise FinetuneError(f"{path} can't be written: {e.strerror or type(e).__name__}") from e


def _open(fresh: Path) -> int:
    """Held while it is written: nobody takes it for one that was left."""
    while True:
        fd = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with contextlib.suppress(OSError):  # some file systems have no locks
            flock.wait(fd)
        if fresh.exists():
            return fd
        os.close(fd)  # dropped by another process before it was held


def _is_left(part: Path) -> bool:
    fd = os.open(part, os.O_RDONLY)
    try:
        return flock.take(fd)
    finally:
        os.close(fd)
