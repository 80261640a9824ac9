"""The frontier: what quality each router buys at each cost, with confidence bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune import sweep
from stepwell.evals.tune.measures import hull, zero_router

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CurveName = Literal["router", "mix", "length", "oracle"]
_MAX_POINTS = 61


class Point(msgspec.Struct, frozen=True):
    """One operating point: means over the rows.

    Attributes:
        cost_usd: Of one request.
        quality: Mean score, 0..1; `low` and `high` are its 95 % bootstrap interval.
        shares: Of requests by tier, cheapest first.
        price: At which the router gives it.
        over_mix: Quality above the best mix of single tiers at the same cost, and its paired 95 % interval.
    """

    cost_usd: float
    quality: float
    low: float
    high: float
    shares: tuple[float, ...]
    price: float | None = None
    over_mix: tuple[float, float, float] | None = None


class Curve(msgspec.Struct, frozen=True):
    """Operating points by rising cost: of the router, of mixing single tiers, of prompt length, of an oracle."""

    name: CurveName
    points: tuple[Point, ...]


class Floor(msgspec.Struct, frozen=True):
    """What keeping `q` of the premium tier's quality takes.

    Attributes:
        is_kept: The one-sided bound holds with some premium requests left out; else all go to the premium tier.
        by: What keeps it: the learned router at `price`, a fixed mix of tiers, or the premium tier alone.
        kept_low: One-sided 95 % lower bound of routed quality as a share of the premium tier's.
        saved: Share of the premium tier's cost.
    """

    q: float
    is_kept: bool
    by: Literal["router", "mix", "premium"]
    price: float | None
    quality: float
    kept_low: float
    cost_usd: float
    shares: tuple[float, ...]
    saved: float


class Frontier(msgspec.Struct, frozen=True):
    """All curves, the single tiers (cheapest first), and floors by rising q."""

    tiers: tuple[str, ...]
    n_rows: int
    singles: tuple[Point, ...]
    curves: tuple[Curve, ...]
    floors: tuple[Floor, ...] = ()

    def curve(self, name: CurveName) -> Curve | None:
        """The curve of that name, if it was drawn."""
        return next((c for c in self.curves if c.name == name), None)

    def at(self, q: float) -> Floor:
        """The lowest floor of at least `q`.

        Raises:
            BadRequest: There is none so high.
        """
        found = next((f for f in self.floors if f.q >= q - 1e-9), None)
        if found is None:
            raise BadRequest(f"The frontier has no floor of {q:g} or more.", param="q")
        return found


class _Drawer:
    """Knows the truth, so that each curve is only a matter of who answers."""

    def __init__(
        self, tiers: Sequence[str], scores: Floats, costs: Floats, n_resamples: int, seed: int
    ) -> None:
        if scores.shape != costs.shape or scores.shape[1] != len(tiers) or len(scores) < 2:
            raise BadRequest("scores and costs must have one row a question and one column a tier.")
        if np.isnan(scores).any() or np.isnan(costs).any():
            raise BadRequest("Every tier needs a score and a cost on every row.")
        self.scores, self.costs = scores, costs
        self._n_resamples, self._seed = n_resamples, seed
        self._hull_costs, self._hull_shares = _mixes(scores, costs)

    def mix_at(self, cost_usd: Floats) -> Floats:
        """Shares by tier, shape (m, k), of the best mix of single tiers at each mean cost."""
        columns = [np.interp(cost_usd, self._hull_costs, s) for s in self._hull_shares.T]
        return np.column_stack(columns)

    @property
    def hull_costs(self) -> Floats:
        """Mean costs of the single tiers on the hull, rising."""
        return self._hull_costs

    def points(
        self,
        answers: Sequence[Floats],
        at: Sequence[float | None] | None = None,
        *,
        compare: bool = False,
    ) -> tuple[Point, ...]:
        """Points of routers that give each tier a share of each row: shapes (n, k), or (k,) for the same share."""
        quality = np.column_stack([(self.scores * a).sum(axis=1) for a in answers])
        cost = np.array([(self.costs * a).sum(axis=1).mean() for a in answers])
        low, high = self._interval(quality)
        over = self._over_mix(quality, cost) if compare else [None] * len(cost)
        named = at or [None] * len(cost)
        return tuple(
            Point(
                cost_usd=float(cost[i]),
                quality=float(quality[:, i].mean()),
                low=float(low[i]),
                high=float(high[i]),
                shares=tuple(np.broadcast_to(a, self.scores.shape).mean(axis=0).tolist()),
                price=named[i],
                over_mix=over[i],
            )
            for i, a in enumerate(answers)
        )

    def _interval(self, values: Floats) -> tuple[Floats, Floats]:
        means = sweep.resampled_means(values, n_resamples=self._n_resamples, seed=self._seed)
        return sweep.interval(means)

    def _over_mix(self, quality: Floats, cost: Floats) -> list[tuple[float, float, float] | None]:
        ahead = quality - self.scores @ self.mix_at(cost).T
        low, high = self._interval(ahead)
        return list(zip(ahead.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True))


def _mixes(scores: Floats, costs: Floats) -> tuple[Floats, Floats]:
    """Mean costs of the tiers on the hull of single tiers, shape (h,), and which they are, shape (h, k)."""
    cost, quality = zero_router(costs, scores)
    xs, ys = hull(cost, quality)
    on = [int(np.flatnonzero((cost == x) & (quality == y))[0]) for x, y in zip(xs, ys, strict=True)]
    return xs, np.eye(len(cost))[on]


def _one_hot(tier: NDArray[np.intp], k: int) -> Floats:
    return np.eye(k)[tier]


def _swept(drawer: _Drawer, p_ok: Floats, counted: Floats, *, compare: bool = False) -> tuple[Point, ...]:
    """Points over all prices of `counted` costs, by rising true cost."""
    k = p_ok.shape[1]
    tried = sweep.prices(p_ok, counted)[::-1]
    picks = [sweep.chosen(p_ok, counted, price) for price in tried]
    rows = np.arange(len(p_ok))
    cost = np.array([drawer.costs[rows, pick].mean() for pick in picks])
    kept = sweep.spread(cost, _MAX_POINTS)
    kept = kept[np.argsort(cost[kept], kind="stable")]
    answers = [_one_hot(picks[i], k) for i in kept]
    return drawer.points(answers, [float(tried[i]) for i in kept], compare=compare)


def _by_length(drawer: _Drawer, n_chars: Floats, cost_usd: Floats) -> list[Floats]:
    """The mix of single tiers at each cost, with its dearer part given the longest prompts."""
    rank = (np.argsort(np.argsort(-n_chars, kind="stable"), kind="stable") + 0.5) / len(n_chars)
    answers = []
    for shares in drawer.mix_at(cost_usd):
        edges = np.cumsum(shares[::-1])[:-1]
        tier = len(shares) - 1 - np.searchsorted(edges, rank, side="right")
        answers.append(_one_hot(tier, len(shares)))
    return answers


def frontier(
    tiers: Sequence[str],
    scores: Floats,
    costs: Floats,
    p_ok: Floats,
    expected: Floats | None = None,
    *,
    n_chars: Floats | None = None,
    floors: Sequence[Floor] = (),
    n_resamples: int = 1000,
    seed: int = 0,
) -> Frontier:
    """Draw a router's frontier beside every baseline.

    Args:
        tiers: Cheapest first.
        scores, costs: What is true: score 0..1 and USD of each tier on each row, shape (n, k).
        p_ok: What the router believed of rows that it had not learned from, shape (n, k).
        expected: Costs that it expected; `costs` where it had no opinion.
        n_chars: Lengths of the prompts, for the router by length.
        floors: From the promise, to be shown with it.

    Raises:
        BadRequest: Shapes differ, or a score or cost is missing.
    """
    drawer = _Drawer(tiers, scores, costs, n_resamples, seed)
    lo, hi = drawer.hull_costs[0], drawer.hull_costs[-1]
    grid = np.unique(np.concatenate([drawer.hull_costs, np.linspace(lo, hi, 25)]))
    counted = sweep.shares_of_dearest(costs if expected is None else expected)
    curves = [
        Curve("router", _swept(drawer, p_ok, counted, compare=True)),
        Curve("mix", drawer.points(list(drawer.mix_at(grid)))),
    ]
    if n_chars is not None:
        curves.append(Curve("length", drawer.points(_by_length(drawer, n_chars, grid), compare=True)))
    curves.append(Curve("oracle", _swept(drawer, scores, costs / costs.max())))
    return Frontier(
        tiers=tuple(tiers),
        n_rows=len(scores),
        singles=drawer.points(list(np.eye(len(tiers)))),
        curves=tuple(curves),
        floors=tuple(sorted(floors, key=lambda f: f.q)),
    )
