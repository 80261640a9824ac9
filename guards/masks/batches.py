"""What is kept of a conversation: a sealed batch of each request that added to it."""

from __future__ import annotations

import sqlite3

import msgspec

from stepwell.guards.masks import store_file as rows
from stepwell.guards.masks.sealing import Seal, WrongKey
from stepwell.guards.masks.store_file import Row

FAILURES = (sqlite3.Error, WrongKey, msgspec.DecodeError)
MOST = 32
"""More of them become one."""


class Batch(msgspec.Struct, frozen=True):
    """Values by the names of their placeholders, and names that stand for none."""

    entries: dict[str, str] = {}
    reserved: list[str] = []

    @property
    def is_empty(self) -> bool:
        return not self.entries and not self.reserved

    def __repr__(self) -> str:
        return f"Batch({len(self.entries)} values)"


_decode = msgspec.json.Decoder(Batch).decode


def add(connection: sqlite3.Connection, row: Row, seal: Seal, batch: Batch) -> None:
    """Keep one more."""
    rows.add_batch(connection, row, seal.sealed(row.salt, msgspec.json.encode(batch)))


def read(connection: sqlite3.Connection, row: Row, seal: Seal) -> Batch:
    """All of them in one.

    Raises:
        WrongKey, msgspec.DecodeError: The file was tampered with.
    """
    entries: dict[str, str] = {}
    reserved: set[str] = set()
    kept = rows.batches(connection, row)
    for sealed in kept:
        batch = _decode(seal.opened(row.salt, sealed))
        entries |= batch.entries
        reserved.update(batch.reserved)
    # of two requests at once, one gave it out while the other's caller wrote it
    whole = Batch(entries, sorted(reserved - entries.keys()))
    if len(kept) > MOST:
        rows.drop_batches(connection, row)
        add(connection, row, seal, whole)
    return whole
