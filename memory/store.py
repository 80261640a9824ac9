"""What a cache keeps, and what a store of it can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One cached answer.

    Attributes:
        hit_id: Names the entry; random, so that it can't be guessed.
        key: Exact key of its request.
        tenant, user: Whose request it was; "" where nobody said.
        body: The `chat.completion` as JSON.
        cost_usd: What the answer cost.
        stored_at_s, expires_at_s: Unix time. Expiry is absolute: a hit does not extend it.
        took_s: How long the answer took.
    """

    hit_id: str
    key: bytes
    tenant: str
    user: str
    body: bytes
    tier: str
    model: str
    cost_usd: float
    stored_at_s: float
    expires_at_s: float
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class VectorRow:
    """One embedded prompt.

    Attributes:
        seq: Only ever rises within a store.
        answer_id: The entry whose answer it may be served: all rows with the same one are an answer group.
        vector: float16 bytes.
    """

    seq: int
    answer_id: str
    vector: bytes
    expires_at_s: float


@dataclass(frozen=True, slots=True)
class Record:
    """How often a group's answer was judged right and wrong for a neighbour."""

    n_right: int = 0
    n_wrong: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """What the cache did in one hour: `kind` is a CacheStatus, "wrong" (reported bad) or "unsure" (no verdict)."""

    hour: int
    kind: str
    n: int
    usd: float
    s: float


class EntryStore(Protocol):
    """Answers by key or by name. The async methods are on a request's way and fail as a miss, never raise."""

    async def get(self, key: bytes, *, now_s: float) -> Entry | None: ...
    async def find(self, hit_id: str, *, now_s: float) -> Entry | None: ...
    async def put(self, entry: Entry) -> None: ...
    def remove(self, hit_id: str) -> bool:
        """Delete one entry, and every vector that is its own or leads to it."""
        ...

    def erase(self, *, tenant: str, user: str | None = None) -> int: ...


class VectorStore(Protocol):
    """Vectors: each belongs to an entry of its own, leads to the entry whose answer it shares, and goes with either."""

    async def attach(
        self,
        hit_id: str,
        *,
        answer_id: str,
        partition: bytes,
        vector: bytes,
        sketch: bytes,
        expires_at_s: float,
    ) -> bool:
        """Give an entry its vector, and lead it to an answer (its own, or a neighbour's); False where one is gone."""
        ...

    def vectors_after(self, partition: bytes, seq: int, *, now_s: float, limit: int) -> list[VectorRow]: ...

    def sketches(self, partition: bytes, seqs: Sequence[int]) -> dict[int, bytes]:
        """What the verifier kept of some rows' prompts, b"" where nothing; rows that are gone are left out, and so are
        those that lead to an answer that is. Any thread may call."""
        ...


class EvidenceStore(Protocol):
    """What was judged, and what was saved: outlives entries, holds no text."""

    def judged(self, answer_id: str, *, is_same: bool) -> None:
        """Count one verdict on a group's answer; never waits for a disk."""
        ...

    def records(self, answer_ids: Sequence[str]) -> dict[str, Record]: ...

    def note(self, judgement: bytes) -> None:
        """Add one encoded Judgement to the log; never waits for a disk."""
        ...

    def notes_after(self, seq: int, *, limit: int) -> list[tuple[int, bytes]]:
        """The log from after `seq`, oldest first: (seq, judgement)."""
        ...

    def count(self, tallies: Sequence[Tally]) -> None:
        """Add to the hours' counts; never waits for a disk."""
        ...

    def tallies(self, since_hour: int) -> list[Tally]: ...


class Store(EntryStore, VectorStore, EvidenceStore, Protocol):
    """The truth of a cache."""

    @property
    def n_lost(self) -> int:
        """Writes that failed."""
        ...

    @property
    def is_exact_only(self) -> bool:
        """True while the store can't be trusted with neighbours: Redis is down."""
        ...

    async def close(self) -> None: ...
