"""What one replica has to tell Redis: each a script's call, with what is needed to take it back."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import msgspec

from stepwell.memory.redis import keys, scripts
from stepwell.memory.sqlite_writes import Attachment
from stepwell.memory.store import Entry, Tally

encode = msgspec.msgpack.Encoder().encode
read_entry = msgspec.msgpack.Decoder(Entry).decode
read_attachment = msgspec.msgpack.Decoder(Attachment).decode
read_tallies = msgspec.msgpack.Decoder(tuple[Tally, ...]).decode


@dataclass(slots=True, eq=False)
class Change:
    """One call of a script.

    Attributes:
        entry, attachment: What it puts.
        hit_id: The entry that it is about.
        said: Gets Redis' answer, where somebody waits for it.
    """

    script: str
    keys: tuple[str, ...]
    args: tuple[str | bytes | int | float, ...]
    entry: Entry | None = None
    attachment: Attachment | None = None
    hit_id: str = ""
    is_cancelled: bool = False
    said: Future[int] | None = None

    def __post_init__(self) -> None:
        """Raises UnicodeEncodeError here, and not in the thread that sends."""
        for text in (*self.keys, *self.args):
            if isinstance(text, str):
                text.encode()

    @property
    def n_bytes(self) -> int:
        return 500 + sum(len(a) for a in self.args if isinstance(a, bytes))


class Erasure(msgspec.Struct, frozen=True, array_like=True):
    """Who is erased, as replicas hear it: the log outlives what it tells of, so it holds marks, no names.

    Attributes:
        tenant, user: Marks (keys.mark).
        until_s: Unix time.
    """

    tenant: str
    user: str | None
    until_s: float

    @classmethod
    def of(cls, tenant: str, user: str | None, until_s: float) -> Erasure:
        """Of what a tenant, or one user of theirs, left until then."""
        return cls(keys.mark(tenant), None if user is None else keys.mark(user), until_s)

    def is_of(self, tenant: str, user: str) -> bool:
        """True where these names are meant."""
        return keys.mark(tenant) == self.tenant and (self.user is None or keys.mark(user) == self.user)

    def covers(self, change: Change) -> bool:
        """True where a change brings in what is to be erased."""
        entry = change.entry
        return (
            entry is not None and entry.stored_at_s <= self.until_s and self.is_of(entry.tenant, entry.user)
        )


read_erasure = msgspec.msgpack.Decoder(Erasure).decode


def put(entry: Entry, max_entries: int, replica: str) -> Change:
    names = (
        keys.entry(entry.hit_id),
        keys.exact(entry.key),
        keys.tenant(entry.tenant),
        keys.erased(entry.tenant),
        keys.erased(entry.tenant, entry.user),
    )
    times_ms = (int(entry.stored_at_s * 1000), int(entry.expires_at_s * 1000))
    args = (entry.hit_id, encode(entry), keys.mark(entry.user), *times_ms, max_entries, replica)
    return Change(scripts.PUT, names, args, entry=entry, hit_id=entry.hit_id)


def attach(row: Attachment, replica: str) -> Change:
    names = (keys.entry(row.hit_id), keys.entry(row.answer_id), keys.leads(row.answer_id))
    args = (row.hit_id, encode(row), replica, row.answer_id)
    return Change(scripts.ATTACH, names, args, attachment=row, hit_id=row.hit_id)


def remove(hit_id: str) -> Change:
    return Change(scripts.REMOVE, (), (hit_id,))


def erase(erasure: Erasure, replica: str) -> Change:
    names = (keys.marked_tenant(erasure.tenant), keys.marked_erased(erasure.tenant, erasure.user))
    return Change(
        scripts.ERASE,
        names,
        (erasure.user or "", math.ceil(erasure.until_s * 1000), replica, encode(erasure)),
    )


def judged(answer_id: str, is_same: bool, replica: str) -> Change:
    args = (answer_id, "r" if is_same else "w", replica)
    return Change(scripts.JUDGED, (_once(), keys.entry(answer_id)), args)


def note(judgement: bytes, replica: str) -> Change:
    return Change(scripts.NOTE, (_once(),), (judgement, replica))


def count(tallies: Sequence[Tally], replica: str) -> Change:
    sums: list[str | float] = []
    for t in tallies:
        sums += [f"{t.hour}:{t.kind}:n", t.n, f"{t.hour}:{t.kind}:usd", t.usd, f"{t.hour}:{t.kind}:s", t.s]
    return Change(scripts.COUNT, (_once(),), (replica, encode(tuple(tallies)), *sums))


def _once() -> str:
    return keys.done(secrets.token_hex(12))
