"""Where each sample's line stands in a journal, and its figures: what a page needs before it reads any answer."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepwell.evals.entries import Header, Outcome, read_header, read_spans
from stepwell.evals.plan import Planned
from stepwell.evals.suite import Row

MISSING, SCORED, FIRST_ERROR = 0, 1, 2
# one byte holds the state: errors past these share the last code
_MOST_ERRORS = 253


@dataclass(slots=True)
class Index:
    """Samples in columns, row by row, arm by arm, repeat by repeat: `place` says where.

    Attributes:
        header: The last one.
        ids: Rows in the suite's order; those that only the journal knows follow, by id.
        tags: Of each row.
        state: 0 not ended, 1 scored, 2.. the error `errors[state - 2]`.
        score: NaN for errors.
        nano_usd, lost_nano_usd, judge_nano_usd: Earlier tries of the sample included.
        start, length: Bytes of the sample's last line.
    """

    header: Header | None
    ids: list[str]
    tags: list[tuple[str, ...]]
    arms: tuple[str, ...]
    n_repeats: int
    errors: tuple[str, ...]
    state: array[int]
    score: array[float]
    nano_usd: array[int]
    lost_nano_usd: array[int]
    judge_nano_usd: array[int]
    ms: array[float]
    start: array[int]
    length: array[int]

    def place(self, row: int, arm: int = 0, repeat: int = 0) -> int:
        return (row * len(self.arms) + arm) * self.n_repeats + repeat

    def scores(self, arm: str) -> list[float]:
        """Mean score over repeats, by row; NaN where there is none."""
        return [_mean([self.score[n] for n in of if self.state[n] == SCORED]) for of in self._by_row(arm)]

    def costs_usd(self, arm: str) -> list[float]:
        """Mean dollars over ended repeats, by row; NaN where there is none."""
        ended = ([self.nano_usd[n] for n in of if self.state[n] != MISSING] for of in self._by_row(arm))
        return [_mean(nano_usd) / 1e9 for nano_usd in ended]

    def _by_row(self, arm: str) -> Iterator[range]:
        """The places of the arm's repeats."""
        column = self.arms.index(arm)
        firsts = (self.place(row, column) for row in range(len(self.ids)))
        return (range(first, first + self.n_repeats) for first in firsts)


def index_of(journal: str | Path, rows: Sequence[Row]) -> Index:
    """Read a journal once, without keeping its answers; arms as the journal's header orders them, then by name.

    Args:
        rows: Of the suite; may be empty. With them, only the last run on this journal counts.

    Raises:
        JournalError: The journal can't be read, or a line is damaged.
    """
    places: dict[str, int] = {}
    kinds: dict[tuple[str, ...], tuple[str, ...]] = {}
    tags = []
    for row in rows:
        places[row.id] = len(places)
        tags.append(kinds.setdefault(row.tags, row.tags))
    made = _Growing(places, tags)
    header = read_header(journal)
    keys = Planned.of(header, rows)
    made.header = header
    for item, start, length in read_spans(journal):
        if isinstance(item, Outcome) and (keys is None or item.key in keys):
            made.put(item, start, length)
    return made.ordered()


@dataclass(slots=True)
class _Column:
    """One repeat of one arm, by row."""

    state: array[int] = field(default_factory=lambda: array("B"))
    has_answer: array[int] = field(default_factory=lambda: array("B"))
    score: array[float] = field(default_factory=lambda: array("d"))
    nano_usd: array[int] = field(default_factory=lambda: array("q"))
    lost_nano_usd: array[int] = field(default_factory=lambda: array("q"))
    judge_nano_usd: array[int] = field(default_factory=lambda: array("q"))
    ms: array[float] = field(default_factory=lambda: array("f"))
    start: array[int] = field(default_factory=lambda: array("q"))
    length: array[int] = field(default_factory=lambda: array("q"))
    key: array[int] = field(default_factory=lambda: array("q"))

    def reach(self, n_rows: int) -> None:
        """Hold at least so many rows."""
        n_more = n_rows - len(self.state)
        if n_more > 0:
            for values in (self.state, self.has_answer, *(getattr(self, name) for name in _KEPT), self.key):
                values.frombytes(bytes(n_more * values.itemsize))

    def put(self, row: int, state: int, o: Outcome, start: int, length: int) -> None:
        nano_usd, lost_nano_usd, judge_nano_usd = o.nano_usd, o.lost_nano_usd, o.judge_nano_usd
        key = hash(o.key)
        # a sample that is asked again still has cost what its earlier ends did
        if self.state[row] != MISSING and self.key[row] == key:
            nano_usd += self.nano_usd[row]
            lost_nano_usd += (self.lost_nano_usd if self.has_answer[row] else self.nano_usd)[row]
            judge_nano_usd += self.judge_nano_usd[row]
        self.state[row], self.has_answer[row], self.key[row] = state, o.has_answer, key
        self.score[row], self.ms[row] = math.nan if o.score is None else o.score, o.ms
        self.nano_usd[row], self.lost_nano_usd[row] = nano_usd, lost_nano_usd
        self.judge_nano_usd[row] = judge_nano_usd
        self.start[row], self.length[row] = start, length


_KEPT = ("score", "nano_usd", "lost_nano_usd", "judge_nano_usd", "ms", "start", "length")


class _Growing:
    """Columns for the arms and repeats that turn up, and rows that were not announced."""

    def __init__(self, places: dict[str, int], tags: list[tuple[str, ...]]) -> None:
        self.header: Header | None = None
        self._places, self._tags = places, tags
        self._errors: dict[str, int] = {}
        self._columns: dict[tuple[str, int], _Column] = {}

    def put(self, o: Outcome, start: int, length: int) -> None:
        row = self._places.setdefault(o.row, len(self._places))
        column = self._columns.get((o.tier, o.repeat))
        if column is None:
            column = self._columns[o.tier, o.repeat] = _Column()
        column.reach(len(self._places))
        column.put(row, self._state(o), o, start, length)

    def _state(self, o: Outcome) -> int:
        if o.score is not None:
            return SCORED
        error = o.error or "no_score"
        return FIRST_ERROR + min(self._errors.setdefault(error, len(self._errors)), _MOST_ERRORS)

    def ordered(self) -> Index:
        """Everything in an order that does not depend on that of arrival."""
        ids, n_known = list(self._places), len(self._tags)
        rows = [*range(n_known), *sorted(range(n_known, len(ids)), key=ids.__getitem__)]
        found = {arm for arm, _ in self._columns}
        first = [arm for arm in (self.header.tiers if self.header else ()) if arm in found]
        arms = (*first, *sorted(found.difference(first)))
        n_repeats = max((repeat for _, repeat in self._columns), default=0) + 1
        columns = [
            self._columns.get((arm, repeat)) or _Column() for arm in arms for repeat in range(n_repeats)
        ]
        for column in columns:
            column.reach(len(ids))
        return Index(
            self.header,
            [ids[row] for row in rows],
            [*self._tags, *[()] * (len(rows) - n_known)],
            arms,
            n_repeats,
            tuple(sorted(self._errors)),
            array("B", map(self._renamed().__getitem__, _side_by_side("state", columns, rows))),
            **{name: _side_by_side(name, columns, rows) for name in _KEPT},
        )

    def _renamed(self) -> list[int]:
        """State as it was given -> state by the order of the errors' names."""
        names = sorted(self._errors)
        errors = [FIRST_ERROR + min(names.index(error), _MOST_ERRORS) for error in self._errors]
        return [MISSING, SCORED, *errors]


def _side_by_side(name: str, columns: Sequence[_Column], rows: Sequence[int]) -> array[Any]:
    """Row by row, one value of each column."""
    of: list[array[Any]] = [getattr(column, name) for column in columns]
    made = array(of[0].typecode if of else "B")
    made.frombytes(bytes(len(rows) * len(of) * made.itemsize))
    for n, values in enumerate(of):
        made[n :: len(of)] = array(values.typecode, map(values.__getitem__, rows))
    return made


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
