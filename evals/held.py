"""A journal in memory, without its answers."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stepwell.evals.ends import Ends
from stepwell.evals.entries import Compared, Header, Outcome, Planted, read_header, read_lines
from stepwell.evals.plan import Planned
from stepwell.evals.suite import Row


@dataclass(slots=True)
class Held:
    """A journal without its answers.

    Attributes:
        ends: How samples ended, the last end of each key.
        planted, compared: The last line of each key.
        asked_nano_usd: What answers and their grades did cost, those of samples that don't count too.
    """

    header: Header | None = None
    ends: Ends = field(default_factory=Ends)
    planted: dict[str, Planted] = field(default_factory=dict)
    compared: dict[str, Compared] = field(default_factory=dict)
    asked_nano_usd: int = 0

    @property
    def judge_nano_usd(self) -> int:
        """What the judge cost beside the samples."""
        planted = sum(line.nano_usd for line in self.planted.values())
        return planted + sum(line.nano_usd for line in self.compared.values())

    @property
    def spent_nano_usd(self) -> int:
        """All that was paid for what the journal holds, whichever of its lines count: answers and judges."""
        return self.asked_nano_usd + self.judge_nano_usd


def read_held(path: str | Path, *, keys: Container[str] | None = None) -> Held:
    """Read all of a journal but the answers.

    Args:
        keys: Of the samples that count; default: all.

    Raises:
        JournalError: It can't be read, or a line other than a torn last one is damaged.
    """
    held = Held()
    for item, _ in read_lines(path):
        if isinstance(item, Outcome):
            held.asked_nano_usd += item.judge_nano_usd + (0 if item.is_copy else item.nano_usd)
            if keys is None or item.key in keys:
                held.ends.put(item)
        elif isinstance(item, Header):
            held.header = item
        elif isinstance(item, Planted):
            held.planted[item.key] = item
        else:
            held.compared[item.key] = item
    return held


def read_run(path: str | Path, rows: Sequence[Row]) -> Held:
    """Read what a journal holds of its last run.

    Args:
        rows: That it asked; without any, all that the journal holds is read.

    Raises:
        JournalError: As `read_held`.
    """
    return read_held(path, keys=Planned.of(read_header(path), rows))
