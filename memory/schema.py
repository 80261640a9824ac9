"""The SQLite file: its tables, its version, and how an older one is brought up."""

from __future__ import annotations

import sqlite3

from stepwell.base import sqlite_file
from stepwell.base.sqlite_file import FileKind

APPLICATION_ID = 0x53745763  # "StWc"

# One script a version, applied in order; a statement begins on a line of its own. A released one is never edited.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        hit_id TEXT NOT NULL UNIQUE,
        key BLOB NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        user TEXT NOT NULL,
        body BLOB NOT NULL,
        tier TEXT NOT NULL,
        model TEXT NOT NULL,
        cost_usd REAL NOT NULL,
        stored_at_s REAL NOT NULL,
        expires_at_s REAL NOT NULL
    );
    CREATE INDEX entries_by_tenant ON entries (tenant, id);
    CREATE INDEX entries_by_expiry ON entries (expires_at_s);
    CREATE TABLE vectors (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        hit_id TEXT NOT NULL UNIQUE REFERENCES entries (hit_id) ON DELETE CASCADE,
        partition BLOB NOT NULL,
        vector BLOB NOT NULL,
        expires_at_s REAL NOT NULL
    );
    CREATE INDEX vectors_by_partition ON vectors (partition, seq);
    CREATE TABLE tenants (tenant TEXT PRIMARY KEY, n_entries INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TRIGGER entries_added AFTER INSERT ON entries BEGIN
        INSERT INTO tenants VALUES (NEW.tenant, 1)
        ON CONFLICT (tenant) DO UPDATE SET n_entries = n_entries + 1;
    END;
    CREATE TRIGGER entries_gone AFTER DELETE ON entries BEGIN
        UPDATE tenants SET n_entries = n_entries - 1 WHERE tenant = OLD.tenant;
    END;
    """,
    # answer_id is NULL where a process that still runs version 1 wrote the row: then it leads to its own answer
    """
    ALTER TABLE entries ADD COLUMN took_s REAL NOT NULL DEFAULT 0;
    ALTER TABLE vectors ADD COLUMN answer_id TEXT REFERENCES entries (hit_id) ON DELETE CASCADE;
    UPDATE vectors SET answer_id = hit_id;
    CREATE INDEX vectors_by_answer ON vectors (answer_id);
    CREATE TABLE sketches (
        seq INTEGER PRIMARY KEY REFERENCES vectors (seq) ON DELETE CASCADE,
        sketch BLOB NOT NULL
    );
    CREATE TABLE records (
        answer_id TEXT PRIMARY KEY REFERENCES entries (hit_id) ON DELETE CASCADE,
        n_right INTEGER NOT NULL,
        n_wrong INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE judgements (seq INTEGER PRIMARY KEY AUTOINCREMENT, note BLOB NOT NULL);
    CREATE TABLE tallies (
        hour INTEGER NOT NULL,
        kind TEXT NOT NULL,
        n INTEGER NOT NULL,
        usd REAL NOT NULL,
        s REAL NOT NULL,
        PRIMARY KEY (hour, kind)
    ) WITHOUT ROWID;
    """,
)


def connect(path: str | None, *, busy_timeout_s: float = 5.0) -> sqlite3.Connection:
    """Open the database and bring it to the newest version; None opens one in memory.

    Raises:
        ConfigError: The file can't be opened, is not ours, or was written by a newer Stepwell.
    """
    return sqlite_file.connect(path, _kind(), busy_timeout_s=busy_timeout_s)


def is_ours(path: str) -> bool:
    """Whether a file is a cache; reads only."""
    return sqlite_file.is_ours(path, _kind())


def _kind() -> FileKind:
    return FileKind("cache.path", "a cache", APPLICATION_ID, MIGRATIONS)
