"""The SQLite file of conversations: its tables."""

from __future__ import annotations

import os
import sqlite3

from stepwell.base import sqlite_file
from stepwell.base.sqlite_file import FileKind

# A turn's or mark's place is its conversation's number, shifted, plus its seq: a conversation's turns lie together in
# the table itself, without an index, and a message of 4 kB needs no page of its own.
SEQ_BITS = 28
MAX_TURNS = 1 << SEQ_BITS

# tenant, id and user are prints; names, raw, mark and text are sealed (base.sealing)
_TABLES = """
    CREATE TABLE keys (n INTEGER PRIMARY KEY, key BLOB NOT NULL);
    CREATE TABLE conversations (
        n INTEGER PRIMARY KEY,
        epoch INTEGER NOT NULL,
        tenant BLOB NOT NULL,
        id BLOB NOT NULL,
        user BLOB NOT NULL,
        names BLOB NOT NULL,
        n_turns INTEGER NOT NULL,
        n_bytes INTEGER NOT NULL,
        began_s REAL NOT NULL,
        last_s REAL NOT NULL,
        UNIQUE (tenant, id)
    );
    CREATE INDEX conversations_by_user ON conversations (tenant, user);
    CREATE TABLE turns (
        place INTEGER PRIMARY KEY,
        at_s REAL NOT NULL,
        raw BLOB NOT NULL,
        guarded BLOB NOT NULL,
        is_lead INTEGER NOT NULL
    );
    CREATE TABLE marks (place INTEGER PRIMARY KEY, mark BLOB NOT NULL);
    CREATE TABLE pins (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        n INTEGER NOT NULL,
        id TEXT NOT NULL,
        text BLOB NOT NULL
    );
    CREATE INDEX pins_by_conversation ON pins (n, seq);
    CREATE TABLE summaries (
        n INTEGER PRIMARY KEY,
        text BLOB NOT NULL,
        upto INTEGER NOT NULL,
        by TEXT NOT NULL,
        n_read_tokens INTEGER NOT NULL
    );
    CREATE TABLE erasures (print BLOB PRIMARY KEY, at_s REAL NOT NULL) WITHOUT ROWID;
"""

KIND = FileKind(
    "context.path", "a log of conversations", 0x5374576C, (_TABLES,), synchronous="FULL"
)  # "StWl"


def connect(path: str | None) -> sqlite3.Connection:
    """Open or make the file; None opens one in memory.

    Raises:
        ConfigError: It can't be opened, is not ours, or was written by a newer Stepwell.
    """
    return sqlite_file.connect(path, KIND)


class FileReplaced(sqlite3.OperationalError):
    """The path no longer leads to the file that was opened."""


class SameFile:
    """Looks whether a path still leads to the file that was opened.

    One that was removed or replaced would take writes, and lose them with its last reader.
    """

    def __init__(self, path: str | None) -> None:
        self._path = None if path is None else os.path.abspath(path)
        self._was = self._now()

    def check(self) -> None:
        """Raise FileReplaced where it does not."""
        if self._now() != self._was:
            raise FileReplaced

    def _now(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino
