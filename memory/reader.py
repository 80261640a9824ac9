"""Reads from one SQLite connection, one at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from typing import Any


class Reader:
    """Runs one statement to its end before the next. Any thread may call.

    Two that overlap on one connection share a snapshot: with enough threads it would never end, and show what was
    erased since.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def one(self, sql: str, values: Sequence[object]) -> tuple[Any, ...] | None:
        """The first row.

        Raises:
            One of writer.FAILURES.
        """
        with self._lock:
            rows = self._connection.execute(sql, values).fetchmany(2)
            return rows[0] if rows else None

    def all(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows.

        Raises:
            One of writer.FAILURES.
        """
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        with self._lock:
            self._connection.close()
