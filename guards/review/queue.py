"""The queue of what a policy hands to people, and what they said."""

from __future__ import annotations

import asyncio
import builtins
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from stepwell.base.config.guards import ReviewConfig
from stepwell.base.errors import ConfigError, StoreUnavailable
from stepwell.guards.review import answer_file
from stepwell.guards.review import review_file as file
from stepwell.guards.review.answer_file import HeldAnswer
from stepwell.guards.review.held import Held
from stepwell.guards.review.review import Label, Review, Said, Status
from stepwell.guards.review.review_file import FAILURES

T = TypeVar("T")


class ReviewQueue:
    """Holds texts until a person has decided; in one SQLite file, or in memory.

    An approved text passes from then on, for its tenant, stage and check; a rejected one is blocked at once. Both are
    known by a keyed hash: the text itself goes once nobody needs it any more. An answer is kept whole beside its text,
    as the next one would be another. Several processes may share a file; any thread and any event loop may call.

    Args:
        clock: Unix time.

    Raises:
        ConfigError: The file can't be opened, is not ours, or was written by a newer Stepwell.

    Every method raises StoreUnavailable where the file can't be read or written.
    """

    def __init__(self, config: ReviewConfig, *, clock: Callable[[], float] = time.time) -> None:
        self._config = config
        self._clock = clock
        self._db = file.connect(config.path)
        self._lock = threading.Lock()
        try:
            self._key = file.in_transaction(self._db, file.own_key)
        except FAILURES as e:
            self._db.close()
            raise ConfigError(
                f"{file.KIND.setting} {config.path}: can't be written: {type(e).__name__}"
            ) from e

    # ---- for the guard

    async def verdict(self, tenant: str, stage: str, check: str, text: str) -> str | None:
        """What people said of it: "waiting", "approved" or "rejected"; None where they were never asked."""

        def look(db: sqlite3.Connection) -> str | None:
            mark = file.print_of(self._key, tenant, stage, check, text)
            found = file.status_of(db, mark, since_s=self._since_s())
            return "rejected" if found == "expired" else found

        return await self._read(look)

    async def hold(self, held: Held, *, meant: str | None = None) -> str | None:
        """Its id in the queue, the same for the same text of the same tenant, stage and check.

        Args:
            held: Its text is what people see.
            meant: By what it is known, here and to `verdict`, where people see less of it; None: the text.

        Returns:
            None where as many wait as may.
        """
        known_by = held.text if meant is None else meant

        def put(db: sqlite3.Connection) -> str | None:
            mark = file.print_of(self._key, held.tenant, held.stage, held.check, known_by)
            return file.hold(db, held, mark, now_s=self._clock(), max_waiting=self._config.max_waiting)

        return await self._write(put)

    async def keep_answer(self, ask: bytes, review_id: str, answer: HeldAnswer) -> None:
        """Keep a whole answer for who asked; it goes with `ttl_s`, and where it is rejected.

        Args:
            ask: Names the request.
            review_id: Under what it waits.
        """
        most, now_s = self._config.max_waiting, self._clock()
        mark = answer_file.mark_of(self._key, ask)
        await self._write(
            lambda db: answer_file.keep(db, mark, review_id, answer, now_s=now_s, most=most), is_erasure=True
        )

    async def answer(self, ask: bytes) -> HeldAnswer | None:
        """What was kept for a request, whatever people said of it since."""
        mark = answer_file.mark_of(self._key, ask)
        return await self._read(lambda db: answer_file.find(db, mark, since_s=self._since_s()))

    async def drop_answer(self, ask: bytes) -> None:
        """It was handed out."""
        mark = answer_file.mark_of(self._key, ask)
        await self._write(lambda db: answer_file.drop(db, "ask = ?", mark), is_erasure=True)

    # ---- for people

    async def list(
        self,
        *,
        tenant: str | None = None,
        status: Status | None = None,
        limit: int = 100,
        after: str = "",
    ) -> list[Review]:
        """Reviews without their texts, the oldest first.

        Args:
            tenant: Only this one's.
            after: Only those that came later than the one of this id.
        """
        work = partial(file.listed, tenant=tenant, status=status, after=after, limit=limit)
        return await self._write(work)

    async def get(self, id: str, *, tenant: str | None = None) -> Review:
        """One review, with its text while that is kept.

        Raises:
            UnknownReview: There is none, or it is another tenant's.
        """
        return await self._write(partial(file.one, id=id, tenant=tenant))

    async def approve(
        self, id: str, *, by: str = "", note: str = "", tenant: str | None = None, overrule: bool = False
    ) -> Review:
        """Let the text pass from now on.

        Args:
            overrule: Even where it was rejected, or its time is over.

        Raises:
            UnknownReview: There is none, or it is another tenant's; ReviewDecided.
        """
        return await self._decide(id, "approved", by, note, tenant, overrule)

    async def reject(
        self, id: str, *, by: str = "", note: str = "", tenant: str | None = None, overrule: bool = False
    ) -> Review:
        """Block the text from now on. Arguments and errors as of `approve`."""
        return await self._decide(id, "rejected", by, note, tenant, overrule)

    async def labels(self, *, tenant: str | None = None) -> builtins.list[Label]:
        """Decisions as labelled texts, the oldest first; those whose text was erased are left out."""
        return await self._write(partial(file.labels, tenant=tenant))

    async def erase_texts(self, ids: Iterable[str]) -> int:
        """Erase the texts of these reviews, as once their labels are in a file; how many. Decisions stay."""
        return await self._write(partial(file.erase_texts, ids=tuple(ids)), is_erasure=True)

    async def close(self) -> None:
        """Let go of the file; what is asked from then on raises StoreUnavailable."""
        await asyncio.to_thread(self._close)

    # ---- the file

    def _since_s(self) -> float:
        return self._clock() - self._config.ttl_s

    async def _decide(
        self, id: str, said: Said, by: str, note: str, tenant: str | None, overrule: bool
    ) -> Review:
        return await self._write(
            lambda db: file.decide(
                db, id, said, by=by, note=note, overrule=overrule, tenant=tenant, now_s=self._clock()
            ),
            is_erasure=said == "rejected",
        )

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def run() -> T:
            with self._lock:
                return work(self._db)

        return await _off_loop(run)

    async def _write(self, work: Callable[[sqlite3.Connection], T], *, is_erasure: bool = False) -> T:
        """In a transaction; whose time is over goes before."""

        def run() -> T:
            with self._lock:
                expire = partial(file.expire, since_s=self._since_s(), now_s=self._clock())
                n_expired = file.in_transaction(self._db, expire)
                made = file.in_transaction(self._db, work)
                if n_expired or is_erasure:  # what was overwritten must not stay in the log beside the file
                    self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                return made

        return await _off_loop(run)

    def _close(self) -> None:
        with self._lock:
            self._db.close()


async def _off_loop(run: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(run)
    except FAILURES as e:
        raise StoreUnavailable(f"the review queue can't be used just now: {type(e).__name__}") from e
