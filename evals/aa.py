"""What verdicts are worth on outcomes that are there: arms that are the same, intervals, and rows to a verdict."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from stepwell.evals.verdict.fixed import compare
from stepwell.evals.verdict.looks import Looks
from stepwell.evals.verdict.means import mean_and_deviation
from stepwell.evals.verdict.needed import POWER, rows_to_show
from stepwell.evals.verdict.pair import Pair
from stepwell.evals.verdict.sequential import look
from stepwell.evals.verdict.student import normal_quantile, z_of


@dataclass(frozen=True, slots=True)
class Matches:
    """Two arms' scores on the same rows, and the clusters that the rows come from."""

    of_a: Sequence[float]
    of_b: Sequence[float]
    clusters: Sequence[str] | None = None

    @property
    def difference(self) -> float:
        return fmean(self.of_a) - fmean(self.of_b)


@dataclass(frozen=True, slots=True)
class Draw:
    """Rows drawn anew; `truth` is the difference between the arms that they were drawn from."""

    of_a: Sequence[float]
    of_b: Sequence[float]
    clusters: Sequence[str] | None
    truth: float


@dataclass(frozen=True, slots=True)
class Tally:
    """How verdicts on many draws went.

    Attributes:
        design: How rows were drawn.
        how: "fixed", all rows at once, or "looks", on the way.
        n_planned: Rows of each draw.
        false_share: Better or worse where there is no difference, or the wrong one of the two where there is.
        cover_share: Intervals that hold the truth.
        found_share: Better or worse, as it is.
        rows: Asked until the verdict, of each draw.
    """

    design: str
    how: str
    n_planned: int
    n_draws: int
    truth: float
    false_share: float
    cover_share: float
    found_share: float
    rows: tuple[int, ...]

    @property
    def mean_rows(self) -> float:
        return fmean(self.rows)

    @property
    def median_rows(self) -> float:
        return median(self.rows)

    @property
    def p90_rows(self) -> int:
        return sorted(self.rows)[math.ceil(0.9 * len(self.rows)) - 1]


def swapped(matches: Matches, n: int, rng: random.Random) -> Draw:
    """Rows with replacement, the two arms of each swapped by a coin: there is no difference."""
    a, b = [], []
    for i in _rows(matches, n, rng):
        x, y = matches.of_a[i], matches.of_b[i]
        keep = rng.random() < 0.5
        a.append(x if keep else y)
        b.append(y if keep else x)
    return Draw(a, b, None, 0.0)


def halves(matches: Matches, n: int, rng: random.Random) -> Draw:
    """Arm a against itself on other rows: there is no difference, and nothing to pair."""
    of_a = matches.of_a
    return Draw(
        [of_a[i] for i in _rows(matches, n, rng)], [of_a[i] for i in _rows(matches, n, rng)], None, 0.0
    )


def as_they_are(matches: Matches, n: int, rng: random.Random) -> Draw:
    """Rows with replacement: the difference is that of all rows."""
    rows = _rows(matches, n, rng)
    return Draw([matches.of_a[i] for i in rows], [matches.of_b[i] for i in rows], None, matches.difference)


def by_cluster(matches: Matches, n: int, rng: random.Random, *, n_each: int = 10) -> Draw:
    """Clusters by their size, with replacement, and rows of each: the difference is that of all rows."""
    rows, names = _clustered_rows(matches, n, rng, n_each)
    return Draw([matches.of_a[i] for i in rows], [matches.of_b[i] for i in rows], names, matches.difference)


def by_cluster_swapped(matches: Matches, n: int, rng: random.Random, *, n_each: int = 10) -> Draw:
    """As `by_cluster`, the arms of whole clusters swapped by a coin: there is no difference."""
    rows, names = _clustered_rows(matches, n, rng, n_each)
    keep: dict[str, bool] = defaultdict(lambda: rng.random() < 0.5)
    pairs = [
        (matches.of_a[i], matches.of_b[i]) if keep[c] else (matches.of_b[i], matches.of_a[i])
        for i, c in zip(rows, names, strict=True)
    ]
    return Draw([x for x, _ in pairs], [y for _, y in pairs], names, 0.0)


DESIGNS: Mapping[str, Callable[[Matches, int, random.Random], Draw]] = {
    "arms swapped": swapped,
    "one arm twice": halves,
    "as they are": as_they_are,
    "clusters swapped": by_cluster_swapped,
    "clusters": by_cluster,
}


def tally(
    matches: Matches,
    design: str,
    *,
    n: int,
    n_draws: int,
    seed: int = 0,
    looks: Looks | None = None,
    on_draw: Callable[[], None] = lambda: None,
) -> Tally:
    """Draw n rows again and again and judge them: at once, or by `looks` on the way."""
    rng = random.Random(f"{seed} {design} {n}")
    truth, n_false, n_cover, n_found, rows = 0.0, 0, 0, 0, []
    for _ in range(n_draws):
        draw = DESIGNS[design](matches, n, rng)
        pair = _judged(draw, looks)
        truth = draw.truth
        found = pair.word in ("better", "worse")
        n_found += found
        n_false += found and (pair.difference > 0) != (truth > 0) if truth else found
        n_cover += pair.low - 1e-9 <= truth <= pair.high + 1e-9
        rows.append(pair.n_rows)
        on_draw()
    return Tally(
        design=design,
        how="fixed" if looks is None else "looks",
        n_planned=n,
        n_draws=n_draws,
        truth=truth,
        false_share=n_false / n_draws,
        cover_share=n_cover / n_draws,
        found_share=n_found / n_draws,
        rows=tuple(rows),
    )


def rows_unpaired(matches: Matches, *, level: float = 0.95, power: float = POWER) -> int:
    """Rows of each arm that two samples apart would take to show this difference."""
    spread = mean_and_deviation(matches.of_a)[1] ** 2 + mean_and_deviation(matches.of_b)[1] ** 2
    return math.ceil((z_of(level) + normal_quantile(power)) ** 2 * spread / matches.difference**2)


def rows_paired(matches: Matches, *, level: float = 0.95, power: float = POWER) -> int:
    """Rows that show it where both arms are asked the same ones, at once."""
    gaps = [x - y for x, y in zip(matches.of_a, matches.of_b, strict=True)]
    return rows_to_show(matches.difference, fmean(g * g for g in gaps), level=level, power=power)


def _rows(matches: Matches, n: int, rng: random.Random) -> list[int]:
    return rng.choices(range(len(matches.of_a)), k=n)


def _clustered_rows(matches: Matches, n: int, rng: random.Random, n_each: int) -> tuple[list[int], list[str]]:
    if matches.clusters is None:
        raise ValueError("the rows have no clusters")
    by_name: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(matches.clusters):
        by_name[name].append(i)
    rows: list[int] = []
    names: list[str] = []
    # the same cluster drawn twice is two clusters, as a new one that happens to be alike would be
    for k, first in enumerate(_rows(matches, max(2, n // n_each), rng)):
        rows += rng.choices(by_name[matches.clusters[first]], k=n_each)
        names += [str(k)] * n_each
    order = rng.sample(range(len(rows)), len(rows))  # runs ask rows shuffled, not source by source
    return [rows[i] for i in order], [names[i] for i in order]


def _judged(draw: Draw, looks: Looks | None) -> Pair:
    order = [str(i) for i in range(len(draw.of_a))]
    by_arm = {
        "a": dict(zip(order, draw.of_a, strict=True)),
        "b": dict(zip(order, draw.of_b, strict=True)),
    }
    clusters = None if draw.clusters is None else dict(zip(order, draw.clusters, strict=True))
    pairs = (
        compare(by_arm, clusters=clusters) if looks is None else look(by_arm, order, looks, clusters=clusters)
    )
    return pairs[0]


def designs_of(matches: Matches) -> Iterator[str]:
    """Those that these rows can be drawn by."""
    has_clusters = matches.clusters is not None and 1 < len(set(matches.clusters)) < len(matches.clusters)
    return (name for name in DESIGNS if has_clusters or not name.startswith("clusters"))
