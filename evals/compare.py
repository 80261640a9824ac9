"""Tiers against each other, on the rows that both answered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from stepwell.evals.intervals import holm, paired_p, rows_needed

LEVEL = 0.95

Word = Literal["better", "worse", "need more"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Tier `a` against tier `b`, on the rows that both have a score for.

    Attributes:
        difference: Quality of a less quality of b.
        p: Two-sided, exact McNemar for right/wrong and paired t else, Holm-adjusted over all pairs.
        word: a is "better", "worse", or it takes more rows to say.
        n_more: Further rows that would show a difference as large as the one seen (90 % power).
    """

    a: str
    b: str
    n_rows: int
    difference: float
    n_only_a: int
    n_only_b: int
    p: float
    word: Word
    n_more: int | None


def compare(by_tier: Mapping[str, Mapping[str, float]]) -> tuple[Pair, ...]:
    """Every pair of tiers, from each tier's score by row."""
    names = list(combinations(by_tier, 2))
    differences = [
        [score - by_tier[b][row] for row, score in by_tier[a].items() if row in by_tier[b]] for a, b in names
    ]
    ps = holm([paired_p(d) if d else 1.0 for d in differences])
    return tuple(_pair(a, b, d, p, len(names)) for (a, b), d, p in zip(names, differences, ps, strict=True))


def _pair(a: str, b: str, differences: Sequence[float], p: float, n_pairs: int) -> Pair:
    n = len(differences)
    mean = math.fsum(differences) / n if n else 0.0
    word: Word = "need more" if p > 1 - LEVEL or mean == 0 else "better" if mean > 0 else "worse"
    needed = rows_needed(differences, level=1 - (1 - LEVEL) / n_pairs) if word == "need more" else None
    return Pair(
        a=a,
        b=b,
        n_rows=n,
        difference=mean,
        n_only_a=sum(d > 0 for d in differences),
        n_only_b=sum(d < 0 for d in differences),
        p=p,
        word=word,
        n_more=max(1, needed - n) if needed is not None else None,
    )
