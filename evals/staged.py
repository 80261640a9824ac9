"""A run in stages: rows in one shuffled order, and a look at the verdict after each stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from stepwell.evals.entries import Header
from stepwell.evals.suite import drawn_at
from stepwell.evals.verdict.looks import Looks


def looks_of(header: Header) -> Looks | None:
    """The looks that a run was started with; None: it looks once, at its end."""
    return Looks(header.n_rows, header.n_looks) if header.n_looks and header.n_rows else None


def order_of(row_ids: Iterable[str], seed: int | None) -> list[str]:
    """Rows in the order they are asked: by their names alone, so a run taken up again keeps to it."""
    return sorted(row_ids, key=lambda row: drawn_at(row, seed or 0))


def stages_of(order: Sequence[str], looks: Looks) -> list[frozenset[str]]:
    """The rows up to the first look, from there to the second, and so on."""
    ends = looks.at
    return [frozenset(order[start:end]) for start, end in zip((0, *ends), ends, strict=False)]


def ended_rows(header: Header, by_arm: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """By arm, the rows of which every repeat ended, with a score or without.

    Args:
        by_arm: The row of each sample that ended.
    """
    n_repeats = max(1, header.n_planned // max(1, header.n_rows * len(header.tiers)))
    counted = {arm: Counter(rows) for arm, rows in by_arm.items()}
    return {arm: {row for row, n in rows.items() if n >= n_repeats} for arm, rows in counted.items()}
