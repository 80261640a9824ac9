"""The vaults of conversations: from one request to the next, and across processes."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

from stepwell.base import sqlite_file
from stepwell.base.config.guards import MasksConfig
from stepwell.base.errors import ConfigError, ConversationErased, StoreUnavailable
from stepwell.guards.masks import store_file as rows
from stepwell.guards.masks.batches import FAILURES, Batch, add, read
from stepwell.guards.masks.sealing import WrongKey, new_seal, seal_from
from stepwell.guards.masks.store_file import Prints
from stepwell.guards.masks.vault import Vault

_T = TypeVar("_T")
BLOCK = 1000
"""Numbers that one request may give out of each kind before it has to ask for more."""
LEASE_S = 600.0
"""No request is being masked for longer: its numbers are free then."""
_SWEEP_EVERY_S = 60.0
_PROOF = b"stepwell masks"


class _Kept(Vault):
    """A conversation's vault.

    Attributes:
        holder: Whose its numbers are.
        n: The conversation's row; None: nothing was kept of it.
        known: Names that are kept, reserved ones included.
    """

    __slots__ = ("holder", "known", "n", "prints")

    def __init__(self, prints: Prints, more_numbers: Callable[[_Kept], range]) -> None:
        this = weakref.ref(self)

        def more() -> range:
            vault = this()
            assert vault is not None  # it asks
            return more_numbers(vault)

        super().__init__(more_numbers=more)
        self.prints = prints
        self.holder = secrets.randbits(62)
        self.n: int | None = None
        self.known: set[str] = set()

    def take_in(self, kept: Batch) -> None:
        """Know what others saved. What its own caller wrote stays what it is."""
        self.merge({n: v for n, v in kept.entries.items() if n not in self.reserved})
        self.known.update(kept.entries, kept.reserved)
        self.reserve_names(n for n in kept.reserved if n not in self.entries)

    def added(self) -> Batch:
        """What is not kept yet."""
        entries = {n: v for n, v in self.entries.items() if n not in self.known}
        return Batch(entries, sorted(self.reserved - self.known))


class MaskStore:
    """Keeps what placeholders stand for, by tenant, user and conversation: in a file, encrypted, or in memory.

    A request opens its conversation's vault, masks, and saves it before anything leaves. Vaults that are open at the
    same time give out different numbers, in other processes, too. Any thread and any event loop may call.
    """

    def __init__(self, config: MasksConfig) -> None:
        """Open or make the file.

        Raises:
            ConfigError: It can't be opened, is not ours, or the environment holds no key, or another than the file's.
        """
        self._config = config
        self._seal = new_seal() if config.path is None else seal_from(config.key_env)
        self._connection = sqlite_file.connect(config.path, rows.KIND)
        self._turn = threading.Lock()
        self._holders: dict[int, Prints] = {}
        self._left: deque[int] = deque()  # holders whose vaults are gone; their numbers are free
        self._swept_s = 0.0
        self._close = weakref.finalize(self, self._connection.close)
        try:
            self._check_key()
        except BaseException:
            self._close()
            raise

    async def open(self, tenant: str, user: str, conversation: str) -> Vault:
        """The conversation's vault; an empty one where nothing is kept (any more).

        Raises:
            StoreUnavailable: It can't be read just now.
        """
        return await asyncio.to_thread(self._open, self._prints(tenant, user, conversation))

    async def read(self, tenant: str, user: str, conversation: str) -> Vault:
        """As `open`, to put values back only: it holds no numbers, and is not saved."""
        return await asyncio.to_thread(self._view, self._prints(tenant, user, conversation))

    async def save(self, tenant: str, user: str, conversation: str, vault: Vault) -> None:
        """Keep what was added to a vault since it was opened or last saved; that survives a crash.

        Call it also where nothing was added: others may have the vault's numbers then. It may go on being used.

        Raises:
            ConversationErased: It was erased meanwhile.
            StoreUnavailable: It can't be written just now.
        """
        if not isinstance(vault, _Kept) or vault.prints != self._prints(tenant, user, conversation):
            raise ValueError("a vault is saved by the store, and under the names, by which it was opened")
        if vault.holds_numbers or not vault.added().is_empty:
            await asyncio.to_thread(self._save, vault)

    async def erase(self, tenant: str, user: str | None = None, conversation: str | None = None) -> int:
        """Erase one conversation's values, or all of a user or tenant, from the disk too; returns how many had any.

        Raises:
            StoreUnavailable: It can't be written just now.
        """
        given = {"tenant": tenant, "user": user, "id": conversation}
        names = [(column, self._seal.print_of(name)) for column, name in given.items() if name is not None]
        return await asyncio.to_thread(self._erase, names)

    async def close(self) -> None:
        """Let go of the file."""
        await asyncio.to_thread(self._shut)

    # ---- in a thread

    def _open(self, prints: Prints) -> Vault:
        vault = _Kept(prints, self._more)
        vault.hold(self._more(vault))
        self._holders[vault.holder] = prints
        weakref.finalize(vault, self._left.append, vault.holder).atexit = False
        return vault

    def _view(self, prints: Prints) -> Vault:
        kept = self._run(lambda connection: self._find(connection, prints, time.time())[1])
        return Vault(kept.entries, reserved=kept.reserved)

    def _find(self, connection: sqlite3.Connection, prints: Prints, now_s: float) -> tuple[int | None, Batch]:
        """The conversation's row, and what is kept of it."""
        row = rows.find(connection, prints, since_s=now_s - self._config.ttl_s)
        if row is None:
            return None, Batch()
        rows.touch(connection, row, now_s)
        return row.n, read(connection, row, self._seal)

    def _more(self, vault: _Kept) -> range:
        """A block for the vault, and with it all that others saved.

        Beyond the first, and after a save, it is asked for where one is masking: few texts have so many values.
        """

        def take(connection: sqlite3.Connection) -> tuple[int, int | None, Batch]:
            now_s = time.time()
            self._tidy(connection, now_s)
            block = rows.lease(connection, vault.prints, vault.holder, now_s, since_s=now_s - LEASE_S)
            return (block, *self._find(connection, vault.prints, now_s))

        block, vault.n, kept = self._run(take)
        vault.take_in(kept)
        return range(block * BLOCK + 1, (block + 1) * BLOCK + 1)

    def _save(self, vault: _Kept) -> None:
        added = vault.added()

        def write(connection: sqlite3.Connection) -> int | None:
            n_leases = rows.give_back(connection, vault.prints, vault.holder)
            if added.is_empty:
                return vault.n
            now_s = time.time()
            row = rows.find(connection, vault.prints, since_s=0.0)
            is_erased = vault.n is not None and (row is None or row.n != vault.n)
            if is_erased or (added.entries and not n_leases):
                raise ConversationErased("The conversation was erased while this request was under way.")
            if row is None:
                row = rows.begin(connection, vault.prints, now_s)
                self._sweep(connection, now_s)
            rows.touch(connection, row, now_s)
            add(connection, row, self._seal, added)
            return row.n

        vault.n = self._run(write, is_kept=not added.is_empty)
        vault.known.update(added.entries, added.reserved)
        vault.give_numbers_back()

    def _erase(self, names: list[tuple[str, bytes]]) -> int:
        n_gone = self._run(partial(rows.erase, names=names), is_kept=True)
        with self._turn:
            try:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error:  # another process reads from it; it is overwritten when it grows full
                return n_gone
        return n_gone

    def _give_back_left(self, connection: sqlite3.Connection) -> None:
        while self._left:
            holder = self._left.popleft()
            rows.give_back(connection, self._holders.pop(holder), holder)

    def _tidy(self, connection: sqlite3.Connection, now_s: float) -> None:
        self._give_back_left(connection)
        if now_s - self._swept_s >= _SWEEP_EVERY_S:
            self._sweep(connection, now_s)

    def _sweep(self, connection: sqlite3.Connection, now_s: float) -> None:
        self._swept_s = now_s
        config = self._config
        rows.sweep(connection, since_s=now_s - config.ttl_s, most=config.max_conversations)

    def _check_key(self) -> None:
        kept = self._run(partial(rows.prove, sealed=self._seal.sealed(_PROOF, _PROOF)))
        try:
            self._seal.opened(_PROOF, kept)
        except WrongKey:
            path, env = self._config.path, self._config.key_env
            raise ConfigError(f"guards.masks.path {path}: {env} holds another key than the file's") from None

    def _prints(self, tenant: str, user: str, conversation: str) -> Prints:
        return Prints(*map(self._seal.print_of, (tenant, user, conversation)))

    def _run(self, work: Callable[[sqlite3.Connection], _T], *, is_kept: bool = False) -> _T:
        """Work in a transaction of its own; `is_kept`: it survives a loss of power, too."""
        try:
            with self._turn:
                self._connection.execute(f"PRAGMA synchronous={'FULL' if is_kept else 'NORMAL'}")
                with _transaction(self._connection):
                    return work(self._connection)
        except FAILURES as e:
            why = getattr(e, "sqlite_errorname", None) or type(e).__name__
            raise StoreUnavailable(
                f"what placeholders stand for could not be read or written ({why})"
            ) from None

    def _shut(self) -> None:
        self._left = deque(self._holders)
        with suppress(StoreUnavailable):
            self._run(self._give_back_left)
        with self._turn:
            self._close()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it
            connection.execute("ROLLBACK")
        raise
