"""The SQLite file of outcomes: its tables."""

from __future__ import annotations

import sqlite3

from stepwell.base import sqlite_file
from stepwell.base.sqlite_file import FileKind

_TABLES = """
    CREATE TABLE replies (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body_id TEXT NOT NULL,
        tenant BLOB NOT NULL, at_s REAL NOT NULL, kept BLOB NOT NULL, vector BLOB NOT NULL, traits BLOB NOT NULL);
    CREATE INDEX replies_by_body_id ON replies (body_id);
    CREATE INDEX replies_by_time ON replies (at_s);
    CREATE TABLE outcomes (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, tenant BLOB NOT NULL,
        tier TEXT NOT NULL, score REAL NOT NULL, source TEXT NOT NULL, at_s REAL NOT NULL,
        kept BLOB NOT NULL, vector BLOB NOT NULL, traits BLOB NOT NULL);
    CREATE INDEX outcomes_by_id ON outcomes (id, seq);
"""
KIND = FileKind("feedback.path", "a file of outcomes", 0x5374574F, (_TABLES,))  # "StWO"


def connect(path: str) -> sqlite3.Connection:
    """Open or make the file; several processes may.

    Raises:
        ConfigError: It can't be opened, is not ours, or was written by a newer Stepwell.
    """
    return sqlite_file.connect(path, KIND)
