"""The thread that writes notes and labels, so that no request waits for a disk."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from stepwell.router.outcome_file import connect
from stepwell.router.outcome_notes import Note, Source, packed, plain_id, tenant_digest

_log = logging.getLogger("stepwell.feedback")
_MAX_WAITING = 10_000
_PRUNE_ROWS = 256
_REPLY = "INSERT OR IGNORE INTO replies (id, body_id, tenant, at_s, kept, vector, traits) VALUES (?, ?, ?, ?, ?, ?, ?)"
_AGAIN = "UPDATE outcomes SET score = ?, at_s = ? WHERE id = ? AND tier = ? AND source = ?"
_OUTCOME = (
    "INSERT INTO outcomes (tenant, id, tier, score, source, at_s, kept, vector, traits) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_EXPIRED = "DELETE FROM replies WHERE seq IN (SELECT seq FROM replies WHERE at_s <= ? LIMIT ?)"
_OLDEST = "DELETE FROM {0} WHERE seq <= (SELECT max(seq) FROM {0}) - ?"


class Job(msgspec.Struct, frozen=True):
    """A note to keep, or (with a score) a label that some check gave. `at_s` is Unix time."""

    note: Note
    at_s: float
    score: float | None = None
    source: Source = "feedback"


def put_outcome(
    db: sqlite3.Connection,
    tenant: bytes,
    reply_id: str,
    tier: str,
    score: float,
    source: str,
    at_s: float,
    kept: tuple[bytes, bytes, bytes],
) -> None:
    """Add a label; one of the same reply, tier and source is replaced, so that repeats push nothing out."""
    if not db.execute(_AGAIN, (score, at_s, reply_id, tier, source)).rowcount:
        db.execute(_OUTCOME, (tenant, reply_id, tier, score, source, at_s, *kept))


class Writer:
    """One connection, and the thread that writes what waits for it, a transaction a batch.

    Attributes:
        n_lost: Jobs that could not be written: too many waited, the disk was full, the file locked for too long.
    """

    def __init__(
        self, path: str, *, keep_prompts: bool, max_rows: int, ttl_s: float, linger_s: float
    ) -> None:
        self.n_lost = 0
        self._db = connect(path)
        self._keep_prompts = keep_prompts
        self._max_rows = max_rows
        self._ttl_s = ttl_s
        self._linger_s = linger_s
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._jobs: list[Job] = []
        self._is_closed = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time, with all that waited written."""
        self.flush()
        with self._lock:
            yield self._db

    def send(self, job: Job) -> None:
        """Queue a job; never waits for the disk."""
        with self._changed:
            if self._is_closed or len(self._jobs) >= _MAX_WAITING:
                self.n_lost += 1
                return
            self._jobs.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stepwell-outcomes", daemon=True)
                self._thread.start()
            elif len(self._jobs) == 1:
                self._changed.notify()

    def flush(self) -> None:
        """Write what waits; returns when it is on the disk."""
        with self._lock:  # taken first, so that what the thread has taken is written by then
            with self._changed:
                jobs, self._jobs = self._jobs, []
            if jobs:
                self._write(jobs)

    def close(self) -> None:
        """Write what waits and let go of the file."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self.flush()
        with self._lock:
            self._db.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._is_closed)
                self._changed.wait_for(lambda: self._is_closed, timeout=self._linger_s)
                if self._is_closed:
                    return
            self.flush()

    def _write(self, jobs: Sequence[Job]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._put(job)
            self._prune(jobs[-1].at_s)
            self._db.execute("COMMIT")
        except (sqlite3.Error, ValueError, TypeError) as e:  # of which the latter: a vector that is none
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self.n_lost += len(jobs)
            _log.warning("%d outcomes lost: %s", len(jobs), type(e).__name__)

    def _put(self, job: Job) -> None:
        note, whose = job.note, tenant_digest(job.note.tenant)
        kept = packed(note, keep_prompts=self._keep_prompts)
        if job.score is None:
            self._db.execute(_REPLY, (note.id, plain_id(note.body_id), whose, job.at_s, *kept))
        else:
            put_outcome(self._db, whose, note.id, note.tier, job.score, job.source, job.at_s, kept)

    def _prune(self, now_s: float) -> None:
        self._db.execute(_EXPIRED, (now_s - self._ttl_s, _PRUNE_ROWS))
        for table in ("replies", "outcomes"):
            self._db.execute(_OLDEST.format(table), (self._max_rows,))
