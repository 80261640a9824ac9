"""What the differences of one pair of arms say: a test, an interval, and how much they scatter."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

from stepwell.evals.verdict.clusters import cluster_error
from stepwell.evals.verdict.flips import SignFlips, least_apart
from stepwell.evals.verdict.means import mean_and_deviation
from stepwell.evals.verdict.shares import mcnemar, tango
from stepwell.evals.verdict.student import t_quantile, t_tail


@dataclass(frozen=True)
class Flips:
    """Differences of one size: rows that only a got, rows that only b got, and rows alike.

    Attributes:
        size: Of each difference; 1 for rights and wrongs.
    """

    n: int
    n_only_a: int
    n_only_b: int
    size: float = 1.0
    method = "exact McNemar"
    n_clusters = None

    @property
    def difference(self) -> float:
        return self.size * (self.n_only_a - self.n_only_b) / self.n if self.n else 0.0

    @property
    def n_apart(self) -> int:
        """Rows that differ."""
        return self.n_only_a + self.n_only_b

    @property
    def square(self) -> float:
        """Mean square of the differences by row; where none was seen, what one more row could have been."""
        return (
            self.size**2 * max(self.n_only_a + self.n_only_b, 1 / (1 + 1 / max(self.n, 1))) / max(self.n, 1)
        )

    @cached_property
    def p(self) -> float:
        """Two-sided, that there is no difference."""
        return mcnemar(self.n_only_a, self.n_only_b)

    def interval(self, level: float) -> tuple[float, float]:
        if self.size != 1 and self.n < least_apart(level):
            most = max(1.0, self.size)  # of so few that no size is known but theirs, the next may have any
            return -most, most
        return self.by_score(level)

    def by_score(self, level: float) -> tuple[float, float]:
        """Tango's interval, were no other size possible."""
        low, high = tango(self.n_only_a, self.n_only_b, self.n, level=level)
        return self.size * low, self.size * high

    def least_rows(self, level: float) -> int:
        """Rows under which no difference is shown at that level, were all that differ to one side."""
        return math.ceil(least_apart(level) * self.n / self.n_apart) if self.n_apart else 0


@dataclass(frozen=True)
class Gaps:
    """Differences of many sizes: their mean, its standard error, and Student's t, kept by sign flips where few.

    Attributes:
        limit: No difference can be larger.
    """

    n: int
    difference: float
    standard_error: float
    df: float
    limit: float
    method: str
    flips: SignFlips
    n_clusters: int | None = None

    @property
    def n_apart(self) -> int:
        """Rows, or clusters, that differ."""
        return self.flips.n_apart

    @property
    def square(self) -> float:
        """Of the differences by row; more where rows of a cluster go together."""
        return self.n * self.standard_error**2 + self.difference**2

    @property
    def t(self) -> float:
        return self.difference / self.standard_error

    @cached_property
    def p(self) -> float:
        """Two-sided, that the mean difference is 0."""
        return max(t_tail(self.t, self.df), self.flips.p)

    def interval(self, level: float) -> tuple[float, float]:
        half = t_quantile(level, self.df) * self.standard_error if level < 1 else math.inf
        low, high = self.difference - half, self.difference + half
        flipped = self.flips.interval(level)
        if flipped is not None:
            low, high = min(low, flipped[0]), max(high, flipped[1])
        if self.p > 1 - level:
            low, high = min(low, 0.0), max(high, 0.0)
        return max(-self.limit, low), min(self.limit, high)

    def least_rows(self, level: float) -> int:
        """Rows under which nothing is shown at that level, however sure it looks."""
        return math.ceil(least_apart(level) * self.n / max(1, self.n_apart))


Evidence = Flips | Gaps


def weigh(differences: Sequence[float], clusters: Sequence[Hashable] | None = None) -> Evidence:
    """Take the method that fits: exact McNemar for rights and wrongs, t for scores, CR2 where clusters repeat."""
    if clusters is not None and len(set(clusters)) < len(clusters):
        return _clustered(differences, clusters)
    sizes = {abs(d) for d in differences if d}
    if len(sizes) <= 1:
        return _flips(differences, sizes.pop() if sizes else 1.0)
    mean, deviation = mean_and_deviation(differences)
    n = len(differences)
    flips = SignFlips.of([(d, 1) for d in differences])
    return Gaps(n, mean, deviation / math.sqrt(n), n - 1, max(1.0, *sizes), "paired t", flips)


def _clustered(differences: Sequence[float], clusters: Sequence[Hashable]) -> Evidence:
    error = cluster_error(differences, clusters)
    if error.standard_error > 1e-12:
        limit = max(1.0, *(abs(d) for d in differences))
        mean = math.fsum(differences) / len(differences)
        method = f"cluster t (CR2), {error.n_clusters} clusters"
        flips = SignFlips.of(_by_cluster(differences, clusters))
        n = len(differences)
        return Gaps(n, mean, error.standard_error, error.df, limit, method, flips, error.n_clusters)
    # every cluster has the same mean: as many rows as there are clusters, each with that difference
    mean = math.fsum(differences) / len(differences)
    return _flips([mean] * error.n_clusters, abs(mean) or 1.0)


def _by_cluster(differences: Sequence[float], clusters: Sequence[Hashable]) -> list[tuple[float, int]]:
    of: dict[Hashable, list[float]] = defaultdict(list)
    for difference, cluster in zip(differences, clusters, strict=True):
        of[cluster].append(difference)
    return [(math.fsum(values), len(values)) for values in of.values()]


def _flips(differences: Sequence[float], size: float) -> Flips:
    return Flips(len(differences), sum(d > 0 for d in differences), sum(d < 0 for d in differences), size)
