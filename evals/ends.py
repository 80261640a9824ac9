"""How samples ended, in columns: a fifth of the memory that objects take, for journals are long."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, Self, TypeVar

from stepwell.evals.entries import Outcome, is_unscored

_DIGEST_BYTES = 16
Number = TypeVar("Number", int, float)


class Scored(NamedTuple):
    """One score."""

    tier: str
    row: str
    score: float


class Ends:
    """Outcomes by place, in the order in which their keys came; NaN stands for None.

    Attributes:
        names: What `tier`, `error` and `served` are numbers of; "" for None.
        rows: What `row` is a number of.
        parts: By place, where there are any.
    """

    def __init__(self) -> None:
        self.names, self.rows = _Numbered([""]), _Numbered([])
        self.parts: dict[int, dict[str, float]] = {}
        self._places: dict[bytes, int] = {}
        self._asks = bytearray()
        self.row, self.tier, self.repeat, self.error, self.served = (array("I") for _ in range(5))
        self.score, self.ms, self.ttft_ms = (array("d") for _ in range(3))
        self.nano_usd, self.lost_nano_usd, self.judge_nano_usd = (array("q") for _ in range(3))
        self.in_tokens, self.out_tokens = (array("q") for _ in range(2))
        self.is_degraded = array("B")
        self._columns: tuple[array[Any], ...] = (
            self.row,
            self.tier,
            self.repeat,
            self.error,
            self.served,
            self.score,
            self.ms,
            self.ttft_ms,
            self.nano_usd,
            self.lost_nano_usd,
            self.judge_nano_usd,
            self.in_tokens,
            self.out_tokens,
            self.is_degraded,
        )

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Self:
        """These outcomes, whatever their keys."""
        ends = cls()
        for o in outcomes:
            ends.add(o)
        return ends

    def __len__(self) -> int:
        return len(self.row)

    def add(self, o: Outcome) -> None:
        """One more."""
        if o.parts:
            self.parts[len(self)] = o.parts
        for column, value in zip(self._columns, self._values(o), strict=True):
            column.append(value)

    def put(self, o: Outcome) -> None:
        """The last end of its key; what the earlier ones cost is part of it."""
        n = self._places.setdefault(_digest(o.key), len(self))
        if n == len(self):
            self.add(o)
            self._asks += _digest(o.ask)
        else:
            self._put_again(n, o)

    def _put_again(self, n: int, o: Outcome) -> None:
        lost = self.lost_nano_usd[n] if self.has_answer(n) else self.nano_usd[n]
        before = (self.nano_usd[n], lost, self.judge_nano_usd[n])
        for column, value in zip(self._columns, self._values(o), strict=True):
            column[n] = value
        self.parts.pop(n, None)
        if o.parts:
            self.parts[n] = o.parts
        self._asks[n * _DIGEST_BYTES : (n + 1) * _DIGEST_BYTES] = _digest(o.ask)
        self.nano_usd[n] += before[0]
        self.lost_nano_usd[n] += before[1]
        self.judge_nano_usd[n] += before[2]

    def _values(self, o: Outcome) -> tuple[float, ...]:
        name = self.names.number
        return (
            self.rows.number(o.row),
            name(o.tier),
            o.repeat,
            name(o.error or ""),
            name(o.served or ""),
            math.nan if o.score is None else o.score,
            o.ms,
            math.nan if o.ttft_ms is None else o.ttft_ms,
            o.nano_usd,
            o.lost_nano_usd,
            o.judge_nano_usd,
            o.in_tokens,
            o.out_tokens,
            o.is_degraded,
        )

    def is_scored(self, n: int) -> bool:
        return not math.isnan(self.score[n])

    def has_answer(self, n: int) -> bool:
        return self.is_scored(n) or is_unscored(self.names[self.error[n]])

    def is_key_scored(self, key: str) -> bool:
        """Whether the sample of this key ended with a score."""
        n = self._places.get(_digest(key))
        return n is not None and self.is_scored(n)

    def answered(self) -> dict[bytes, int]:
        """What was asked and answered (`ask_digest`) -> the place of the last one."""
        return {self._ask(n): n for n in range(len(self)) if self.has_answer(n)}

    def cost_of(self, key: str) -> tuple[int, int]:
        """What the sample of this key cost, and how much of it went to failed tries."""
        n = self._places[_digest(key)]
        return self.nano_usd[n], self.lost_nano_usd[n]

    def _ask(self, n: int) -> bytes:
        return bytes(self._asks[n * _DIGEST_BYTES : (n + 1) * _DIGEST_BYTES])

    def scores(self) -> Iterator[Scored]:
        """Every score there is."""
        for n in range(len(self)):
            if self.is_scored(n):
                yield Scored(self.names[self.tier[n]], self.rows[self.row[n]], self.score[n])

    def by_arm(self) -> dict[str, ArmEnds]:
        """By arm, in the order of names, all that it has."""
        found: dict[str, array[int]] = {}
        for n, tier in enumerate(self.tier):
            found.setdefault(self.names[tier], array("I")).append(n)
        return {name: ArmEnds(self, self._by_row(found[name])) for name in sorted(found)}

    def _by_row(self, places: Iterable[int]) -> array[int]:
        """By row, then by repeat, then as they came."""
        row, rows = self.row, self.rows
        in_order = sorted(places, key=self.repeat.__getitem__)
        in_order.sort(key=lambda n: rows[row[n]])
        return array("I", in_order)


@dataclass(frozen=True, slots=True)
class ArmEnds:
    """The ends of one arm, by row and repeat.

    Attributes:
        places: In the columns of `all`.
    """

    all: Ends
    places: Sequence[int]

    def __len__(self) -> int:
        return len(self.places)

    def values(self, column: array[Number]) -> Iterator[Number]:
        return map(column.__getitem__, self.places)

    def counted(self, column: array[int]) -> dict[str, int]:
        """How often each name is there, in the order of names."""
        counts = Counter(self.values(column))
        return dict(sorted((self.all.names[n], count) for n, count in counts.items() if n))

    def rows(self) -> Iterator[str]:
        return (self.all.rows[n] for n in self.values(self.all.row))

    def scored(self) -> ArmEnds:
        return ArmEnds(self.all, array("I", filter(self.all.is_scored, self.places)))

    def each_once(self) -> ArmEnds:
        """The last of each row and repeat."""
        kept, row, repeat = array("I"), self.all.row, self.all.repeat
        for n in self.places:
            if kept and (row[kept[-1]], repeat[kept[-1]]) == (row[n], repeat[n]):
                kept[-1] = n
            else:
                kept.append(n)
        return ArmEnds(self.all, kept)


class _Numbered:
    """Names, each once, by number."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._numbers = {name: n for n, name in enumerate(names)}

    def number(self, name: str) -> int:
        n = self._numbers.setdefault(name, len(self._names))
        if n == len(self._names):
            self._names.append(name)
        return n

    def __getitem__(self, n: int) -> str:
        return self._names[n]


def ask_digest(ask: str) -> bytes:
    """What `Ends.answered` calls it."""
    return _digest(ask)


def _digest(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=_DIGEST_BYTES).digest()
