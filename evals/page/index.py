"""Where each sample's line stands in a journal, and its figures: what a page needs before it reads any answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from stepwell.evals.entries import Header, JournalError, Outcome
from stepwell.evals.suite import Row

MISSING, SCORED, FIRST_ERROR = 0, 1, 2


@dataclass(slots=True)
class Index:
    """Samples as arrays of shape (rows, arms, repeats).

    Attributes:
        header: The last one.
        ids: Rows in the suite's order; those that only the journal knows follow, by id.
        tags: Of each row.
        state: 0 not ended, 1 scored, 2.. the error `errors[state - 2]`.
        nano_usd, lost_nano_usd, judge_nano_usd: Earlier tries of the sample included.
        start, length: Bytes of the sample's last line.
    """

    header: Header | None
    ids: list[str]
    tags: list[tuple[str, ...]]
    arms: tuple[str, ...]
    errors: tuple[str, ...]
    state: NDArray[np.uint8]
    score: NDArray[np.float32]
    nano_usd: NDArray[np.int64]
    lost_nano_usd: NDArray[np.int64]
    judge_nano_usd: NDArray[np.int64]
    ms: NDArray[np.float32]
    start: NDArray[np.int64]
    length: NDArray[np.int32]

    @property
    def n_repeats(self) -> int:
        return int(self.state.shape[2])

    def scores(self) -> NDArray[np.float64]:
        """Mean score over repeats, shape (rows, arms); NaN where there is none."""
        return _mean_of(self.score, self.state == SCORED)

    def costs_usd(self) -> NDArray[np.float64]:
        """Mean dollars over ended repeats, shape (rows, arms); NaN where there is none."""
        return _mean_of(self.nano_usd, self.state != MISSING) / 1e9


def index_of(journal: str | Path, rows: Iterable[Row]) -> Index:
    """Read a journal once, without keeping its answers; arms as the journal's header orders them, then by name.

    Args:
        rows: Of the suite; may be empty.

    Raises:
        JournalError: The journal can't be read, or a line is damaged.
    """
    known = [(row.id, row.tags) for row in rows]
    made = _Growing({id_: n for n, (id_, _) in enumerate(known)})
    for line, start, n in _lines(journal):
        made.take(_item(line, journal, n), start, len(line))
    return made.ordered([tags for _, tags in known])


class _Growing:
    """Arrays that grow as rows, arms and repeats turn up that were not announced."""

    def __init__(self, places: dict[str, int]) -> None:
        self.header: Header | None = None
        self.places = places
        self.columns: dict[str, int] = {}
        self.n_known = len(places)
        self.errors: dict[str, int] = {}
        self.cells = np.zeros((max(len(places), 1), 1, 1), dtype=_CELL)

    def take(self, item: Header | Outcome | None, start: int, length: int) -> None:
        if isinstance(item, Header):
            self.header = item
        elif item is not None:
            self._put(item, start, length)

    def _put(self, o: Outcome, start: int, length: int) -> None:
        at = self._place(o)
        key = int(o.key[:15], 16) if len(o.key) == 64 else hash(o.key)
        cell = self.cells[at]
        spent = (o.nano_usd, o.lost_nano_usd, o.judge_nano_usd)
        # a sample that is asked again still has cost what its earlier ends did
        if cell["state"] != MISSING and cell["key"] == key:
            lost = int(cell["lost_nano_usd"] if cell["has_answer"] else cell["nano_usd"])
            spent = (
                o.nano_usd + int(cell["nano_usd"]),
                o.lost_nano_usd + lost,
                o.judge_nano_usd + int(cell["judge_nano_usd"]),
            )
        score = np.nan if o.score is None else o.score
        self.cells[at] = (self._state(o), o.has_answer, score, *spent, o.ms, start, length, key)

    def _state(self, o: Outcome) -> int:
        if o.score is not None:
            return SCORED
        error = o.error or "no_score"
        # one byte holds the state: what is past it shares the last code
        return min(FIRST_ERROR + self.errors.setdefault(error, len(self.errors)), 255)

    def _place(self, o: Outcome) -> tuple[int, int, int]:
        at = (
            self.places.setdefault(o.row, len(self.places)),
            self.columns.setdefault(o.tier, len(self.columns)),
            o.repeat,
        )
        shape = self.cells.shape
        if any(i >= n for i, n in zip(at, shape, strict=True)):
            # by doubling: rows that the suite does not name come one by one
            grown = np.zeros(
                [n if i < n else max(i + 1, 2 * n) for i, n in zip(at, shape, strict=True)], dtype=_CELL
            )
            grown[: shape[0], : shape[1], : shape[2]] = self.cells
            self.cells = grown
        return at

    def ordered(self, tags: list[tuple[str, ...]]) -> Index:
        """Everything in an order that does not depend on that of arrival."""
        ids = list(self.places)
        rows = [*range(self.n_known), *sorted(range(self.n_known, len(ids)), key=ids.__getitem__)]
        first = self.header.tiers if self.header else ()
        names = [*(t for t in first if t in self.columns), *sorted(self.columns.keys() - set(first))]
        arms = [self.columns[name] for name in names]
        asked = np.flatnonzero((self.cells["state"] != MISSING).any(axis=(0, 1)))
        n_repeats = int(asked.max(initial=0)) + 1
        cells = self.cells[rows][:, arms][:, :, :n_repeats]
        errors = sorted(self.errors)
        renamed = np.arange(256, dtype=np.uint8)
        for error, n in self.errors.items():
            if FIRST_ERROR + n < 256:
                renamed[FIRST_ERROR + n] = min(FIRST_ERROR + errors.index(error), 255)
        return Index(
            self.header,
            [ids[r] for r in rows],
            [*tags, *[()] * (len(rows) - len(tags))],
            tuple(names),
            tuple(errors),
            renamed[cells["state"]],
            **{name: np.ascontiguousarray(cells[name]) for name in _KEPT},
        )


_CELL = np.dtype(
    [
        ("state", np.uint8),
        ("has_answer", np.bool_),
        ("score", np.float32),
        ("nano_usd", np.int64),
        ("lost_nano_usd", np.int64),
        ("judge_nano_usd", np.int64),
        ("ms", np.float32),
        ("start", np.int64),
        ("length", np.int32),
        ("key", np.int64),
    ]
)
_KEPT = ("score", "nano_usd", "lost_nano_usd", "judge_nano_usd", "ms", "start", "length")


class _Planted(msgspec.Struct, tag_field="t", tag="c"):
    """No sample: passed over."""


class _Compared(msgspec.Struct, tag_field="t", tag="p"):
    """No sample: passed over."""


_decode = msgspec.json.Decoder(Header | Outcome | _Planted | _Compared).decode


def _item(line: bytes, journal: str | Path, n: int) -> Header | Outcome | None:
    try:
        item = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise JournalError(f"{journal}, line {n}: damaged; delete that line to go on without it") from None
    return item if isinstance(item, Header | Outcome) else None


def _lines(journal: str | Path) -> Iterator[tuple[bytes, int, int]]:
    """Each line, its first byte and its number."""
    start = 0
    try:
        with open(journal, "rb") as file:
            for n, line in enumerate(file, start=1):
                if line.endswith(b"\n") and line.strip():
                    yield line, start, n
                start += len(line)
    except OSError as e:
        raise JournalError(f"{journal}: {e.strerror}") from e


def _mean_of(values: NDArray[Any], counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    n = counts.sum(axis=2)
    total = np.where(counts, values, 0).astype(np.float64).sum(axis=2)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)
