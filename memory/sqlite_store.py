"""SQLite as the truth of a cache."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from stepwell.base.errors import StoreUnavailable
from stepwell.memory import sqlite_writes as writes
from stepwell.memory.reader import Reader
from stepwell.memory.schema import connect
from stepwell.memory.sqlite_writes import Attachment
from stepwell.memory.store import Entry, Record, Tally, VectorRow
from stepwell.memory.writer import FAILURES, MAX_WAITING, Job, Writer

_BY_KEY = f"SELECT {writes.COLUMNS} FROM entries WHERE key = ? AND expires_at_s > ?"
_BY_ID = f"SELECT {writes.COLUMNS} FROM entries WHERE hit_id = ? AND expires_at_s > ?"
_VECTORS = (
    "SELECT seq, coalesce(answer_id, hit_id), vector, expires_at_s FROM vectors "
    "WHERE partition = ? AND seq > ? AND expires_at_s > ? ORDER BY seq LIMIT ?"
)
_SKETCHES = (
    "SELECT seq, coalesce(sketch, x'') FROM vectors LEFT JOIN sketches USING (seq) "
    "WHERE partition = ? AND seq IN ({})"
)
_RECORDS = "SELECT answer_id, n_right, n_wrong FROM records WHERE answer_id IN ({})"
_NOTES = "SELECT seq, note FROM judgements WHERE seq > ? ORDER BY seq LIMIT ?"
_TALLIES = "SELECT hour, kind, n, usd, s FROM tallies WHERE hour >= ? ORDER BY hour, kind"


class _Pending:
    """Entries on their way to the disk."""

    def __init__(self) -> None:
        self.by_key: dict[bytes, Entry] = {}
        self.by_id: dict[str, Entry] = {}

    def add(self, entry: Entry) -> None:
        older = self.by_key.get(entry.key)
        if older is not None:
            self.by_id.pop(older.hit_id, None)
        self.by_key[entry.key] = self.by_id[entry.hit_id] = entry

    def settled(self, entry: Entry) -> None:
        if self.by_key.get(entry.key) is entry:
            self.by_key.pop(entry.key, None)
        if self.by_id.get(entry.hit_id) is entry:
            self.by_id.pop(entry.hit_id, None)


class SqliteStore:
    """A `Store` in one SQLite file (WAL), or in memory.

    Reads run where they are called: microseconds from a warm page cache, and WAL readers wait for no writer.
    Writes go to a thread of their own; the process that wrote an entry reads it back at once. Several processes
    may share a file. `remove` and `erase` block until they are on the disk. Any thread may call.
    """

    def __init__(self, path: str | None = None, *, max_entries_per_tenant: int = 10_000) -> None:
        """Open or make the file.

        Raises:
            ConfigError: It can't be opened, is not ours, or was written by a newer Stepwell.
        """
        self._max_entries = max_entries_per_tenant
        self._connection = connect(path)
        # long reads of the index must neither hold up the short ones, nor keep their snapshot
        self._short, self._long = (
            Reader(self._connection if path is None else connect(path)) for _ in range(2)
        )
        # memory never hangs, and a mirror is filled faster than it is written
        self._writer = Writer(self._connection, max_waiting=math.inf if path is None else MAX_WAITING)
        self._pending = _Pending()
        closers = (self._short.close, self._long.close, self._connection.close)
        self._flush = weakref.finalize(self, _shut, self._writer, closers)

    @property
    def n_lost(self) -> int:
        return self._writer.n_lost

    @property
    def is_exact_only(self) -> bool:
        return False

    # ---- entries

    async def get(self, key: bytes, *, now_s: float) -> Entry | None:
        """Find the live entry with this key."""
        entry = self._pending.by_key.get(key)
        if entry is not None:
            return entry if entry.expires_at_s > now_s else None
        return self._read_one(_BY_KEY, key, now_s)

    async def find(self, hit_id: str, *, now_s: float) -> Entry | None:
        """Find the live entry with this name."""
        entry = self._pending.by_id.get(hit_id)
        if entry is not None:
            return entry if entry.expires_at_s > now_s else None
        entry = self._read_one(_BY_ID, hit_id, now_s)
        is_replaced = entry is not None and entry.key in self._pending.by_key
        return None if is_replaced else entry

    async def put(self, entry: Entry) -> None:
        """Keep an entry in place of an older one with its key, whose neighbours lead to it from now on.

        The tenant's oldest beyond the cap go.
        """
        self.put_soon(entry)

    def put_soon(self, entry: Entry, *, is_heir: bool = True) -> None:
        """As `put`.

        Args:
            is_heir: Takes over what leads to the older one.
        """
        self._pending.add(entry)
        # what waits in the writer must not hold this store: a store that is let go of is flushed
        after = partial(self._pending.settled, entry)
        if not self._send(
            partial(writes.put, entry=entry, max_entries=self._max_entries, is_heir=is_heir), after
        ):
            after()

    def remove(self, hit_id: str) -> bool:
        """Delete one entry, and what leads to it; False where there is none.

        Raises:
            StoreUnavailable: The file could not be written.
        """
        return self._delete("hit_id = ?", (hit_id,)) > 0

    def drop_soon(self, hit_ids: Sequence[str]) -> Future[object]:
        """Delete entries, and what leads to them; the future fails with one of writer.FAILURES."""
        where = f"hit_id IN ({_marks(hit_ids)})"
        return self._writer.ask(partial(writes.delete, where=where, values=tuple(hit_ids)), is_urgent=True)

    def erase(self, *, tenant: str, user: str | None = None, until_s: float = math.inf) -> int:
        """Delete all that a tenant, or one user of theirs, left until then; returns how many entries.

        The file's pages are overwritten and the log is emptied; only where another process keeps reading from
        it for seconds, the log stays until it grows full.

        Raises:
            StoreUnavailable: The file could not be written.
        """
        if user is None:
            return self._delete("tenant = ? AND stored_at_s <= ?", (tenant, until_s))
        return self._delete("tenant = ? AND user = ? AND stored_at_s <= ?", (tenant, user, until_s))

    def erase_all(self, is_meant: Callable[[str, str], bool], *, until_s: float) -> int:
        """As `erase`, of all whose tenant and user a test picks out."""
        return self._deleted(partial(writes.erase_all, is_meant=is_meant, until_s=until_s))

    def wipe(self) -> None:
        """Delete all but the judgements, whose numbers rise on."""
        self._writer.ask(writes.wipe, is_urgent=True).result()

    # ---- vectors

    async def attach(
        self,
        hit_id: str,
        *,
        answer_id: str,
        partition: bytes,
        vector: bytes,
        sketch: bytes,
        expires_at_s: float,
    ) -> bool:
        """Give an entry its vector; False where it or the answer is gone, or the write failed.

        Waits for the disk. The row lives no longer than either entry.
        """
        row = Attachment(hit_id, answer_id, partition, vector, sketch, expires_at_s)
        try:
            return bool(await asyncio.wrap_future(self.attach_soon(row)))
        except FAILURES:
            return False

    def attach_soon(self, row: Attachment) -> Future[object]:
        """As `attach`; the future fails with one of writer.FAILURES."""
        return self._writer.ask(partial(writes.attach, row=row), is_urgent=False)

    def vectors_after(self, partition: bytes, seq: int, *, now_s: float, limit: int) -> list[VectorRow]:
        """List up to `limit` live vectors of a partition attached after `seq`."""
        return [VectorRow(*row) for row in self._rows(_VECTORS, (partition, seq, now_s, limit))]

    def sketches(self, partition: bytes, seqs: Sequence[int]) -> dict[int, bytes]:
        """What was kept of some rows' prompts; rows that are gone are left out."""
        return dict(self._rows(_SKETCHES.format(_marks(seqs)), (partition, *seqs)))

    # ---- evidence

    def judged(self, answer_id: str, *, is_same: bool) -> None:
        """Count one verdict on an answer; its record goes with it."""
        self.add_record(answer_id, Record(int(is_same), int(not is_same)))

    def add_record(self, answer_id: str, record: Record) -> None:
        """Count several verdicts on an answer."""
        self._send(partial(writes.judged, answer_id=answer_id, record=record))

    def records(self, answer_ids: Sequence[str]) -> dict[str, Record]:
        """Verdicts on some answers; those never judged are left out."""
        rows = self._rows(_RECORDS.format(_marks(answer_ids)), answer_ids)
        return {answer_id: Record(n_right, n_wrong) for answer_id, n_right, n_wrong in rows}

    def note(self, judgement: bytes) -> None:
        """Add to the log; the newest `writes.MAX_JUDGEMENTS` stay."""
        self._send(partial(writes.note, judgement=judgement))

    def notes_after(self, seq: int, *, limit: int) -> list[tuple[int, bytes]]:
        """The log from after `seq`, oldest first."""
        return [(n, note) for n, note in self._rows(_NOTES, (seq, limit))]

    def count(self, tallies: Sequence[Tally]) -> None:
        """Add to the hours' counts."""
        self._send(partial(writes.count, tallies=tuple(tallies)))

    def tallies(self, since_hour: int) -> list[Tally]:
        """The hours' counts, oldest first."""
        return [Tally(*row) for row in self._rows(_TALLIES, (since_hour,))]

    # ----

    async def close(self) -> None:
        """Write what is queued and let go of the file. Blocks for that long."""
        self._flush()

    def _send(self, work: Callable[..., object], after: Callable[[], None] | None = None) -> bool:
        return self._writer.send(Job(work, after=after))

    def _delete(self, where: str, values: Sequence[object]) -> int:
        return self._deleted(partial(writes.delete, where=where, values=values))

    def _deleted(self, work: Callable[[sqlite3.Connection], int]) -> int:
        # after all writes sent so far, so that none of them brings an entry back
        try:
            done = self._writer.ask(work, is_urgent=True).result()
        except UnicodeEncodeError:  # nothing was ever kept under such a name
            return 0
        except FAILURES as e:
            raise StoreUnavailable(
                f"the cache's file could not be written ({type(e).__name__}): nothing erased"
            ) from e
        assert isinstance(done, int)
        if done:
            with suppress(sqlite3.Error):
                self._long.all("PRAGMA wal_checkpoint(TRUNCATE)")
        return done

    def _read_one(self, sql: str, name: bytes | str, now_s: float) -> Entry | None:
        try:
            row = self._short.one(sql, (name, now_s))
        except FAILURES:
            return None
        return None if row is None else Entry(*row)

    def _rows(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        try:
            return self._long.all(sql, values)
        except FAILURES:
            return []


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _shut(writer: Writer, closers: Sequence[Callable[[], None]]) -> None:
    writer.close()
    for close in closers:
        close()
