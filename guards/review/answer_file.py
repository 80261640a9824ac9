"""Answers that wait for people, whole, so that who asked gets the very one that was approved.

They lie sealed in the file of reviews, as its texts do (review_file.py).
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Sequence

import msgspec

from stepwell.base.sealing import NO_KEY, new_key, opened, sealed

TABLES = """
    CREATE TABLE answer_keys (n INTEGER PRIMARY KEY, key BLOB NOT NULL);
    CREATE TABLE answers (
        n INTEGER PRIMARY KEY,
        ask BLOB NOT NULL UNIQUE,
        review TEXT NOT NULL,
        kept_s REAL NOT NULL,
        sealed BLOB NOT NULL
    );
    CREATE INDEX answers_by_time ON answers (kept_s);
    CREATE INDEX answers_by_review ON answers (review);
"""


class HeldAnswer(msgspec.Struct, frozen=True):
    """An answer that a person has to look at before it goes out.

    Attributes:
        body: The `chat.completion` as its tier gave it, as JSON.
        tier, model: Who gave it.
    """

    body: bytes
    tier: str
    model: str

    def __repr__(self) -> str:
        return f"HeldAnswer({len(self.body)} bytes, {self.tier!r})"


_decode = msgspec.msgpack.Decoder(HeldAnswer).decode


def mark_of(key: bytes, ask: bytes) -> bytes:
    """Stands for a request, in the file: 32 bytes."""
    return hmac.digest(key, b"ask:" + ask, "sha256")


def keep(
    db: sqlite3.Connection, mark: bytes, review: str, answer: HeldAnswer, *, now_s: float, most: int
) -> None:
    """In the place of an older one; the oldest of more than `most` go."""
    drop(db, "ask = ?", mark)
    key = new_key()
    n = db.execute("INSERT INTO answer_keys (key) VALUES (?)", (key,)).lastrowid
    row = (n, mark, review, now_s, sealed(key, msgspec.msgpack.encode(answer)))
    db.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", row)
    n_more = db.execute("SELECT count(*) FROM answers").fetchone()[0] - most
    if n_more > 0:
        _drop(db, db.execute("SELECT n FROM answers ORDER BY n LIMIT ?", (n_more,)).fetchall())


def find(db: sqlite3.Connection, mark: bytes, *, since_s: float) -> HeldAnswer | None:
    """The one for a request, unless it was kept before `since_s`."""
    row = db.execute(
        "SELECT sealed, key FROM answers JOIN answer_keys USING (n) WHERE ask = ? AND kept_s > ?",
        (mark, since_s),
    ).fetchone()
    return None if row is None else _decode(opened(row[1], row[0]))


def drop(db: sqlite3.Connection, where: str, value: object) -> int:
    """Erase those of which that is true; how many."""
    return _drop(db, db.execute(f"SELECT n FROM answers WHERE {where}", (value,)).fetchall())


def _drop(db: sqlite3.Connection, found: Sequence[tuple[int]]) -> int:
    for (n,) in found:
        db.execute("UPDATE answer_keys SET key = ? WHERE n = ?", (NO_KEY, n))
        db.execute("DELETE FROM answers WHERE n = ?", (n,))
    return len(found)
