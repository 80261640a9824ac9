"""What the writer's thread does to the log's tables; each function runs inside a transaction.

What a caller did wrong is returned, not raised: it must not undo the writes of others in the same transaction.
"""

from __future__ import annotations

import math
import secrets
import sqlite3
from collections.abc import Sequence
from enum import Enum

from stepwell.memory.context.log.erasures import KEPT_S, print_of, prints_of
from stepwell.memory.context.log.log import Name, NewTurn, Past, Pin, Summary, Turn
from stepwell.memory.context.log.log_file import MAX_TURNS, SEQ_BITS
from stepwell.memory.context.log.names import key_of, to_bytes


class Refused(Enum):
    FOREIGN = "foreign"
    ERASED = "erased"
    BEGUN = "begun"


_HEAD = "SELECT n, epoch, user, n_turns FROM conversations WHERE tenant = ? AND id = ?"
_BEGIN = """
    INSERT INTO conversations (epoch, tenant, id, user, n_turns, n_bytes, began_s, last_s)
    VALUES (?, ?, ?, ?, 0, 0, ?, ?)
"""
_TURN = "INSERT INTO turns VALUES (?, ?, ?, ?)"
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
    head = connection.execute(_HEAD, key_of(name)).fetchone()
    if head is None and epoch:
        return Refused.ERASED
    if head is not None and head[2] != to_bytes(name.user):
        return Refused.FOREIGN
    if head is not None and head[1] != epoch:
        return Refused.ERASED if epoch else Refused.BEGUN
    if not turns:
        return Past(epoch, head[3] if head is not None else 0)
    if head is None and connection.execute(_ERASED, (*prints_of(name), since_s)).fetchone() is not None:
        return Refused.ERASED
    n, epoch, n_turns = (
        _begin(connection, name, turns[0].at_s) if head is None else (head[0], head[1], head[3])
    )
    added = tuple(Turn(n_turns + i, t.raw, t.at_s, t.guarded) for i, t in enumerate(turns))
    n_turns += len(added)
    if n_turns > MAX_TURNS:
        raise OverflowError("no room for more turns in one conversation")
    connection.executemany(_TURN, [(n << SEQ_BITS | t.seq, t.at_s, t.raw, t.guarded) for t in added])
    n_bytes, last_s = sum(len(t.raw) for t in added), max(t.at_s for t in added)
    connection.execute(_GROWN, (len(added), n_bytes, last_s, n))
    return Past(epoch, n_turns, added)


def _begin(connection: sqlite3.Connection, name: Name, at_s: float) -> tuple[int, int, int]:
    epoch = (
        secrets.randbits(62) + 1
    )  # never one that was there before, not even in a file put back from a backup
    values = (epoch, *key_of(name), to_bytes(name.user), at_s, at_s)
    n = connection.execute(_BEGIN, values).lastrowid
    assert n is not None
    return n, epoch, 0


def _of(connection: sqlite3.Connection, name: Name, epoch: int) -> tuple[int, int] | None:
    """The number and length of a conversation that is still there."""
    head = connection.execute(_HEAD, key_of(name)).fetchone()
    return None if head is None or head[1] != epoch else (head[0], head[3])


def keep_marks(
    connection: sqlite3.Connection, *, name: Name, marks: Sequence[tuple[int, bytes]], epoch: int
) -> None:
    found = _of(connection, name, epoch)
    if found is not None:
        n, n_turns = found
        rows = [(n << SEQ_BITS | seq, mark) for seq, mark in marks if 0 <= seq < n_turns]
        connection.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?)", rows)


def keep_summary(connection: sqlite3.Connection, *, name: Name, summary: Summary, epoch: int) -> None:
    found = _of(connection, name, epoch)
    if found is not None:
        s = summary
        connection.execute(_SUMMARY, (found[0], to_bytes(s.text), s.upto, s.by, s.n_read_tokens))


def pin(connection: sqlite3.Connection, *, name: Name, pin: Pin, at_s: float) -> Refused | None:
    """Begins the conversation where there is none yet."""
    head = connection.execute(_HEAD, key_of(name)).fetchone()
    if head is not None and head[2] != to_bytes(name.user):
        return Refused.FOREIGN
    n = head[0] if head is not None else _begin(connection, name, at_s)[0]
    connection.execute("INSERT INTO pins (n, id, text) VALUES (?, ?, ?)", (n, pin.id, to_bytes(pin.text)))
    return None


def unpin(connection: sqlite3.Connection, *, name: Name, pin_id: bytes) -> Refused | bool:
    head = connection.execute(_HEAD, key_of(name)).fetchone()
    if head is None:
        return False
    if head[2] != to_bytes(name.user):
        return Refused.FOREIGN
    where = "DELETE FROM pins WHERE n = ? AND CAST(id AS BLOB) = ?"
    return connection.execute(where, (head[0], pin_id)).rowcount > 0


def erase(
    connection: sqlite3.Connection, *, tenant: str, user: str | None, id: str | None, now_s: float
) -> int:
    """Delete all that is named, and remember for a day that it was."""
    connection.execute("DELETE FROM erasures WHERE at_s < ?", (now_s - KEPT_S,))
    connection.execute("INSERT OR REPLACE INTO erasures VALUES (?, ?)", (print_of(tenant, user, id), now_s))
    where, values = "tenant = ?", [to_bytes(tenant)]
    for column, value in (("user", user), ("id", id)):
        if value is not None:
            where, values = f"{where} AND {column} = ?", [*values, to_bytes(value)]
    gone = connection.execute(f"SELECT n FROM conversations WHERE {where}", values).fetchall()
    for (n,) in gone:
        span = (n << SEQ_BITS, ((n + 1) << SEQ_BITS) - 1)
        connection.execute("DELETE FROM turns WHERE place BETWEEN ? AND ?", span)
        connection.execute("DELETE FROM marks WHERE place BETWEEN ? AND ?", span)
        connection.execute("DELETE FROM pins WHERE n = ?", (n,))
        connection.execute("DELETE FROM summaries WHERE n = ?", (n,))
        connection.execute("DELETE FROM conversations WHERE n = ?", (n,))
    return len(gone)
