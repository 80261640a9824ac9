"""Says on which days the messages kept were written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

_DAY_S = 86_400


def day(at_s: float) -> str:
    """The day of a Unix time, in UTC: "8 May 2023"."""
    when = datetime.fromtimestamp(at_s, UTC)
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def dates(at_s: Sequence[float], *, max_spans: int) -> str:
    """A line that says on which days messages were written; "" where they are of one day, or no day is known.

    A message whose time is unknown counts as said with the one before it. The line stays the same while messages
    of the last day are added. Many days are told by their first and last.

    Args:
        at_s: Unix time of each message, in order; 0 where unknown.
        max_spans: Most days, or runs of days, that the line names.
    """
    runs = _runs(at_s)
    if len({number for _, number in runs}) < 2:
        return ""
    size = max(-(-len(runs) // max_spans), 1)
    spans = [_Span.of(runs[i : i + size]) for i in range(0, len(runs), size)]
    told = [
        f"the {'first' if i == 0 else 'next'}{span.count} {span.when}" for i, span in enumerate(spans[:-1])
    ]
    return f"Of the messages that follow, {', '.join(told)}, all later ones {spans[-1].when}."


def _runs(at_s: Sequence[float]) -> list[tuple[int, int]]:
    """(how many, which day) of messages in a row that are of one day."""
    runs: list[tuple[int, int]] = []
    n = 0  # since the last run ended
    for time_s in at_s:
        number = int(time_s // _DAY_S) if time_s else None
        if runs and number in (None, runs[-1][1]):
            runs[-1] = (runs[-1][0] + 1, runs[-1][1])
        elif number is None:
            n += 1
        else:
            runs.append((n + 1, number))
            n = 0
    return runs


@dataclass(frozen=True, slots=True)
class _Span:
    n: int
    first: int
    last: int

    @classmethod
    def of(cls, runs: Sequence[tuple[int, int]]) -> _Span:
        return cls(sum(n for n, _ in runs), runs[0][1], runs[-1][1])

    @property
    def count(self) -> str:
        return f" {self.n}" if self.n > 1 else ""

    @property
    def when(self) -> str:
        first, last = day(self.first * _DAY_S), day(self.last * _DAY_S)
        return f"on {first}" if first == last else f"from {first} to {last}"
