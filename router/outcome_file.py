"""The SQLite file of outcomes: its tables, and who may read it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from stepwell.base.errors import ConfigError

APPLICATION_ID = 0x5374574F  # "StWO": tells our file from any other SQLite file
VERSION = 1
_BUSY_S = 5.0
_TABLES = (
    "CREATE TABLE replies (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body_id TEXT NOT NULL, "
    "tenant BLOB NOT NULL, at_s REAL NOT NULL, kept BLOB NOT NULL, vector BLOB NOT NULL, traits BLOB NOT NULL)",
    "CREATE INDEX replies_by_body_id ON replies (body_id)",
    "CREATE INDEX replies_by_time ON replies (at_s)",
    "CREATE TABLE outcomes (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, tenant BLOB NOT NULL, "
    "tier TEXT NOT NULL, score REAL NOT NULL, source TEXT NOT NULL, at_s REAL NOT NULL, "
    "kept BLOB NOT NULL, vector BLOB NOT NULL, traits BLOB NOT NULL)",
    "CREATE INDEX outcomes_by_id ON outcomes (id, seq)",
)


def connect(path: str) -> sqlite3.Connection:
    """Open or make the file; several processes may.

    Raises:
        ConfigError: It can't be opened, is not ours, or was written by a newer Stepwell.
    """
    try:
        if not Path(path).exists():
            os.close(
                os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
            )  # what people asked is nobody else's business
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as e:
        raise ConfigError(f"feedback.path {path}: can't be opened: {_why(e)}") from e
    try:
        _prepare(connection, path)
    except sqlite3.Error as e:
        connection.close()
        raise ConfigError(f"feedback.path {path}: not usable for outcomes: {_why(e)}") from e
    except ConfigError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA secure_delete=ON")  # erased asks must not stay in free pages
    connection.execute("BEGIN IMMEDIATE")  # of several processes that start at once, one makes the tables
    try:
        _make(connection, path)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _make(connection: sqlite3.Connection, path: str) -> None:
    asks = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    owner, version, n_tables = (connection.execute(sql).fetchone()[0] for sql in asks)
    if owner != APPLICATION_ID and n_tables:
        raise ConfigError(f"feedback.path {path}: a database of another program")
    if version > VERSION:
        raise ConfigError(
            f"feedback.path {path}: schema {version}, but this Stepwell knows {VERSION}; use a newer Stepwell"
        )
    if not n_tables:
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={VERSION}")


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
