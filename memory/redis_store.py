"""Redis as the truth of several replicas' cache: each keeps a mirror of its own, so that reads wait for nobody."""

from __future__ import annotations

import secrets
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from stepwell.base.errors import StoreUnavailable
from stepwell.memory.redis import changes
from stepwell.memory.redis.changes import Change, Erasure
from stepwell.memory.redis.link import Link
from stepwell.memory.redis.mirror import Mirror
from stepwell.memory.redis.outbox import Outbox
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.sqlite_writes import Attachment
from stepwell.memory.store import Entry, Record, Tally, VectorRow

ERASE_TIMEOUT_S = 1.0
MAX_OWN = 100_000


class RedisStore:
    """A `Store` that replicas share through plain Redis (5 or newer); any thread may call.

    Reads are local. Writes are local at once, and Redis is told by a thread of its own; what it can't be told
    waits, bounded. Within a second without Redis `is_exact_only` is True and only entries of this process are
    served; when Redis is back, all is as it was.
    """

    def __init__(
        self,
        url: str,
        *,
        local: SqliteStore,
        timeout_s: float = 0.2,
        max_entries_per_tenant: int = 10_000,
    ) -> None:
        """Connect in the background.

        Args:
            url: redis://, rediss:// or unix://; its query may set redis-py's own options.
            local: An empty store in memory; closed with this one.
            timeout_s: Longest wait of the background thread for one answer.

        Raises:
            ConfigError: No Redis URL.
        """
        self._local = local
        self._max_entries = max_entries_per_tenant
        self._replica = secrets.token_hex(8)
        self._own: dict[str, float] = {}
        self._outbox = Outbox()
        self._mirror = Mirror(local, self._outbox, self._replica)
        self._link = Link(url, self._mirror, self._outbox, timeout_s=timeout_s)
        self._finalizer = weakref.finalize(self, self._link.close, timeout_s=1.0)

    @property
    def n_lost(self) -> int:
        return self._local.n_lost + self._outbox.n_lost

    @property
    def is_exact_only(self) -> bool:
        """True where Redis has been silent for a second, or this replica has not yet read all."""
        return not self._link.is_in_step

    # ---- entries

    async def get(self, key: bytes, *, now_s: float) -> Entry | None:
        """Find the live entry with this key."""
        return self._trusted(await self._local.get(key, now_s=now_s))

    async def find(self, hit_id: str, *, now_s: float) -> Entry | None:
        """Find the live entry with this name."""
        return self._trusted(await self._local.find(hit_id, now_s=now_s))

    async def put(self, entry: Entry) -> None:
        """Keep an entry in place of an older one with its key, whose neighbours lead to it once Redis has heard.

        The tenant's oldest beyond the cap go.
        """
        self._own[entry.hit_id] = entry.expires_at_s
        if len(self._own) > MAX_OWN:
            self._forget_own()
        self._mirror.will_hear(entry)
        self._local.put_soon(entry, is_heir=False)
        if not self._tell(lambda: changes.put(entry, self._max_entries, self._replica)):
            self._mirror.has_heard(entry.hit_id)

    def remove(self, hit_id: str) -> bool:
        """Delete one entry, and what leads to it; False where there is none.

        Raises:
            StoreUnavailable: Redis does not answer. The entry is gone here, and elsewhere once Redis is back.
        """
        if not _is_text(hit_id):
            return False
        self._take_back(lambda change: change.hit_id == hit_id)
        was_here = self._local.remove(hit_id)
        return bool(self._ask(changes.remove(hit_id))) or was_here

    def erase(self, *, tenant: str, user: str | None = None) -> int:
        """Delete all that a tenant, or one user of theirs, left, on every replica; returns how many entries.

        Raises:
            StoreUnavailable: Redis does not answer. All is gone here, and elsewhere once Redis is back, unless this
                process ends before: ask again.
        """
        if not _is_text(tenant + (user or "")):
            return 0
        erasure = Erasure.of(tenant, user, time.time())
        self._take_back(erasure.covers)
        n_here = self._local.erase(tenant=tenant, user=user)
        return max(self._ask(changes.erase(erasure, self._replica)), n_here)

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
        """Give an entry its vector; False where it or the answer is gone."""
        row = Attachment(hit_id, answer_id, partition, vector, sketch, expires_at_s)
        is_kept = await self._local.attach(
            hit_id,
            answer_id=answer_id,
            partition=partition,
            vector=vector,
            sketch=sketch,
            expires_at_s=expires_at_s,
        )
        if is_kept:
            self._tell(lambda: changes.attach(row, self._replica))
        return is_kept

    def vectors_after(self, partition: bytes, seq: int, *, now_s: float, limit: int) -> list[VectorRow]:
        """List up to `limit` live vectors of a partition attached after `seq`."""
        return self._local.vectors_after(partition, seq, now_s=now_s, limit=limit)

    def sketches(self, partition: bytes, seqs: Sequence[int]) -> dict[int, bytes]:
        """What was kept of some rows' prompts; rows that are gone are left out."""
        return self._local.sketches(partition, seqs)

    # ---- evidence

    def judged(self, answer_id: str, *, is_same: bool) -> None:
        """Count one verdict on an answer; its record goes with it."""
        self._local.judged(answer_id, is_same=is_same)
        self._tell(lambda: changes.judged(answer_id, is_same, self._replica))

    def records(self, answer_ids: Sequence[str]) -> dict[str, Record]:
        """Verdicts of all replicas on some answers; those never judged are left out."""
        return self._local.records(answer_ids)

    def note(self, judgement: bytes) -> None:
        """Add to the log of all replicas."""
        self._local.note(judgement)
        self._tell(lambda: changes.note(judgement, self._replica))

    def notes_after(self, seq: int, *, limit: int) -> list[tuple[int, bytes]]:
        """The log of all replicas from after `seq`, in the order in which this one heard of it."""
        return self._local.notes_after(seq, limit=limit)

    def count(self, tallies: Sequence[Tally]) -> None:
        """Add to the hours' counts."""
        if tallies:
            self._local.count(tallies)
            self._tell(lambda: changes.count(tallies, self._replica))

    def tallies(self, since_hour: int) -> list[Tally]:
        """The hours' counts of all replicas, oldest first."""
        return self._local.tallies(since_hour)

    # ----

    async def close(self) -> None:
        """Tell Redis what it has not heard, for at most a second, and let go of it. Blocks for that long."""
        self._finalizer()
        await self._local.close()

    def _take_back(self, is_meant: Callable[[Change], bool]) -> None:
        for change in self._outbox.cancel(is_meant):
            self._mirror.has_heard(change.hit_id)

    def _tell(self, make: Callable[[], Change]) -> bool:
        try:
            lost = self._outbox.add(make())
        except ValueError:  # a text that is no valid Unicode
            self._outbox.n_lost += 1
            return False
        for change in lost:
            self._mirror.has_heard(change.hit_id)
        return True

    def _ask(self, change: Change) -> int:
        said = change.said = Future()
        self._outbox.add(change, is_urgent=True)
        try:
            return said.result(ERASE_TIMEOUT_S if self._link.is_in_step else 0)
        except TimeoutError:
            raise StoreUnavailable(
                "the cache's Redis does not answer: erased here, and elsewhere once it is back; ask again then"
            ) from None

    def _trusted(self, entry: Entry | None) -> Entry | None:
        # what is another's may have been erased since Redis was last heard
        is_trusted = entry is None or self._link.is_in_step or entry.hit_id in self._own
        return entry if is_trusted else None

    def _forget_own(self) -> None:
        now_s = time.time()
        for hit_id in [h for h, expires_at_s in self._own.items() if expires_at_s <= now_s]:
            del self._own[hit_id]
        while len(self._own) > MAX_OWN:
            del self._own[next(iter(self._own))]


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
