"""What the writer's thread does to the log's tables; each function runs inside a transaction.

What a caller did wrong is returned, not raised: it must not undo the writes of others in the same transaction.
"""

from __future__ import annotations

import math
import secrets
import sqlite3
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import msgspec

from stepwell.base.sealing import NO_KEY, new_key, sealed
from stepwell.memory.context.log.erasures import KEPT_S, erasure, erasures_of
from stepwell.memory.context.log.log import Name, NewTurn, Past, Pin, Summary, Turn
from stepwell.memory.context.log.log_file import MAX_TURNS, SEQ_BITS
from stepwell.memory.context.log.names import print_of, prints_of, to_bytes


class _Head(NamedTuple):
    n: int
    epoch: int
    user: bytes
    n_turns: int
    key: bytes


class Refused(Enum):
    FOREIGN = "foreign"
    ERASED = "erased"
    BEGUN = "begun"


_HEAD = """
    SELECT n, epoch, user, n_turns, key FROM conversations JOIN keys USING (n) WHERE tenant = ? AND id = ?
"""
_BEGIN = "INSERT INTO conversations VALUES (?, ?, ?, ?, ?, ?, 0, 0, ?, ?)"
_TURN = "INSERT INTO turns VALUES (?, ?, ?, ?, ?)"
_GROWN = """
    UPDATE conversations SET n_turns = n_turns + ?, n_bytes = n_bytes + ?, last_s = max(last_s, ?) WHERE n = ?
"""
_ERASED = "SELECT 1 FROM erasures WHERE print IN (?, ?, ?, ?) AND at_s >= ?"
_SUMMARY = """
    INSERT INTO summaries VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (n) DO UPDATE SET text = excluded.text, upto = excluded.upto, by = excluded.by,
        n_read_tokens = excluded.n_read_tokens
    WHERE excluded.upto >= upto
"""


def append(
    connection: sqlite3.Connection,
    *,
    name: Name,
    turns: Sequence[NewTurn],
    epoch: int,
    since_s: float = math.inf,
) -> Past | Refused:
    head = _head(connection, name)
    if head is None and epoch:
        return Refused.ERASED
    if head is not None and head.user != print_of(name.user):
        return Refused.FOREIGN
    if head is not None and head.epoch != epoch:
        return Refused.ERASED if epoch else Refused.BEGUN
    if not turns:
        return Past(epoch, head.n_turns if head is not None else 0)
    if head is None:
        if connection.execute(_ERASED, (*erasures_of(name), since_s)).fetchone() is not None:
            return Refused.ERASED
        head = _begin(connection, name, turns[0].at_s)
    return _add(connection, head, turns)


def _add(connection: sqlite3.Connection, head: _Head, turns: Sequence[NewTurn]) -> Past:
    added = tuple(Turn.of(head.n_turns + i, turn) for i, turn in enumerate(turns))
    n_turns = head.n_turns + len(added)
    if n_turns > MAX_TURNS:
        raise OverflowError("no room for more turns in one conversation")
    rows = [
        (head.n << SEQ_BITS | t.seq, t.at_s, sealed(head.key, t.raw), t.guarded, t.is_lead) for t in added
    ]
    connection.executemany(_TURN, rows)
    n_bytes, last_s = sum(len(t.raw) for t in added), max(t.at_s for t in added)
    connection.execute(_GROWN, (len(added), n_bytes, last_s, head.n))
    return Past(head.epoch, n_turns, added)


def _head(connection: sqlite3.Connection, name: Name) -> _Head | None:
    row = connection.execute(_HEAD, prints_of(name)).fetchone()
    return None if row is None else _Head(*row)


def _begin(connection: sqlite3.Connection, name: Name, at_s: float) -> _Head:
    key = new_key()
    n = connection.execute("INSERT INTO keys (key) VALUES (?)", (key,)).lastrowid
    assert n is not None
    # never one that was there before, not even in a file put back from a backup
    epoch = secrets.randbits(62) + 1
    names = sealed(key, msgspec.msgpack.encode((to_bytes(name.id), to_bytes(name.user))))
    user = print_of(name.user)
    connection.execute(_BEGIN, (n, epoch, *prints_of(name), user, names, at_s, at_s))
    return _Head(n, epoch, user, 0, key)


def _still(connection: sqlite3.Connection, name: Name, epoch: int) -> _Head | None:
    """The conversation, if it is still the one that was begun under this epoch."""
    head = _head(connection, name)
    return head if head is not None and head.epoch == epoch else None


def keep_marks(
    connection: sqlite3.Connection, *, name: Name, marks: Sequence[tuple[int, bytes]], epoch: int
) -> None:
    head = _still(connection, name, epoch)
    if head is not None:
        new = [(seq, mark) for seq, mark in marks if 0 <= seq < head.n_turns]
        rows = [(head.n << SEQ_BITS | seq, sealed(head.key, mark)) for seq, mark in new]
        connection.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?)", rows)


def keep_summary(connection: sqlite3.Connection, *, name: Name, summary: Summary, epoch: int) -> None:
    head, s = _still(connection, name, epoch), summary
    if head is not None:
        text = sealed(head.key, to_bytes(s.text))
        connection.execute(_SUMMARY, (head.n, text, s.upto, s.by, s.n_read_tokens))


def pin(connection: sqlite3.Connection, *, name: Name, pin: Pin, at_s: float) -> Refused | None:
    """Begins the conversation where there is none yet."""
    head = _head(connection, name)
    if head is not None and head.user != print_of(name.user):
        return Refused.FOREIGN
    head = head or _begin(connection, name, at_s)
    text = sealed(head.key, to_bytes(pin.text))
    connection.execute("INSERT INTO pins (n, id, text) VALUES (?, ?, ?)", (head.n, pin.id, text))
    return None


def unpin(connection: sqlite3.Connection, *, name: Name, pin_id: bytes) -> Refused | bool:
    head = _head(connection, name)
    if head is None:
        return False
    if head.user != print_of(name.user):
        return Refused.FOREIGN
    where = "DELETE FROM pins WHERE n = ? AND CAST(id AS BLOB) = ?"
    return connection.execute(where, (head.n, pin_id)).rowcount > 0


def erase(
    connection: sqlite3.Connection, *, tenant: str, user: str | None, id: str | None, now_s: float
) -> int:
    """Delete all that is named, and remember for a day that it was."""
    connection.execute("DELETE FROM erasures WHERE at_s < ?", (now_s - KEPT_S,))
    connection.execute("INSERT OR REPLACE INTO erasures VALUES (?, ?)", (erasure(tenant, user, id), now_s))
    where, values = "tenant = ?", [print_of(tenant)]
    for column, value in (("user", user), ("id", id)):
        if value is not None:
            where, values = f"{where} AND {column} = ?", [*values, print_of(value)]
    gone = connection.execute(f"SELECT n FROM conversations WHERE {where}", values).fetchall()
    for (n,) in gone:
        connection.execute("UPDATE keys SET key = ? WHERE n = ?", (NO_KEY, n))
        span = (n << SEQ_BITS, ((n + 1) << SEQ_BITS) - 1)
        connection.execute("DELETE FROM turns WHERE place BETWEEN ? AND ?", span)
        connection.execute("DELETE FROM marks WHERE place BETWEEN ? AND ?", span)
        connection.execute("DELETE FROM pins WHERE n = ?", (n,))
        connection.execute("DELETE FROM summaries WHERE n = ?", (n,))
        connection.execute("DELETE FROM conversations WHERE n = ?", (n,))
    return len(gone)
