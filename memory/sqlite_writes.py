"""What the writer's thread does to the tables; each function runs inside a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stepwell.memory.store import Entry, Record, Tally

MAX_JUDGEMENTS = 20_000
COLUMNS = "hit_id, key, tenant, user, body, tier, model, cost_usd, stored_at_s, expires_at_s, took_s"

_PUT = f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_OLDER = "SELECT hit_id FROM entries WHERE key = ?"
# only one entry may have the key, and rows may lead only to an entry that is there
_STEP_ASIDE = "UPDATE entries SET key = CAST(hit_id AS BLOB) WHERE hit_id = ?"
_LEAD = "UPDATE vectors SET answer_id = ?, expires_at_s = min(expires_at_s, ?) WHERE answer_id = ? AND hit_id <> ?"
_TAKE_RECORD = "UPDATE records SET answer_id = ? WHERE answer_id = ?"
_TAKEN = """
    SELECT hit_id, partition, vector, expires_at_s, answer_id, coalesce(sketch, x'')
    FROM vectors LEFT JOIN sketches USING (seq) WHERE answer_id = ? AND hit_id <> ? ORDER BY seq
"""
_ROW = "INSERT OR REPLACE INTO vectors (hit_id, partition, vector, expires_at_s, answer_id) VALUES (?, ?, ?, ?, ?)"
_SKETCH = "INSERT INTO sketches VALUES (?, ?)"
_EXPIRED = "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE expires_at_s <= ? LIMIT 64)"
_N_OF_TENANT = "SELECT n_entries FROM tenants WHERE tenant = ?"
_OLDEST = "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE tenant = ? ORDER BY id LIMIT ?)"
# the tenant is part of the partition already; a leak would need two faults
_ATTACH = """
    INSERT OR REPLACE INTO vectors (hit_id, partition, vector, expires_at_s, answer_id)
    SELECT own.hit_id, ?, ?, min(?, own.expires_at_s, answer.expires_at_s), answer.hit_id
    FROM entries AS own JOIN entries AS answer ON answer.hit_id = ? AND answer.tenant = own.tenant
    WHERE own.hit_id = ?
"""
_JUDGED = """
    INSERT INTO records SELECT hit_id, ?, ? FROM entries WHERE hit_id = ?
    ON CONFLICT (answer_id) DO UPDATE SET n_right = n_right + excluded.n_right, n_wrong = n_wrong + excluded.n_wrong
"""
_COUNT = """
    INSERT INTO tallies VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (hour, kind) DO UPDATE SET n = n + excluded.n, usd = usd + excluded.usd, s = s + excluded.s
"""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A vector on its way to its entry."""

    hit_id: str
    answer_id: str
    partition: bytes
    vector: bytes
    sketch: bytes
    expires_at_s: float


def put(connection: sqlite3.Connection, *, entry: Entry, max_entries: int, is_heir: bool = True) -> None:
    """Keep an entry in place of an older one of its key.

    Args:
        is_heir: It takes over what leads to the older one, and that one's record.
    """
    e = entry
    connection.execute(_EXPIRED, (e.stored_at_s,))
    older = connection.execute(_OLDER, (e.key,)).fetchone()
    is_heir = is_heir and older is not None and older != (e.hit_id,)
    if is_heir:
        connection.execute(_STEP_ASIDE, older)
    elif older is not None:
        _drop(connection, *older)
    _insert(connection, e)
    if is_heir:
        connection.execute(_LEAD, (e.hit_id, e.expires_at_s, *older, *older))
        connection.execute(_TAKE_RECORD, (e.hit_id, *older))
        _drop(connection, *older)
    n_over = connection.execute(_N_OF_TENANT, (e.tenant,)).fetchone()[0] - max_entries
    if n_over > 0:
        connection.execute(_OLDEST, (e.tenant, n_over))


def _insert(connection: sqlite3.Connection, e: Entry) -> None:
    named = (e.hit_id, e.key, e.tenant, e.user, e.body, e.tier, e.model)
    connection.execute(_PUT, (*named, e.cost_usd, e.stored_at_s, e.expires_at_s, e.took_s))


def _drop(connection: sqlite3.Connection, hit_id: str) -> None:
    connection.execute("DELETE FROM entries WHERE hit_id = ?", (hit_id,))


def attach(connection: sqlite3.Connection, *, row: Attachment) -> bool:
    values = (row.partition, row.vector, row.expires_at_s, row.answer_id, row.hit_id)
    cursor = connection.execute(_ATTACH, values)
    if cursor.rowcount < 1:
        return False
    connection.execute(_SKETCH, (cursor.lastrowid, row.sketch))
    _show_taken(connection, row.hit_id)
    return True


def _show_taken(connection: sqlite3.Connection, hit_id: str) -> None:
    """Give rows that an entry took over from an older one new numbers: whoever reads what is new hears of them.

    Only now: until its own prompt was compared, an entry must not be its own neighbour's answer.
    """
    for *row, sketch in connection.execute(_TAKEN, (hit_id, hit_id)).fetchall():
        connection.execute(_SKETCH, (connection.execute(_ROW, row).lastrowid, sketch))


def judged(connection: sqlite3.Connection, *, answer_id: str, record: Record) -> None:
    connection.execute(_JUDGED, (record.n_right, record.n_wrong, answer_id))


def note(connection: sqlite3.Connection, *, judgement: bytes) -> None:
    seq = connection.execute("INSERT INTO judgements (note) VALUES (?)", (judgement,)).lastrowid or 0
    connection.execute("DELETE FROM judgements WHERE seq <= ?", (seq - MAX_JUDGEMENTS,))


def count(connection: sqlite3.Connection, *, tallies: Sequence[Tally]) -> None:
    connection.executemany(_COUNT, [(t.hour, t.kind, t.n, t.usd, t.s) for t in tallies])


def delete(connection: sqlite3.Connection, *, where: str, values: Sequence[object]) -> int:
    return connection.execute(f"DELETE FROM entries WHERE {where}", values).rowcount


def erase_all(connection: sqlite3.Connection, *, is_meant: Callable[[str, str], bool], until_s: float) -> int:
    """Delete what all whom `is_meant` picks out by tenant and user left until then; returns how many entries."""
    found = connection.execute("SELECT DISTINCT tenant, user FROM entries").fetchall()
    where = "tenant = ? AND user = ? AND stored_at_s <= ?"
    return sum(
        delete(connection, where=where, values=(*names, until_s)) for names in found if is_meant(*names)
    )


def wipe(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM entries")
    connection.execute("DELETE FROM tallies")
