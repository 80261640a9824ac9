"""One thread that writes, many writes to a transaction, so that nobody else waits for a disk."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

# a text that is no valid Unicode and a number out of range are no sqlite3.Error
MAX_WAITING = 10_000
FAILURES = (sqlite3.Error, ValueError, OverflowError)

_PATIENCE_S = 5.0  # as long as SQLite itself waits for a lock
_PAUSE_S = 0.02
_log = logging.getLogger("stepwell.memory")


@dataclass(slots=True)
class Job:
    """One piece of work inside a transaction; `after` runs once it is committed, or lost."""

    work: Callable[[sqlite3.Connection], object]
    after: Callable[[], None] | None = None
    future: Future[object] | None = None
    result: object = field(default=None, init=False)


class Writer:
    """Runs jobs in the order they came, each batch in one transaction.

    What was sent less than `linger_s` ago (plus the disk's time) is lost where the process is killed.
    `n_lost` counts jobs that failed (disk full, the file locked for too long) or found too many waiting.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        what: str = "cache",
        linger_s: float = 0.01,
        max_waiting: float = MAX_WAITING,
    ) -> None:
        """Start nothing yet.

        Args:
            what: Names its thread, and what is lost in the log.
            max_waiting: Where more wait, for a disk that hangs, say, jobs that are not urgent are lost.
        """
        self.n_lost = 0
        self.patience_s = _PATIENCE_S
        self._what = what
        self._max_waiting = max_waiting
        self._is_full = False
        self._counting = threading.Lock()
        self._connection = connection
        self._linger_s = linger_s
        # no lock between who sends and the thread: on a busy machine it may be held for 100 ms by one that does not run
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._hurry: SimpleQueue[None] = SimpleQueue()
        self._is_closed = False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def send(self, job: Job, *, is_urgent: bool = False) -> bool:
        """Queue a job; never waits for the disk. False where the writer is closed, or too many wait."""
        if self._is_closed:
            return False
        if not is_urgent and self._jobs.qsize() >= self._max_waiting:
            self._lose(1)
            if not self._is_full:
                self._is_full = True
                _log.warning("%s writes lost: %d wait for the disk", self._what, self._max_waiting)
            return False
        self._jobs.put(job)
        if is_urgent:
            self._hurry.put(None)
        if self._thread is None:
            self._start()
        return True

    def ask(self, work: Callable[[sqlite3.Connection], object], *, is_urgent: bool) -> Future[object]:
        """Queue work whose result matters; the future fails with one of FAILURES where the work does."""
        future: Future[object] = Future()
        if not self.send(Job(work, future=future), is_urgent=is_urgent):
            future.set_exception(sqlite3.OperationalError("the store is closed, or its disk hangs"))
        return future

    def close(self) -> None:
        """Write what is queued, then stop. Blocks meanwhile."""
        self._is_closed = True
        self._jobs.put(None)
        self._hurry.put(None)
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                name = f"stepwell-{self._what}-writer"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        is_over = False
        while not is_over:
            batch = self._next_batch()
            is_over = None in batch
            jobs = [job for job in batch if job is not None]
            error = self._patiently(jobs) if jobs else None
            # a file that stays locked for one stays so for all: tried one by one, each would wait as long
            if error is None or len(jobs) == 1 or _is_locked(error):
                self._settle(jobs, error)
                continue
            for job in jobs:  # one bad write must not take the others with it
                self._settle([job], self._transact([job]))

    def _patiently(self, jobs: list[Job]) -> Exception | None:
        """Some locks (while another process makes or recovers the file) are refused at once, whatever the timeout."""
        began_s = time.monotonic()
        error = self._transact(jobs)
        while error is not None and _is_locked(error) and time.monotonic() - began_s < self.patience_s:
            time.sleep(_PAUSE_S)
            error = self._transact(jobs)
        return error

    def _lose(self, n: int) -> None:
        with self._counting:
            self.n_lost += n

    def _next_batch(self) -> list[Job | None]:
        batch = [self._jobs.get()]
        with suppress(Empty):
            self._hurry.get(timeout=self._linger_s)
        with suppress(Empty):
            while True:
                batch.append(self._jobs.get_nowait())
        self._is_full = False
        return batch

    def _transact(self, jobs: list[Job]) -> Exception | None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                job.result = job.work(self._connection)
            self._connection.execute("COMMIT")
        except FAILURES as e:
            with suppress(sqlite3.Error):  # a disk that fails may fail here, too
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            return e
        return None

    def _settle(self, jobs: list[Job], error: Exception | None) -> None:
        if error is not None:
            self._lose(len(jobs))
            _log.warning("%s write lost: %s", self._what, type(error).__name__)
        for job in jobs:
            if job.after is not None:
                job.after()
            if job.future is None or not job.future.set_running_or_notify_cancel():
                continue
            if error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(error)


def _is_locked(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
