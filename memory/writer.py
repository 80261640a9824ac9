"""One thread that writes, many writes to a transaction, so that nobody else waits for a disk."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

# a text that is no valid Unicode and a number out of range are no sqlite3.Error
FAILURES = (sqlite3.Error, ValueError, OverflowError)

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
    `n_lost` counts jobs that failed: disk full, the file locked for too long.
    """

    def __init__(self, connection: sqlite3.Connection, *, linger_s: float = 0.01) -> None:
        self.n_lost = 0
        self._connection = connection
        self._linger_s = linger_s
        self._jobs: list[Job] = []
        self._changed = threading.Condition()
        self._is_urgent = False
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def send(self, job: Job, *, is_urgent: bool = False) -> bool:
        """Queue a job; never waits for the disk. False where the writer is closed."""
        with self._changed:
            if self._is_closed:
                return False
            self._jobs.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stepwell-cache-writer", daemon=True)
                self._thread.start()
            elif is_urgent or len(self._jobs) == 1:
                self._changed.notify()
            self._is_urgent |= is_urgent
        return True

    def ask(self, work: Callable[[sqlite3.Connection], object], *, is_urgent: bool) -> Future[object]:
        """Queue work whose result matters; the future fails with one of FAILURES where the work does."""
        future: Future[object] = Future()
        if not self.send(Job(work, future=future), is_urgent=is_urgent):
            future.set_exception(sqlite3.ProgrammingError("the store is closed"))
        return future

    def close(self) -> None:
        """Write what is queued, then stop. Blocks meanwhile."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while jobs := self._next_batch():
            error = self._transact(jobs)
            if error is None or len(jobs) == 1:
                self._settle(jobs, error)
                continue
            for job in jobs:  # one bad write must not take the others with it
                self._settle([job], self._transact([job]))

    def _next_batch(self) -> list[Job]:
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._is_closed)
            self._changed.wait_for(lambda: self._is_urgent or self._is_closed, timeout=self._linger_s)
            jobs, self._jobs = self._jobs, []
            self._is_urgent = False
        return jobs

    def _transact(self, jobs: list[Job]) -> Exception | None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                job.result = job.work(self._connection)
            self._connection.execute("COMMIT")
        except FAILURES as e:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return e
        return None

    def _settle(self, jobs: list[Job], error: Exception | None) -> None:
        if error is not None:
            self.n_lost += len(jobs)
            _log.warning("cache write lost: %s", type(error).__name__)
        for job in jobs:
            if job.after is not None:
                job.after()
            if job.future is None or not job.future.set_running_or_notify_cancel():
                continue
            if error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(error)
