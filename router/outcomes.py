"""Replies that wait for feedback, and the outcomes that it makes of them."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import groupby
from os import PathLike, fspath

import msgspec

from stepwell.base.config import FeedbackConfig
from stepwell.base.errors import BadRequest, UnknownReply
from stepwell.base.messages import encode_json
from stepwell.base.request import ChatRequest
from stepwell.router.outcome_file import connect
from stepwell.router.outcome_notes import (
    Found,
    Note,
    Saved,
    Source,
    decode_kept,
    note_of_found,
    outcome_row,
    plain_id,
    tenant_digest,
)
from stepwell.router.outcome_writer import Job, Writer, put_outcome

_FIND = (
    "SELECT id, kept, vector, traits FROM replies WHERE (id = ?1 OR (body_id = ?1 AND body_id != '')) "
    "AND tenant = ?2 AND at_s > ?3 ORDER BY id = ?1 DESC, seq DESC LIMIT 1"
)
_GROUPED = (
    "SELECT id, tier, score, source, at_s, kept, vector, traits FROM outcomes "
    "JOIN (SELECT id AS of, min(seq) AS first FROM outcomes GROUP BY id) ON of = id "
    "WHERE ?1 IS NULL OR tenant = ?1 ORDER BY first, seq"
)


class Scored(msgspec.Struct, frozen=True):
    """One label against what the router had expected, for the drift check."""

    tier: str
    score: float
    p_ok: float | None
    need: float | None
    novelty: float | None
    at_s: float


class OutcomeStore:
    """Outcomes in one SQLite file (WAL), shared by every process that opens it.

    `remember` and `label` never wait for the disk: a thread writes them, about `linger_s` later. What was given
    less than that before a crash is lost. Tenants are kept as hashes.

    Args:
        keep_prompts: Write down what was asked; else only its vector and traits.
        max_rows: Of replies that wait, and of outcomes; the oldest go first.
        ttl_s: How long a reply waits.

    Raises:
        ConfigError: The file can't be used.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        keep_prompts: bool = False,
        max_rows: int = 100_000,
        ttl_s: float = 7 * 86_400.0,
        linger_s: float = 0.05,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = fspath(path)
        self._writer = Writer(
            self._path, keep_prompts=keep_prompts, max_rows=max_rows, ttl_s=ttl_s, linger_s=linger_s
        )
        self._ttl_s = ttl_s
        self._clock = clock
        self.close = weakref.finalize(self, self._writer.close)

    @property
    def n_lost(self) -> int:
        """Notes and labels that could not be written."""
        return self._writer.n_lost

    def remember(self, note: Note) -> None:
        """Keep a reply until its feedback comes."""
        self._writer.send(Job(note, self._clock()))

    def label(self, note: Note, score: float, *, source: Source) -> None:
        """Keep what a check, or other answers, said of a tier's answer; `note.tier` is the tier."""
        self._writer.send(Job(note, self._clock(), _checked(score), source))

    def on_label(self, request: ChatRequest, found: Found) -> None:
        """What a cascade and checks of answers call (router.cascade.run.OnLabel)."""
        self.label(note_of_found(request, found), found.score, source=found.source)

    def feedback(
        self, reply_id: str, score: float, *, tenant: str | None = None, tier: str | None = None
    ) -> str:
        """Make an outcome of a reply; gives the tier that was scored. Blocks until it is written.

        Args:
            reply_id: The request id (header x-request-id), or the `id` in the answer's body.
            score: 0 (no use) .. 1 (good).
            tenant: Whose reply it was.
            tier: Scores an answer of this tier to the same ask; without it, the one that answered.

        Raises:
            BadRequest: No score.
            UnknownReply: No such reply of this tenant, or it waited too long.
            sqlite3.Error: The file could not be written.
        """
        score, now_s, whose = _checked(score), self._clock(), tenant_digest(tenant)
        with self._writer.connection() as db:
            found = db.execute(_FIND, (plain_id(reply_id), whose, now_s - self._ttl_s)).fetchone()
            if found is None:
                raise UnknownReply(
                    "There is no such reply, or it has waited too long for feedback.", param="id"
                )
            own_id, *kept = found
            was = decode_kept(kept[0])
            tier = tier or was.tier
            source = "explore" if was.is_explored and tier == was.tier else "feedback"
            put_outcome(db, whose, own_id, tier, score, source, now_s, (kept[0], kept[1], kept[2]))
        return tier

    def rows(self, *, tenant: str | None = None) -> Iterator[dict[str, object]]:
        """Outcome rows, oldest first; of one tenant where one is named.

        Yields:
            id; prompt, or vector, embedder, traits, traits_hash; scores, and by tier out_tokens, cost_usd, p_ok where
            known; source, at_s (Unix time), n_input_tokens.
        """
        whose = None if tenant is None else tenant_digest(tenant)
        self._writer.flush()
        with closing(connect(self._path)) as db:  # one of its own: a long read holds up no feedback
            saved = (Saved(*row) for row in db.execute(_GROUPED, (whose,)))
            for _, labels in groupby(saved, key=lambda s: s.id):
                yield outcome_row(labels)

    def export(self, *, tenant: str | None = None) -> Iterator[bytes]:
        """`rows` as JSON lines, each with its line end."""
        for row in self.rows(tenant=tenant):
            yield encode_json(row) + b"\n"

    def scored(self) -> Iterator[Scored]:
        """Every label of the tier that answered, in the order in which they came."""
        with self._writer.connection() as db:
            found = db.execute("SELECT tier, score, kept, at_s FROM outcomes ORDER BY seq").fetchall()
        for tier, score, raw, at_s in found:
            kept = decode_kept(raw)
            if kept.tier == tier:
                yield Scored(tier, score, kept.p_ok, kept.need, kept.novelty, at_s)

    def ranks(self, n_last: int = 500) -> list[tuple[float | None, float | None]]:
        """(need, novelty) of the last replies that were remembered, oldest first, for the drift check."""
        with self._writer.connection() as db:
            found = db.execute("SELECT kept FROM replies ORDER BY seq DESC LIMIT ?", (n_last,)).fetchall()
        kept = [decode_kept(raw) for (raw,) in reversed(found)]
        return [(k.need, k.novelty) for k in kept]

    def n_rows(self) -> tuple[int, int]:
        """Replies that wait, and outcomes."""
        with self._writer.connection() as db:
            n_replies, n_outcomes = (
                int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
                for table in ("replies", "outcomes")
            )
        return n_replies, n_outcomes

    def erase(self, *, tenant: str | None) -> int:
        """Delete all that a tenant left; gives how many rows."""
        whose = tenant_digest(tenant)
        with self._writer.connection() as db:
            n = sum(
                db.execute(f"DELETE FROM {table} WHERE tenant = ?", (whose,)).rowcount
                for table in ("replies", "outcomes")
            )
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return n


def open_outcomes(config: FeedbackConfig) -> OutcomeStore | None:
    """The store that a configuration asks for; None where it takes no feedback."""
    if config.path is None:
        return None
    return OutcomeStore(
        config.path, keep_prompts=config.keep_prompts, max_rows=config.max_rows, ttl_s=config.ttl_s
    )


def _checked(score: float) -> float:
    if isinstance(score, bool | int | float) and 0 <= score <= 1:
        return float(score)
    raise BadRequest("score must be a number from 0 to 1", param="score")
