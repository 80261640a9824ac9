"""The SQLite file of reviews: its tables, and what is done in one transaction.

A text lies sealed under a key of its own (base.sealing), which is overwritten in place once the text has done its
duty. What stays is a keyed hash of it (HMAC-SHA256, RFC 2104), by which the same text is known again.
"""

from __future__ import annotations

import hmac
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from stepwell.base import sqlite_file
from stepwell.base.errors import ReviewDecided, UnknownReview
from stepwell.base.sealing import NO_KEY, new_key, opened, sealed
from stepwell.base.sqlite_file import FileKind
from stepwell.guards.review import answer_file
from stepwell.guards.review.held import Held
from stepwell.guards.review.review import Label, Review, Said, Status

T = TypeVar("T")
# a text that is no valid Unicode and a number out of range are no sqlite3.Error
FAILURES = (sqlite3.Error, ValueError, OverflowError)
_OWN_KEY = 0  # of the hashes; keys of texts have their review's number
_TABLES = """
    CREATE TABLE keys (n INTEGER PRIMARY KEY, key BLOB NOT NULL);
    CREATE TABLE reviews (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        print BLOB NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        stage TEXT NOT NULL,
        check_name TEXT NOT NULL,
        kinds TEXT NOT NULL,
        score REAL NOT NULL,
        policy TEXT NOT NULL,
        status TEXT NOT NULL,
        held_s REAL NOT NULL,
        n_sent INTEGER NOT NULL,
        text BLOB,
        by TEXT NOT NULL,
        note TEXT NOT NULL,
        decided_s REAL
    );
    CREATE INDEX reviews_by_status ON reviews (status, held_s);
    CREATE INDEX reviews_by_tenant ON reviews (tenant, seq);
"""
KIND = FileKind(
    "guards.review.path", "a review queue", 0x53745752, (_TABLES, answer_file.TABLES), synchronous="FULL"
)  # "StWR"

_COLUMNS = (
    "id, tenant, stage, check_name, kinds, score, policy, status, held_s, n_sent, by, note, decided_s, text, "
    "(SELECT key FROM keys WHERE n = seq)"
)
_PUT = (
    "INSERT INTO reviews (id, print, tenant, stage, check_name, kinds, score, policy, held_s, "
    "status, n_sent, by, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 1, '', '')"
)
_DECIDE = "UPDATE reviews SET status = ?, by = ?, note = ?, decided_s = ? WHERE id = ?"
_LIST = (
    f"SELECT {_COLUMNS} FROM reviews WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR status = ?2) "
    "AND seq > coalesce((SELECT seq FROM reviews WHERE id = ?3), 0) ORDER BY seq LIMIT ?4"
)
_LABELS = (
    f"SELECT {_COLUMNS} FROM reviews WHERE status IN ('approved', 'rejected') AND text IS NOT NULL "
    "AND (?1 IS NULL OR tenant = ?1) ORDER BY decided_s, seq"
)


def connect(path: str | None) -> sqlite3.Connection:
    """Open or make the file; None opens one in memory.

    Raises:
        ConfigError: It can't be opened, is not ours, or was written by a newer Stepwell.
    """
    return sqlite_file.connect(path, KIND)


def own_key(db: sqlite3.Connection) -> bytes:
    """The key of the file's hashes, 32 bytes; made by whoever opens it first."""
    db.execute("INSERT OR IGNORE INTO keys (n, key) VALUES (?, ?)", (_OWN_KEY, new_key()))
    return bytes(db.execute("SELECT key FROM keys WHERE n = ?", (_OWN_KEY,)).fetchone()[0])


def print_of(key: bytes, tenant: str, stage: str, check: str, text: str) -> bytes:
    """By what the same text of the same tenant, stage and check is known again: 32 bytes."""
    made = hmac.new(key, digestmod="sha256")
    for part in (tenant, stage, check, text):
        raw = _bytes(part)
        made.update(len(raw).to_bytes(8, "big") + raw)
    return made.digest()


def in_transaction(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """All of the work, or none of it; what it raises is raised."""
    db.execute("BEGIN IMMEDIATE")
    try:
        made = work(db)
        db.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # a disk that fails may fail here, too
            if db.in_transaction:
                db.execute("ROLLBACK")
        raise
    return made


def status_of(db: sqlite3.Connection, mark: bytes, *, since_s: float) -> Status | None:
    """What became of a text; None where it was never held. Args: since_s: What came before has expired."""
    row = db.execute("SELECT status, held_s FROM reviews WHERE print = ?", (mark,)).fetchone()
    if row is None:
        return None
    status: Status = row[0]
    return "expired" if status == "waiting" and row[1] <= since_s else status


def hold(db: sqlite3.Connection, held: Held, mark: bytes, *, now_s: float, max_waiting: int) -> str | None:
    """The id under which it waits, or was decided; None where too many wait."""
    found = db.execute("SELECT id FROM reviews WHERE print = ?", (mark,)).fetchone()
    if found is not None:
        db.execute("UPDATE reviews SET n_sent = n_sent + 1 WHERE print = ?", (mark,))
        return str(found[0])
    n = db.execute("SELECT count(*) FROM reviews WHERE status = 'waiting'").fetchone()[0]
    if n >= max_waiting:
        return None
    id = f"rev_{secrets.token_hex(12)}"
    kinds = msgspec.json.encode(held.kinds).decode()
    row = (id, mark, held.tenant, held.stage, held.check, kinds, held.score, held.policy, now_s)
    seq, key = db.execute(_PUT, row).lastrowid, new_key()
    db.execute("INSERT INTO keys (n, key) VALUES (?, ?)", (seq, key))
    db.execute("UPDATE reviews SET text = ? WHERE seq = ?", (sealed(key, _bytes(held.text)), seq))
    return id


def expire(db: sqlite3.Connection, *, since_s: float, now_s: float) -> int:
    """What came before `since_s` and waits counts as rejected, and its text goes; how many."""
    rows = db.execute("SELECT id FROM reviews WHERE status = 'waiting' AND held_s <= ?", (since_s,))
    ids = [id for (id,) in rows.fetchall()]
    for id in ids:
        db.execute(_DECIDE, ("expired", "", "", now_s, id))
    return erase_texts(db, ids) + answer_file.drop(db, "kept_s <= ?", since_s)


def decide(
    db: sqlite3.Connection,
    id: str,
    said: Said,
    *,
    by: str,
    note: str,
    overrule: bool,
    tenant: str | None,
    now_s: float,
) -> Review:
    """Raises:
    UnknownReview, ReviewDecided
    """
    review = one(db, id, tenant)
    if review.status == said:
        return review
    if review.status != "waiting" and not overrule:
        raise ReviewDecided(f"It is {review.status}: overrule that, or leave it.", param="id")
    db.execute(_DECIDE, (said, by, note, now_s, id))
    if said == "rejected":
        answer_file.drop(db, "review = ?", id)
    return one(db, id, tenant)


def one(db: sqlite3.Connection, id: str, tenant: str | None) -> Review:
    """Raises:
    UnknownReview
    """
    row = db.execute(f"SELECT {_COLUMNS} FROM reviews WHERE id = ?", (id,)).fetchone()
    if row is None or tenant not in (None, row[1]):
        raise UnknownReview("The queue has nothing of yours with that id.", param="id")
    return _review(row)


def listed(
    db: sqlite3.Connection, *, tenant: str | None, status: Status | None, after: str, limit: int
) -> list[Review]:
    """Without their texts, the oldest first."""
    rows = db.execute(_LIST, (tenant, status, after, limit)).fetchall()
    return [_review(row, is_listed=True) for row in rows]


def labels(db: sqlite3.Connection, tenant: str | None) -> list[Label]:
    """Of all decisions whose texts are still here, the oldest first."""
    found = (_review(row) for row in db.execute(_LABELS, (tenant,)).fetchall())
    return [
        Label(r.text or "", int(r.status == "rejected"), r.check, r.stage, r.decided_s or 0.0, r.id)
        for r in found
    ]


def erase_texts(db: sqlite3.Connection, ids: Iterable[str]) -> int:
    """Overwrite the keys of texts, and let go of these; how many."""
    n = 0
    for id in ids:
        found = db.execute("SELECT seq FROM reviews WHERE id = ? AND text IS NOT NULL", (id,)).fetchone()
        if found is not None:
            db.execute("UPDATE keys SET key = ? WHERE n = ?", (NO_KEY, found[0]))
            n += db.execute("UPDATE reviews SET text = NULL WHERE seq = ?", found).rowcount
    return n


def _review(row: Sequence[Any], *, is_listed: bool = False) -> Review:
    id, tenant, stage, check, kinds, score, policy, status, held_s, n_sent, by, note, decided_s, text, key = (
        row
    )
    shown = None if text is None or is_listed else opened(key, text).decode("utf-8", "replace")
    kinds = msgspec.json.decode(kinds, type=tuple[str, ...])
    return Review(
        id, tenant, stage, check, kinds, score, policy, status, held_s, n_sent, shown, by, note, decided_s
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
