"""Lines for a file, written by a thread: nothing that sends one waits for the disk."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

MAX_WAITING = 10_000
Job = TypeVar("Job")


class LineWriter(Generic[Job]):
    """Appends a line for each job to a file (mode 600), which may be moved away at any time.

    Several processes may write to one file. What can't be written is counted in `n_lost`, and said once.

    Args:
        line_of: Makes a job's line, its end included, in the thread; may raise ValueError.
        what: What the lines are, for the logger stepwell.<name>.
        before: Told the path and how many bytes come, each time; may move the file away, or raise OSError.
        at_end: Called in the thread when it has written all.

    Raises:
        OSError: The file can't be written.
    """

    def __init__(
        self,
        path: str,
        line_of: Callable[[Job], bytes],
        *,
        name: str,
        what: str,
        before: Callable[[str, int], None] | None = None,
        at_end: Callable[[], None] | None = None,
    ) -> None:
        self.n_lost = 0
        self._path = os.path.abspath(path)
        self._line_of = line_of
        self._name, self._what = name, what
        self._before, self._at_end = before, at_end
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._is_torn = False
        self._is_closed = False
        Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        self._append(b"")

    def send(self, job: Job) -> None:
        """Put a job on its way. Never waits for the disk."""
        if self._is_closed or self._jobs.qsize() >= MAX_WAITING:
            return self._lose(1, "closed" if self._is_closed else "too many wait for the disk")
        self._jobs.put(job)
        if self._thread is None:
            self._start()
        return None

    def close(self) -> None:
        """Write what waits; blocks meanwhile."""
        self._is_closed = True
        self._jobs.put(None)
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"stepwell-{self._name}", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        is_over = False
        while not is_over:
            batch = [self._jobs.get()]
            with suppress(Empty):
                while True:
                    batch.append(self._jobs.get_nowait())
            is_over = None in batch
            self._write([job for job in batch if job is not None])
        if self._at_end is not None:
            self._at_end()

    def _write(self, batch: list[Job]) -> None:
        try:
            self._append(b"".join([self._line_of(job) for job in batch]))
        except (OSError, ValueError) as e:
            self._lose(len(batch), type(e).__name__)

    def _append(self, raw: bytes) -> None:
        """In one write: lines of several processes don't mix. A line that a full disk cut is ended first."""
        if raw and self._before is not None:
            self._before(self._path, len(raw))
        file = os.open(self._path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            whole = b"\n" + raw if self._is_torn else raw
            n = os.write(file, whole)
            self._is_torn = n < len(whole)
            if self._is_torn:
                raise OSError("the disk is full")
        finally:
            os.close(file)

    def _lose(self, n: int, why: str) -> None:
        if self.n_lost == 0:
            logging.getLogger(f"stepwell.{self._name}").warning("%s lost: %s", self._what, why)
        self.n_lost += n
