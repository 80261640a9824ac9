"""What the writer's thread does to the tables; each function runs inside a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from stepwell.memory.store import Entry, Record, Tally

MAX_JUDGEMENTS = 20_000
COLUMNS = "hit_id, key, tenant, user, body, tier, model, cost_usd, stored_at_s, expires_at_s, took_s"

_PUT = f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
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


def put(connection: sqlite3.Connection, *, entry: Entry, max_entries: int) -> None:
    e = entry
    connection.execute(_EXPIRED, (e.stored_at_s,))
    connection.execute("DELETE FROM entries WHERE key = ?", (e.key,))
    named = (e.hit_id, e.key, e.tenant, e.user, e.body, e.tier, e.model)
    connection.execute(_PUT, (*named, e.cost_usd, e.stored_at_s, e.expires_at_s, e.took_s))
    n_over = connection.execute(_N_OF_TENANT, (e.tenant,)).fetchone()[0] - max_entries
    if n_over > 0:
        connection.execute(_OLDEST, (e.tenant, n_over))


def attach(connection: sqlite3.Connection, *, row: Attachment) -> bool:
    values = (row.partition, row.vector, row.expires_at_s, row.answer_id, row.hit_id)
    cursor = connection.execute(_ATTACH, values)
    if cursor.rowcount < 1:
        return False
    connection.execute("INSERT INTO sketches VALUES (?, ?)", (cursor.lastrowid, row.sketch))
    return True


def judged(connection: sqlite3.Connection, *, answer_id: str, record: Record) -> None:
    connection.execute(_JUDGED, (record.n_right, record.n_wrong, answer_id))


def note(connection: sqlite3.Connection, *, judgement: bytes) -> None:
    seq = connection.execute("INSERT INTO judgements (note) VALUES (?)", (judgement,)).lastrowid or 0
    connection.execute("DELETE FROM judgements WHERE seq <= ?", (seq - MAX_JUDGEMENTS,))


def count(connection: sqlite3.Connection, *, tallies: Sequence[Tally]) -> None:
    connection.executemany(_COUNT, [(t.hour, t.kind, t.n, t.usd, t.s) for t in tallies])


def delete(connection: sqlite3.Connection, *, where: str, values: Sequence[object]) -> int:
    return connection.execute(f"DELETE FROM entries WHERE {where}", values).rowcount


def wipe(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM entries")
    connection.execute("DELETE FROM tallies")
