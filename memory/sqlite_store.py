"""SQLite as the truth of a cache."""

from __future__ import annotations

import asyncio
import sqlite3
import weakref
from collections.abc import Sequence
from functools import partial

from stepwell.memory.schema import connect
from stepwell.memory.store import Entry, VectorRow
from stepwell.memory.writer import Job, Writer

_COLUMNS = "hit_id, key, tenant, user, body, tier, model, cost_usd, stored_at_s, expires_at_s"
_BY_KEY = f"SELECT {_COLUMNS} FROM entries WHERE key = ? AND expires_at_s > ?"
_BY_ID = f"SELECT {_COLUMNS} FROM entries WHERE hit_id = ? AND expires_at_s > ?"
_PUT = f"INSERT INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_EXPIRED = "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE expires_at_s <= ? LIMIT 64)"
_N_OF_TENANT = "SELECT n_entries FROM tenants WHERE tenant = ?"
_OLDEST = "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE tenant = ? ORDER BY id LIMIT ?)"
_ATTACH = (
    "INSERT OR REPLACE INTO vectors (hit_id, partition, vector, expires_at_s) "
    "SELECT hit_id, ?, ?, ? FROM entries WHERE hit_id = ?"
)
_VECTORS = (
    "SELECT seq, hit_id, vector, expires_at_s FROM vectors "
    "WHERE partition = ? AND seq > ? AND expires_at_s > ? ORDER BY seq LIMIT ?"
)


class SqliteStore:
    """Entries in one SQLite file (WAL), or in memory.

    Reads run where they are called: microseconds from a warm page cache, and WAL readers wait for no writer.
    Writes go to a thread of their own; the process that wrote reads them back at once. Several processes
    may share a file. `remove` and `erase` block until they are on the disk.
    """

    def __init__(self, path: str | None = None, *, max_entries_per_tenant: int = 10_000) -> None:
        """Open or make the file.

        Raises:
            ConfigError: It can't be opened, is not ours, or was written by a newer Stepwell.
        """
        self._max_entries = max_entries_per_tenant
        self._reader = connect(path)
        self._connection = self._reader if path is None else connect(path)
        self._writer = Writer(self._connection)
        self._pending: dict[bytes, Entry] = {}
        self._flush = weakref.finalize(self, _shut, self._writer, self._reader, self._connection)

    @property
    def n_lost(self) -> int:
        return self._writer.n_lost

    async def get(self, key: bytes, *, now_s: float) -> Entry | None:
        """Find the live entry with this key."""
        entry = self._pending.get(key)
        if entry is not None:
            return entry if entry.expires_at_s > now_s else None
        return self._read_one(_BY_KEY, key, now_s)

    async def find(self, hit_id: str, *, now_s: float) -> Entry | None:
        """Find the live entry with this name."""
        return self._read_one(_BY_ID, hit_id, now_s)

    async def put(self, entry: Entry) -> None:
        """Keep an entry in place of an older one with its key; the tenant's oldest beyond the cap go."""
        self._pending[entry.key] = entry
        work = partial(_put, entry=entry, max_entries=self._max_entries)
        # what waits in the writer must not hold this store: a store that is let go of is flushed
        after = partial(_settled, self._pending, entry)
        if not self._writer.send(Job(work, after=after)):
            after()

    async def attach(self, hit_id: str, *, partition: bytes, vector: bytes, expires_at_s: float) -> bool:
        """Give an entry its vector; False where the entry is gone or the write failed. Waits for the disk."""
        values = (partition, vector, expires_at_s, hit_id)
        future = self._writer.ask(lambda c: c.execute(_ATTACH, values).rowcount, is_urgent=False)
        try:
            return bool(await asyncio.wrap_future(future))
        except sqlite3.Error:
            return False

    def vectors_after(self, partition: bytes, seq: int, *, now_s: float, limit: int) -> list[VectorRow]:
        """List up to `limit` live vectors of a partition attached after `seq`. Any thread may call."""
        try:
            rows = self._reader.execute(_VECTORS, (partition, seq, now_s, limit)).fetchall()
        except sqlite3.Error:
            return []
        return [VectorRow(*row) for row in rows]

    def remove(self, hit_id: str) -> bool:
        """Delete one entry; False where there is none.

        Raises:
            sqlite3.Error: The file could not be written.
        """
        return self._delete("DELETE FROM entries WHERE hit_id = ?", [hit_id]) > 0

    def erase(self, *, tenant: str, user: str | None = None) -> int:
        """Delete all that a tenant, or one user of theirs, left; returns how many entries.

        The file's pages are overwritten; the log too, unless another process is reading from it just then.

        Raises:
            sqlite3.Error: The file could not be written.
        """
        if user is None:
            n_erased = self._delete("DELETE FROM entries WHERE tenant = ?", [tenant])
        else:
            n_erased = self._delete("DELETE FROM entries WHERE tenant = ? AND user = ?", [tenant, user])
        self._reader.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return n_erased

    async def close(self) -> None:
        """Write what is queued and let go of the file. Blocks for that long."""
        self._flush()

    def _delete(self, sql: str, values: Sequence[str]) -> int:
        # after all writes sent so far, so that none of them brings an entry back
        done = self._writer.ask(lambda c: c.execute(sql, values).rowcount, is_urgent=True).result()
        assert isinstance(done, int)
        return done

    def _read_one(self, sql: str, name: bytes | str, now_s: float) -> Entry | None:
        try:
            row = self._reader.execute(sql, (name, now_s)).fetchone()
        except sqlite3.Error:
            return None
        return None if row is None else Entry(*row)


def _settled(pending: dict[bytes, Entry], entry: Entry) -> None:
    if pending.get(entry.key) is entry:
        pending.pop(entry.key, None)


def _put(connection: sqlite3.Connection, *, entry: Entry, max_entries: int) -> None:
    e = entry
    connection.execute(_EXPIRED, (e.stored_at_s,))
    connection.execute("DELETE FROM entries WHERE key = ?", (e.key,))
    row = (
        e.hit_id,
        e.key,
        e.tenant,
        e.user,
        e.body,
        e.tier,
        e.model,
        e.cost_usd,
        e.stored_at_s,
        e.expires_at_s,
    )
    connection.execute(_PUT, row)
    n_over = connection.execute(_N_OF_TENANT, (e.tenant,)).fetchone()[0] - max_entries
    if n_over > 0:
        connection.execute(_OLDEST, (e.tenant, n_over))


def _shut(writer: Writer, *connections: sqlite3.Connection) -> None:
    writer.close()
    for connection in connections:
        connection.close()
