"""Says on which days the messages kept were written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


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
    spans = _spans(at_s, max_spans)
    if len({first for _, first, _ in spans}) < 2:
        return ""
    told = [f"{_count(n, i)} {_when(first, last)}" for i, (n, first, last) in enumerate(spans[:-1])]
    _, first, last = spans[-1]
    return f"Of the messages that follow, {', '.join(told)}, all later ones {_when(first, last)}."


def _spans(at_s: Sequence[float], max_spans: int) -> list[tuple[int, str, str]]:
    """(how many, first day, last day) of runs of messages; at most `max_spans`."""
    runs: list[tuple[int, str, str]] = []
    n_unknown = 0
    for time_s in at_s:
        if not time_s:
            if runs:
                n, first, last = runs[-1]
                runs[-1] = (n + 1, first, last)
            else:
                n_unknown += 1
            continue
        today = day(time_s)
        if runs and runs[-1][1] == today:
            runs[-1] = (runs[-1][0] + 1, today, today)
        else:
            runs.append((1 + n_unknown, today, today))
            n_unknown = 0
    size = -(-len(runs) // max_spans)
    return [_joined(runs[i : i + size]) for i in range(0, len(runs), size)] if size > 1 else runs


def _joined(runs: Sequence[tuple[int, str, str]]) -> tuple[int, str, str]:
    return sum(n for n, _, _ in runs), runs[0][1], runs[-1][2]


def _count(n: int, i: int) -> str:
    return f"the {'first' if i == 0 else 'next'}{f' {n}' if n > 1 else ''}"


def _when(first: str, last: str) -> str:
    return f"on {first}" if first == last else f"from {first} to {last}"
