"""The SQLite file: its tables, its version, and how an older one is brought up."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from stepwell.base.errors import ConfigError

APPLICATION_ID = 0x53745763  # "StWc": tells our file from any other SQLite file

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


_HEADER_BYTES = 100
_WHOSE = """
    SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)
    FROM pragma_application_id, pragma_user_version
"""


def connect(path: str | None, *, busy_timeout_s: float = 5.0) -> sqlite3.Connection:
    """Open the database and bring it to the newest version; None opens one in memory.

    Raises:
        ConfigError: The file can't be opened, is not ours, or was written by a newer Stepwell.
    """
    try:
        if path is not None and Path(path).exists():
            _refuse_foreign(path)
        elif path is not None:
            # answers are nobody else's business; SQLite gives -wal and -shm the same mode
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False, timeout=busy_timeout_s
        )
    except (OSError, sqlite3.Error) as e:
        raise ConfigError(f"cache.path {path}: can't be opened: {_why(e)}") from e
    try:
        _prepare(connection, path)
    except sqlite3.Error as e:
        connection.close()
        raise ConfigError(f"cache.path {path}: not usable as a cache: {_why(e)}") from e
    except ConfigError:
        connection.close()
        raise
    return connection


def is_ours(path: str) -> bool:
    """Whether a file is a cache; reads only."""
    try:
        if not Path(path).stat().st_size:
            return False
        with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)
    except (OSError, sqlite3.Error):
        return False


def _refuse_foreign(path: str) -> None:
    """Tell another program's file before it becomes a WAL one; takes no lock, as many may open at once."""
    with Path(path).open("rb") as file:
        header = file.read(_HEADER_BYTES)
    # byte 18: 2 where the file has a log, as ours has from its first byte on; from 68: who it belongs to
    if (
        len(header) == _HEADER_BYTES
        and header[18] == 1
        and header[68:72] != APPLICATION_ID.to_bytes(4, "big")
    ):
        raise ConfigError(f"cache.path {path}: a database of another program")


def _prepare(connection: sqlite3.Connection, path: str | None) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")  # erased answers must not stay in free pages
    if _version(connection, path) < len(MIGRATIONS):
        _migrate(connection, path)


def _migrate(connection: sqlite3.Connection, path: str | None) -> None:
    connection.execute("BEGIN IMMEDIATE")  # of several processes that start at once, one migrates
    try:
        for script in MIGRATIONS[_version(connection, path) :]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, path: str | None) -> int:
    # at one glance: another process may be making the file just now
    owner, version, n_tables = connection.execute(_WHOSE).fetchone()
    if owner != APPLICATION_ID and n_tables:
        raise ConfigError(f"cache.path {path}: a database of another program")
    if version > len(MIGRATIONS):
        raise ConfigError(
            f"cache.path {path}: schema {version}, but this Stepwell knows "
            f"{len(MIGRATIONS)}; use a newer Stepwell or another path"
        )
    return int(version)


def _statements(script: str) -> list[str]:
    """Cut a script where a statement is whole (executescript would commit what we hold open)."""
    whole, open_part = [], ""
    for line in script.splitlines(keepends=True):
        open_part += line
        if sqlite3.complete_statement(open_part):
            whole.append(open_part)
            open_part = ""
    return whole


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
