"""When a run looks at what it has, and what each look may cost."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from stepwell.evals.verdict.spending import SpendingName, spending

_LEAST = 15  # rows: intervals of runs that stop on fewer hold too seldom (measured)


@dataclass(frozen=True, slots=True)
class Looks:
    """The plan of looks; set before the first row is asked, and never changed after.

    Attributes:
        n_planned: Rows in all, in their fixed order.
        n_looks: At most.
        first: Rows at the first look, or a fifth of all where that is fewer (15 at least); from there on looks grow
            by a constant factor, since a large difference shows early and a small one late. None: equal distances.
        level: 1 less the chance of a false "better" or "worse" in the whole run.
        spend: How that chance is spread over the looks. Measured on real pairs, "early" took the fewest rows.
    """

    n_planned: int
    n_looks: int = 20
    first: int | None = 30
    level: float = 0.95
    spend: SpendingName = "early"

    def __post_init__(self) -> None:
        if self.n_planned < 1 or self.n_looks < 1 or (self.first is not None and self.first < 1):
            raise ValueError("looks need at least one row, and one look")

    @property
    def at(self) -> tuple[int, ...]:
        """Rows at each look, rising; the last is all of them."""
        n, k = self.n_planned, self.n_looks
        if self.first is None or k == 1:
            rows = {round(n * i / k) for i in range(1, k + 1)}
        else:
            first = min(self.first, max(_LEAST, n // 5), n)
            rows = {round(first * (n / first) ** (i / (k - 1))) for i in range(k)}
        return tuple(sorted(rows - {0} | {n}))

    def shares(self) -> tuple[float, ...]:
        """Of the planned rows, at each look."""
        return tuple(n / self.n_planned for n in self.at)

    def spent(self, alpha: float) -> tuple[float, ...]:
        """Of `alpha`, by each look."""
        by_share = spending(self.spend, alpha)
        return tuple(by_share(share) for share in self.shares())

    def n_reached(self, n_rows: int) -> int:
        """Looks that so many rows are enough for."""
        return bisect_right(self.at, n_rows)
