"""The log of conversations in one SQLite file."""

from __future__ import annotations

import asyncio
import math
import secrets
import sqlite3
import time
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from stepwell.base.errors import StoreUnavailable
from stepwell.memory.context.log import log_reads as reads
from stepwell.memory.context.log import log_writes as writes
from stepwell.memory.context.log.log import NO_PAST, Listed, Name, NewTurn, Past, Pin, Summary
from stepwell.memory.context.log.log_file import FileReplaced, SameFile, connect
from stepwell.memory.context.log.log_writes import Refused
from stepwell.memory.context.log.names import print_of, to_bytes
from stepwell.memory.context.log.refusals import begun, check_times, erased, foreign
from stepwell.memory.reader import Reader
from stepwell.memory.writer import FAILURES, MAX_WAITING, Job, Writer

_T = TypeVar("_T")
_MAX_INLINE_ROWS = 256  # 1 ms; more are read in a thread
_MAX_INLINE_BYTES = 1 << 20
_N_TRIES = 5  # a conversation may be erased and begun anew between two statements
_CHECKPOINT = "PRAGMA wal_checkpoint(TRUNCATE)"


class SqliteLog:
    """A `ConversationLog` in one SQLite file (WAL), or in memory.

    What `append` has returned survives `kill -9` and a loss of power. Writes go to a thread of their own, which
    puts those that wait together into one commit; short reads run where they are called. Several processes may
    share a file; any thread and any event loop may call.
    """

    def __init__(self, path: str | None = None) -> None:
        """Open or make the file.

        Raises:
            ConfigError: It can't be opened, is not ours, or was written by a newer Stepwell.
        """
        connection = connect(path)
        self._file = SameFile(path)
        # long reads must not hold up the short ones
        self._short, self._long = (Reader(connection if path is None else connect(path)) for _ in range(2))
        max_waiting = math.inf if path is None else MAX_WAITING
        self._writer = Writer(connection, what="conversations", max_waiting=max_waiting)
        closers = (self._short.close, self._long.close, connection.close)
        self._flush = weakref.finalize(self, _shut, self._writer, closers)

    # ---- reading

    async def read(self, name: Name, *, after: int = -1) -> Past:
        """As ConversationLog says."""
        try:
            self._file.check()
            for _ in range(_N_TRIES):
                past = await self._read(name, max(after + 1, 0))
                if past is not None:
                    return past
        except FAILURES as e:
            raise _unavailable("read", e) from e
        raise StoreUnavailable("the conversation is erased and begun anew faster than it can be read")

    async def _read(self, name: Name, first: int) -> Past | None:
        """None where the conversation was erased under the reader's eyes."""
        head = reads.head(self._short, name)
        if head is None:
            return NO_PAST
        if head.user != print_of(name.user):
            raise foreign()
        n_rows = max(0, head.n_turns - first)
        n_bytes = n_rows * head.n_bytes // max(1, head.n_turns)
        if n_rows > _MAX_INLINE_ROWS or n_bytes > _MAX_INLINE_BYTES:
            turns = await asyncio.to_thread(reads.turns, self._long, head, first)
        else:
            turns = reads.turns(self._short, head, first)
        if len(turns) < n_rows:
            return None
        pins = reads.pins(self._short, head) if head.has_pins else ()
        return Past(head.epoch, head.n_turns, tuple(turns), pins, head.summary)

    async def list(self, *, tenant: str, user: str | None = None, limit: int = 100) -> list[Listed]:
        """As ConversationLog says."""
        listed = partial(reads.listed, self._long, tenant=tenant, user=user, limit=limit)
        try:
            self._file.check()
            return await asyncio.to_thread(listed)
        except FAILURES as e:
            raise _unavailable("read", e) from e

    # ---- writing

    async def append(
        self, name: Name, turns: Sequence[NewTurn], *, epoch: int, since_s: float | None = None
    ) -> Past:
        """As ConversationLog says; a call that is cancelled may have added all of them, or none.

        Args:
            since_s: Unix time at which they were asked: where an erasure has named the conversation since, it is not
                begun.
        """
        check_times(turns)
        asked_s = math.inf if since_s is None else since_s
        work = partial(writes.append, name=name, turns=tuple(turns), epoch=epoch, since_s=asked_s)
        return await self._ask(work)

    def keep_marks(self, name: Name, marks: Sequence[tuple[int, bytes]], *, epoch: int) -> None:
        """As ConversationLog says."""
        if marks:
            work = partial(writes.keep_marks, name=name, marks=tuple(marks), epoch=epoch)
            self._writer.send(Job(work))

    def keep_summary(self, name: Name, summary: Summary, *, epoch: int) -> None:
        """As ConversationLog says."""
        self._writer.send(Job(partial(writes.keep_summary, name=name, summary=summary, epoch=epoch)))

    async def pin(self, name: Name, text: str) -> Pin:
        """As ConversationLog says; begins the conversation where there is none yet."""
        made = Pin(secrets.token_hex(8), text)
        await self._ask(partial(writes.pin, name=name, pin=made, at_s=time.time()))
        return made

    async def unpin(self, name: Name, pin_id: str) -> bool:
        """As ConversationLog says."""
        return await self._ask(partial(writes.unpin, name=name, pin_id=to_bytes(pin_id)))

    async def erase(self, *, tenant: str, user: str | None = None, id: str | None = None) -> int:
        """As ConversationLog says.

        The file's pages are overwritten and its write-ahead log is emptied; only where another process keeps
        reading from that for seconds, it stays until it grows full.
        """
        n_gone = await self._ask(partial(writes.erase, tenant=tenant, user=user, id=id, now_s=time.time()))
        if n_gone:
            await asyncio.to_thread(self._empty_wal)
        return n_gone

    async def close(self) -> None:
        """Write what is queued and let go of the file."""
        await asyncio.to_thread(self._flush)

    # ----

    async def _ask(self, work: Callable[[sqlite3.Connection], _T | Refused]) -> _T:
        future = self._writer.ask(partial(_checked, self._file, work), is_urgent=True)
        try:
            said = await asyncio.wrap_future(future)
        except FAILURES as e:
            raise _unavailable("written", e) from e
        if isinstance(said, Refused):
            raise _REFUSALS[said]()
        return said  # type: ignore[return-value]  # the writer doesn't know what its jobs return

    def _empty_wal(self) -> None:
        try:
            self._long.all(_CHECKPOINT)
        except sqlite3.Error:
            return


_REFUSALS: dict[Refused, Callable[[], Exception]] = {
    Refused.FOREIGN: foreign,
    Refused.ERASED: erased,
    Refused.BEGUN: begun,
}


def _checked(
    file: SameFile, work: Callable[[sqlite3.Connection], object], connection: sqlite3.Connection
) -> object:
    file.check()
    return work(connection)


def _unavailable(what: str, error: Exception) -> StoreUnavailable:
    why = getattr(error, "sqlite_errorname", None) or type(error).__name__
    if isinstance(error, FileReplaced):
        why = "it was removed or replaced: start again"
    return StoreUnavailable(f"the file of conversations could not be {what} ({why})")


def _shut(writer: Writer, closers: Sequence[Callable[[], None]]) -> None:
    writer.close()
    for close in closers:
        close()
