"""What one replica knows of all: a store of its own, to which changes made elsewhere are applied."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

import msgspec

from stepwell.memory.redis import changes
from stepwell.memory.redis.outbox import Outbox
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Entry, Record, Tally

MAX_RETOLD = 10_000
Messages = list[tuple[bytes, dict[bytes, bytes]]]
Content = tuple[bytes | None, bytes | None]


class Mirror:
    """Applies messages to the local store. What another version wrote and this one can't read is left out."""

    def __init__(self, local: SqliteStore, outbox: Outbox, replica: str) -> None:
        self._local = local
        self._outbox = outbox
        self._replica = replica.encode()
        self._newest: dict[bytes, str] = {}
        self._keys: dict[str, bytes] = {}
        self._retold: dict[bytes, None] = {}

    def will_hear(self, entry: Entry) -> None:
        """Until its own word comes back, an entry put here is newer than what others say of its key."""
        self._newest[entry.key] = entry.hit_id
        self._keys[entry.hit_id] = entry.key

    def has_heard(self, hit_id: str) -> None:
        """From now on others' word counts again; also where its own will never come."""
        key = self._keys.pop(hit_id, None)
        if key is not None and self._newest.get(key) == hit_id:
            self._newest.pop(key, None)

    def was_refused(self, entry: Entry) -> None:
        """Redis did not take it: erased meanwhile, or expired."""
        self.has_heard(entry.hit_id)
        self._local.drop_soon([entry.hit_id])

    def is_own(self, message: dict[bytes, bytes]) -> bool:
        """True where this replica said it: it has made the change already, and nobody another of the same vector."""
        if message.get(b"b") != self._replica:
            return False
        return message.get(b"o") != b"v" or message[b"i"] not in self._retold

    def begin(self) -> None:
        """Forget what Redis is about to tell anew; keep what it has not heard yet."""
        self._local.wipe()
        for hit_id in list(self._keys):
            self.has_heard(hit_id)
        for change in self._outbox.waiting():
            if change.entry is not None:
                self.will_hear(change.entry)
                self._local.put_soon(change.entry, is_heir=False)
            if change.attachment is not None:
                self._local.attach_soon(change.attachment)

    def put(self, raw: bytes) -> None:
        try:
            entry = changes.read_entry(raw)
        except msgspec.DecodeError:
            return
        if entry.key not in self._newest:
            self._local.put_soon(entry, is_heir=False)

    def attach(self, raw: bytes, leads_to: bytes | None = None) -> Future[object] | None:
        """Give an entry its vector.

        Args:
            leads_to: The answer, where a newer entry took the place of the one that the vector was told with.
        """
        try:
            row = changes.read_attachment(raw)
        except msgspec.DecodeError:
            return None
        return self._local.attach_soon(row if leads_to is None else replace(row, answer_id=leads_to.decode()))

    def add_record(self, answer_id: str, record: Record) -> None:
        self._local.add_record(answer_id, record)

    def count(self, tallies: Sequence[Tally]) -> None:
        self._local.count(tallies)

    def take_notes(self, notes: Messages) -> None:
        """Add what others judged to the local log."""
        for _, message in notes:
            if not self.is_own(message):
                self._local.note(message[b"d"])

    def apply(self, log: Messages, contents: list[Content]) -> None:
        """Make changes in order; afterwards what is gone is served no more.

        Args:
            contents: For each message, the entry or vector that it is about, and what a vector leads to; None where
                there is none.
        """
        dropped: list[Future[object]] = []
        for (_, message), content in zip(log, contents, strict=True):
            kind = message[b"o"]
            if kind == b"x":
                dropped.append(self._local.drop_soon(message[b"i"].decode().split(" ")))
            elif self.is_own(message):
                self.has_heard(message.get(b"i", b"").decode())
            else:
                self._apply(kind, message, content)
        for future in dropped:
            future.result()

    def _apply(self, kind: bytes, message: dict[bytes, bytes], found: Content) -> None:
        content, leads_to = found
        if kind == b"p" and content is not None:
            self.put(content)
        elif kind == b"v" and content is not None:
            self._retold[message[b"i"]] = None
            if len(self._retold) > MAX_RETOLD:
                del self._retold[next(iter(self._retold))]
            self.attach(content, leads_to)
        elif kind == b"j":
            is_same = message[b"d"] == b"r"
            self.add_record(message[b"i"].decode(), Record(int(is_same), int(not is_same)))
        elif kind == b"k":
            right, _, wrong = message[b"d"].partition(b" ")
            self.add_record(message[b"i"].decode(), Record(int(right), int(wrong)))
        elif kind == b"c":
            self.count(_tallies(message[b"d"]))
        elif kind == b"z":
            self._erase(message[b"d"])

    def _erase(self, raw: bytes) -> None:
        try:
            e = changes.read_erasure(raw)
        except msgspec.DecodeError:
            return
        for change in self._outbox.cancel(e.covers):
            self.has_heard(change.hit_id)
        self._local.erase_all(e.is_of, until_s=e.until_s)


def _tallies(raw: bytes) -> tuple[Tally, ...]:
    try:
        return changes.read_tallies(raw)
    except msgspec.DecodeError:
        return ()
