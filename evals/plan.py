"""What a run has to ask: every row, on every tier, as often as wanted, each under a key of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from stepwell.evals.arms import Arm
from stepwell.evals.entries import Entry, Header
from stepwell.evals.scorers import SCORERS
from stepwell.evals.suite import Row, Suite, canonical_json

_GRADED, _SIMILARITY = "graded", "similarity"
_KEPT_BYTES = 16


@dataclass(slots=True)
class Sample:
    """One row on one tier, once.

    Attributes:
        key: Names the finished sample in the journal.
        ask: Names what is asked, whoever scores it.
        tries: How often it was asked.
        n_failed: Timeouts and 5xx in a row, of the tier or, once it has answered, of its judge.
        waited_s: How long it has been held back for an upstream so far.
        sent_s: Loop time at which it was handed out last.
        unscored: Its answer, where only the judge failed: the tier isn't asked, nor paid, again.
    """

    row: Row
    arm: Arm
    repeat: int
    key: str
    ask: str
    seed: int | None
    tries: int = 0
    n_failed: int = 0
    waited_s: float = 0.0
    sent_s: float = 0.0
    unscored: Entry | None = None

    @property
    def tier(self) -> str:
        """The arm's name."""
        return self.arm.name

    @property
    def lane(self) -> str:
        """Whom it queues for."""
        return self.arm.lane


class Column(NamedTuple):
    """An arm of a plan: its digest names it, `who` names whom it asks."""

    arm: Arm
    digest: bytes
    who: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """Every sample by its place, row by row, so that arms are asked side by side.

    Samples are made when they are asked for: a plan takes no memory.
    """

    rows: Sequence[Row]
    columns: tuple[Column, ...]
    repeats: int
    seed: int | None
    judge: str | None
    judges: Mapping[str, str]

    def __len__(self) -> int:
        return self.repeats * len(self.rows) * len(self.columns)

    def __getitem__(self, place: int) -> Sample:
        return self._of(self.rows[self.row(place)], self.repeat(place), self.columns[self._column(place)])[0]

    def __iter__(self) -> Iterator[Sample]:
        for repeat, row in product(range(self.repeats), self.rows):
            yield from self._of(row, repeat, *self.columns)

    def of_row(self, row: Row) -> Iterator[Sample]:
        """Every sample of one row."""
        for repeat in range(self.repeats):
            yield from self._of(row, repeat, *self.columns)

    def arm(self, place: int) -> Arm:
        """Whose sample it is."""
        return self.columns[self._column(place)].arm

    def row(self, place: int) -> int:
        """The place of its row among the rows."""
        return place // len(self.columns) % len(self.rows)

    def repeat(self, place: int) -> int:
        return place // (len(self.rows) * len(self.columns))

    def _column(self, place: int) -> int:
        return place % len(self.columns)

    def _of(self, row: Row, repeat: int, *columns: Column) -> list[Sample]:
        asked_seed, tail = _tail(self.seed, repeat)
        scored = _scored(row, self.judge, self.judges)
        asked = canonical_json(row.id) + row.ask_sha256
        return [
            Sample(
                row,
                arm,
                repeat,
                _sha(scored + digest + tail).hex(),
                _sha(asked + who + tail).hex()[:32],
                asked_seed,
            )
            for arm, digest, who in columns
        ]


def plan(
    suite: Suite,
    arms: Sequence[tuple[Arm, Sequence[str]]],
    *,
    repeats: int = 1,
    seed: int | None = None,
    judge: str | None = None,
    judges: Mapping[str, str] | None = None,
) -> Plan:
    """What there is to ask.

    The repeat is part of the key, so repeats are never copies of one answer; repeat k asks with seed + k.

    Args:
        arms: Each with the models behind it, which are part of the key too: another model is another answer.
        judge, judges: As of Header; part of the key of what they grade: another judge scores the same answers anew.
    """
    columns = tuple(Column(arm, arm_digest(arm, models), _sha(arm.key(models))) for arm, models in arms)
    return Plan(suite.rows, columns, repeats, seed, judge, judges or {})


@dataclass(frozen=True, slots=True)
class Planned:
    """The keys of a run's samples: of a journal that several runs wrote to, what belongs to one of them."""

    _kept: frozenset[bytes] = field(repr=False)

    @classmethod
    def of(cls, header: Header | None, rows: Sequence[Row]) -> Planned | None:
        """As `by`; None where there is too little to tell by: then all that a journal holds counts."""
        return cls.by(header, rows) if header is not None and header.arms and len(rows) else None

    @classmethod
    def by(cls, header: Header, rows: Iterable[Row]) -> Planned:
        """The samples of the run with this header, on these rows."""
        digests = [bytes.fromhex(arm.digest) for arm in header.arms]
        tails = [_tail(header.seed, repeat)[1] for repeat in range(header.n_repeats)]
        kept = set()
        for row in rows:
            scored = _scored(row, header.judge, header.judges)
            for digest, tail in product(digests, tails):
                kept.add(_sha(scored + digest + tail)[:_KEPT_BYTES])
        return cls(frozenset(kept))

    def __contains__(self, key: object) -> bool:
        try:
            return isinstance(key, str) and bytes.fromhex(key)[:_KEPT_BYTES] in self._kept
        except ValueError:
            return False

    def __len__(self) -> int:
        return len(self._kept)


def arm_digest(arm: Arm, models: Sequence[str]) -> bytes:
    """Names an arm: two of them are two columns, even where they ask the same."""
    return _sha(canonical_json(arm.name) + arm.key(models))


def judge_of(row: Row, judge: str | None) -> str | None:
    """Who has a say in a row's score beside its scorer: the tier that grades it, or "similarity"."""
    if row.scorer == _GRADED:
        own = row.options.get("judge")
        return own if isinstance(own, str) else judge
    return _SIMILARITY if row.scorer == _SIMILARITY else None


def _scored(row: Row, judge: str | None, judges: Mapping[str, str]) -> bytes:
    """All that decides a score, but for the answer."""
    scorer, by = SCORERS[row.scorer], judge_of(row, judge)
    named = [scorer.name, scorer.version, *([] if by is None else [by, judges.get(by, "")])]
    return row.sha256 + row.ask_sha256 + canonical_json(named)


def _tail(seed: int | None, repeat: int) -> tuple[int | None, bytes]:
    asked_seed = None if seed is None else seed + repeat
    return asked_seed, canonical_json([asked_seed, repeat])


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
