"""The SQLite file of conversations' placeholders: its tables, and the statements on them.

Names are prints under the file's key. Values are sealed under a key that is made of the file's key and a salt of the
conversation's own (sealing.py): who overwrites the salt has erased them all. A salt's row never moves: such rows are
added at the end of their table, overwritten in place, and never deleted, as SQLite leaves remains of rows that moved.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from stepwell.base.sqlite_file import FileKind

SALT_BYTES = 16
_NO_SALT = bytes(SALT_BYTES)

_TABLES = """
    CREATE TABLE proof (only INTEGER PRIMARY KEY CHECK (only = 1), sealed BLOB NOT NULL);
    CREATE TABLE salts (n INTEGER PRIMARY KEY, salt BLOB NOT NULL);
    CREATE TABLE conversations (
        n INTEGER PRIMARY KEY,
        tenant BLOB NOT NULL,
        user BLOB NOT NULL,
        id BLOB NOT NULL,
        last_s REAL NOT NULL,
        UNIQUE (tenant, user, id)
    );
    CREATE INDEX conversations_by_time ON conversations (last_s);
    CREATE TABLE batches (seq INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER NOT NULL, sealed BLOB NOT NULL);
    CREATE INDEX batches_by_conversation ON batches (n, seq);
    CREATE TABLE leases (
        holder INTEGER NOT NULL,
        tenant BLOB NOT NULL,
        user BLOB NOT NULL,
        id BLOB NOT NULL,
        block INTEGER NOT NULL,
        at_s REAL NOT NULL,
        PRIMARY KEY (tenant, user, id, block)
    ) WITHOUT ROWID;
"""
KIND = FileKind("guards.masks.path", "a file of placeholders", 0x5374574D, (_TABLES,))  # "StWM"

_ALL_OF = "tenant = ? AND user = ? AND id = ?"


@dataclass(frozen=True, slots=True)
class Prints:
    """Stand for the names of a tenant, a user and a conversation."""

    tenant: bytes
    user: bytes
    id: bytes

    @property
    def row(self) -> tuple[bytes, bytes, bytes]:
        return self.tenant, self.user, self.id


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation that has something kept."""

    n: int
    salt: bytes


def find(connection: sqlite3.Connection, prints: Prints, *, since_s: float) -> Row | None:
    """The conversation, unless it was last used before `since_s`."""
    found = connection.execute(
        f"SELECT n, salt FROM conversations JOIN salts USING (n) WHERE {_ALL_OF} AND last_s >= ?",
        (*prints.row, since_s),
    ).fetchone()
    return None if found is None else Row(*found)


def begin(connection: sqlite3.Connection, prints: Prints, now_s: float) -> Row:
    """Add a conversation with nothing in it."""
    salt = secrets.token_bytes(SALT_BYTES)
    n = connection.execute("INSERT INTO salts (salt) VALUES (?)", (salt,)).lastrowid
    assert n is not None
    connection.execute("INSERT INTO conversations VALUES (?, ?, ?, ?, ?)", (n, *prints.row, now_s))
    return Row(n, salt)


def touch(connection: sqlite3.Connection, row: Row, now_s: float) -> None:
    """It was used now."""
    connection.execute("UPDATE conversations SET last_s = ? WHERE n = ?", (now_s, row.n))


def batches(connection: sqlite3.Connection, row: Row) -> list[bytes]:
    """What is kept of it, sealed, oldest first."""
    found = connection.execute("SELECT sealed FROM batches WHERE n = ? ORDER BY seq", (row.n,))
    return [sealed for (sealed,) in found]


def add_batch(connection: sqlite3.Connection, row: Row, sealed: bytes) -> None:
    """Keep more of it."""
    connection.execute("INSERT INTO batches (n, sealed) VALUES (?, ?)", (row.n, sealed))


def drop_batches(connection: sqlite3.Connection, row: Row) -> None:
    """Keep nothing of it."""
    connection.execute("DELETE FROM batches WHERE n = ?", (row.n,))


def lease(
    connection: sqlite3.Connection, prints: Prints, holder: int, now_s: float, *, since_s: float
) -> int:
    """Take a block of numbers that nobody holds; returns which.

    Args:
        since_s: Leases from before are over.
    """
    connection.execute(f"DELETE FROM leases WHERE {_ALL_OF} AND at_s < ?", (*prints.row, since_s))
    held = connection.execute(f"SELECT block FROM leases WHERE {_ALL_OF}", prints.row)
    taken = {block for (block,) in held}
    block = next(n for n in range(len(taken) + 1) if n not in taken)
    connection.execute("INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?)", (holder, *prints.row, block, now_s))
    return block


def give_back(connection: sqlite3.Connection, prints: Prints, holder: int) -> int:
    """End a holder's leases; returns how many it had."""
    ended = connection.execute(f"DELETE FROM leases WHERE {_ALL_OF} AND holder = ?", (*prints.row, holder))
    return ended.rowcount


def erase(connection: sqlite3.Connection, names: Sequence[tuple[str, bytes]]) -> int:
    """Erase every conversation of these names, (column, print) each; returns how many had something kept."""
    where = " AND ".join(f"{column} = ?" for column, _ in names)
    prints = [p for _, p in names]
    connection.execute(f"DELETE FROM leases WHERE {where}", prints)
    return _erase(connection, f"SELECT n FROM conversations WHERE {where}", prints)


def sweep(connection: sqlite3.Connection, *, since_s: float, most: int) -> int:
    """Erase conversations last used before `since_s`, and the oldest of more than `most`; returns how many."""
    n_old = _erase(connection, "SELECT n FROM conversations WHERE last_s < ?", [since_s])
    (n_left,) = connection.execute("SELECT count(*) FROM conversations").fetchone()
    if n_left <= most:
        return n_old
    oldest = "SELECT n FROM conversations ORDER BY last_s, n LIMIT ?"
    return n_old + _erase(connection, oldest, [n_left - most])


def _erase(connection: sqlite3.Connection, chosen: str, given: Sequence[object]) -> int:
    found = [n for (n,) in connection.execute(chosen, given)]
    for n in found:
        connection.execute("UPDATE salts SET salt = ? WHERE n = ?", (_NO_SALT, n))
        connection.execute("DELETE FROM batches WHERE n = ?", (n,))
        connection.execute("DELETE FROM conversations WHERE n = ?", (n,))
    return len(found)


def prove(connection: sqlite3.Connection, sealed: bytes) -> bytes:
    """What tells whether a key is the file's: kept at the first opening."""
    connection.execute("INSERT OR IGNORE INTO proof VALUES (1, ?)", (sealed,))
    (kept,) = connection.execute("SELECT sealed FROM proof").fetchone()
    return bytes(kept)
