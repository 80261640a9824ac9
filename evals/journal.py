"""The journal of a run: one JSON line a finished sample, appended, never rewritten."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from stepwell.base import flock
from stepwell.evals.entries import JournalError, Line

SYNC_EVERY_S = 0.05
SYNC_EVERY_LINES = 64
_encode = msgspec.json.Encoder().encode


class Journal:
    """A journal open for one run; no other run can hold it.

    A line goes to the kernel at once, so a killed process loses none; `sync` makes it outlive a power cut.
    """

    def __init__(self, path: str | Path) -> None:
        """Open or create a journal, and drop a torn last line.

        Raises:
            JournalError: It can't be opened, or another run holds it.
        """
        self.path = Path(path)
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as e:
            raise JournalError(f"{path}: {e.strerror}") from e
        self.n_unsynced = 0
        self.is_due = asyncio.Event()
        self._syncing = threading.Lock()
        try:
            _lock(self._fd, self.path)
            _drop_torn_line(self._fd)
        except BaseException:
            os.close(self._fd)
            raise

    def append(self, item: Line) -> None:
        """Write one line.

        Raises:
            JournalError: The disk is full or gone; what was written before stands.
        """
        line = _encode(item) + b"\n"
        try:
            n = os.write(self._fd, line)
        except OSError as e:
            raise JournalError(f"{self.path}: {e.strerror}") from e
        if n != len(line):
            raise JournalError(f"{self.path}: only part of a line could be written; is the disk full?")
        self.n_unsynced += 1
        if self.n_unsynced >= SYNC_EVERY_LINES:
            self.is_due.set()

    def sync(self) -> None:
        """Make every line survive a power cut; blocks for the disk."""
        with self._syncing:
            if self.n_unsynced:
                self.n_unsynced = 0
                os.fsync(self._fd)

    @asynccontextmanager
    async def synced(self) -> AsyncIterator[None]:
        """Sync in the background, every 50 ms or 64 lines, and once at the end."""
        task = asyncio.create_task(self._keep_synced())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.sync()

    async def _keep_synced(self) -> None:
        while True:
            try:
                async with asyncio.timeout(SYNC_EVERY_S):
                    await self.is_due.wait()
            except TimeoutError:
                pass
            self.is_due.clear()
            if self.n_unsynced:
                await asyncio.to_thread(self.sync)

    def close(self) -> None:
        """Let go of it. A sync under way would keep the lock alive, so it is waited for."""
        with self._syncing:
            self.n_unsynced = 0
            os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lock(fd: int, path: Path) -> None:
    if not flock.take(fd):
        raise JournalError(f"{path}: another run is writing here")


def _drop_torn_line(fd: int) -> None:
    end = os.lseek(fd, 0, os.SEEK_END)
    keep = end
    while keep > 0:
        start = max(0, keep - 65536)
        os.lseek(fd, start, os.SEEK_SET)
        at = os.read(fd, keep - start).rfind(b"\n")
        if at >= 0:
            keep = start + at + 1
            break
        keep = start
    if keep != end:
        os.ftruncate(fd, keep)
