"""Where a ledger keeps what was charged: in memory, or in a SQLite file that outlives the process."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from threading import Lock
from typing import Protocol

import msgspec

_BUSY_S = 1.0


class Charge(msgspec.Struct, frozen=True):
    """One amount on one account's day.

    Attributes:
        account: ("day",), ("tenant", name) or ("user", tenant, name).
        n_nano_usd: Added; negative gives back.
        limit_nano_usd: Most that the day may hold; None: no limit.
    """

    account: tuple[str, ...]
    n_nano_usd: int
    limit_nano_usd: int | None = None


class Full(msgspec.Struct, frozen=True):
    """The account that a charge would overdraw, and what it has left."""

    account: tuple[str, ...]
    left_nano_usd: int


class Spend(Protocol):
    """Keeps the sum of every account and day."""

    def charge(self, day: int, charges: Sequence[Charge]) -> Full | None:
        """Book all of `charges`, or none and say which account is full. Atomic."""
        ...

    def charged(self, day: int, account: tuple[str, ...]) -> int:
        """Nano-dollars booked on one account's day."""
        ...


class MemorySpend:
    """Spend of this process; the days before the newest are forgotten."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._day = 0
        self._sums: dict[tuple[str, ...], int] = {}

    def charge(self, day: int, charges: Sequence[Charge]) -> Full | None:
        with self._lock:
            if day < self._day:
                return None  # settled after midnight: that day is closed
            if day > self._day:
                self._day = day
                self._sums.clear()
            full = _first_full(charges, [self._sums.get(c.account, 0) for c in charges])
            if full is None:
                for c in charges:
                    self._sums[c.account] = self._sums.get(c.account, 0) + c.n_nano_usd
            return full

    def charged(self, day: int, account: tuple[str, ...]) -> int:
        with self._lock:
            return self._sums.get(account, 0) if day == self._day else 0


class SqliteSpend:
    """Spend in a file, shared by every process that opens it. Holds no names, only their hashes.

    Args:
        path: Made where it is not there.

    Raises:
        sqlite3.Error: From every method, where the file can't be used.
    """

    def __init__(self, path: str) -> None:
        self._lock = Lock()
        self._db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS spend (day INTEGER, account BLOB, n_nano_usd INTEGER NOT NULL, "
            "PRIMARY KEY (day, account)) WITHOUT ROWID"
        )

    def charge(self, day: int, charges: Sequence[Charge]) -> Full | None:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                full = _first_full(charges, [self._sum(day, c.account) for c in charges])
                if full is None:
                    self._db.executemany(
                        "INSERT INTO spend VALUES (?, ?, ?) ON CONFLICT (day, account) "
                        "DO UPDATE SET n_nano_usd = n_nano_usd + excluded.n_nano_usd",
                        [(day, _digest(c.account), c.n_nano_usd) for c in charges],
                    )
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
            return full

    def charged(self, day: int, account: tuple[str, ...]) -> int:
        with self._lock:
            return self._sum(day, account)

    def _sum(self, day: int, account: tuple[str, ...]) -> int:
        found = self._db.execute(
            "SELECT n_nano_usd FROM spend WHERE day = ? AND account = ?", (day, _digest(account))
        ).fetchone()
        return int(found[0]) if found is not None else 0

    def close(self) -> None:
        with self._lock:
            self._db.close()


def _first_full(charges: Sequence[Charge], sums: Sequence[int]) -> Full | None:
    for charge, held in zip(charges, sums, strict=True):
        limit = charge.limit_nano_usd
        if limit is not None and held + charge.n_nano_usd > limit:
            return Full(charge.account, max(limit - held, 0))
    return None


def _digest(account: tuple[str, ...]) -> bytes:
    return blake2b("\0".join(account).encode("utf-8", "surrogatepass"), digest_size=16).digest()
