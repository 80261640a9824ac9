"""Who answers which row under each router, and what comes of it: means, intervals, resamples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune import sweep
from stepwell.evals.tune.measures import hull, zero_router

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MAX_POINTS = 61
Triple = tuple[float, float, float]


class Drawer:
    """Knows every tier's true score and cost on every row, so that a router is only a matter of who answers.

    What answers is an array: shape (n, k), each row's shares by tier; or (k,), the same for all rows.

    Args:
        scores, costs: Score 0..1 and USD, tiers cheapest first: shape (n, k).

    Raises:
        BadRequest: Shapes differ, or a score or cost is missing.
    """

    def __init__(self, scores: Floats, costs: Floats, *, n_resamples: int, seed: int) -> None:
        if scores.ndim != 2 or scores.shape != costs.shape or len(scores) < 2:
            raise BadRequest("scores and costs must both be two rows or more of one column a tier.")
        if np.isnan(scores).any() or np.isnan(costs).any():
            raise BadRequest("Every tier needs a score and a cost on every row.")
        self.scores, self.costs = scores, costs
        self._n_resamples, self._seed = n_resamples, seed
        cost, quality = zero_router(costs, scores)
        self.hull_costs, ys = hull(cost, quality)
        on = [
            np.flatnonzero((cost == x) & (quality == y))[0] for x, y in zip(self.hull_costs, ys, strict=True)
        ]
        self._hull_shares = np.eye(len(cost))[on]

    @property
    def mix_costs(self) -> Floats:
        """Costs at which mixes are drawn: of the tiers on the hull, and evenly between."""
        ends = self.hull_costs
        return np.unique(np.concatenate([ends, np.linspace(ends[0], ends[-1], 25)]))

    def mixed(self, cost_usd: Floats) -> list[Floats]:
        """The best mix of single tiers at each mean cost (the zero router)."""
        return list(self._mix_shares(cost_usd))

    def by_length(self, n_chars: Floats, cost_usd: Floats) -> list[Floats]:
        """The same mixes, with the dearer tiers given the longest prompts."""
        n, k = self.scores.shape
        rank = np.empty(n)
        rank[np.argsort(-n_chars, kind="stable")] = (np.arange(n) + 0.5) / n
        answers = []
        for shares in self._mix_shares(cost_usd):
            edges = np.cumsum(shares[::-1])[:-1]
            answers.append(np.eye(k)[k - 1 - np.searchsorted(edges, rank, side="right")])
        return answers

    def swept(self, p_ok: Floats, counted: Floats) -> tuple[list[Floats], list[float]]:
        """A router over all its prices of `counted` costs: who answers, and the prices; by rising true cost."""
        n, k = self.scores.shape
        tried = sweep.prices(p_ok, counted)[::-1]
        picks = [sweep.chosen(p_ok, counted, price) for price in tried]
        cost = np.array([self.costs[np.arange(n), pick].mean() for pick in picks])
        kept = sweep.spread(cost, MAX_POINTS)
        kept = kept[np.argsort(cost[kept], kind="stable")]
        return [np.eye(k)[picks[i]] for i in kept], [float(tried[i]) for i in kept]

    def quality(self, answers: Sequence[Floats]) -> Floats:
        """Score of each row under each router, shape (n, m)."""
        return np.column_stack([(self.scores * a).sum(axis=1) for a in answers])

    def cost(self, answers: Sequence[Floats]) -> Floats:
        """USD of each row under each router, shape (n, m)."""
        return np.column_stack([(self.costs * a).sum(axis=1) for a in answers])

    def shares(self, answers: Floats) -> tuple[float, ...]:
        """Share of the rows by tier."""
        return tuple(np.broadcast_to(answers, self.scores.shape).mean(axis=0).tolist())

    def resampled(self, values: Floats) -> Floats:
        """Column means over bootstrap resamples; the same ones each time, so that differences are paired."""
        return sweep.resampled_means(values, n_resamples=self._n_resamples, seed=self._seed)

    def over_mix(self, quality: Floats, cost: Floats) -> list[Triple]:
        """Mean quality above the mix at the same mean cost, and its 95 % interval, for each column."""
        ahead = quality - self.scores @ self._mix_shares(cost.mean(axis=0)).T
        low, high = sweep.interval(self.resampled(ahead))
        return list(zip(ahead.mean(axis=0).tolist(), low.tolist(), high.tolist(), strict=True))

    def _mix_shares(self, cost_usd: Floats) -> Floats:
        columns = [np.interp(cost_usd, self.hull_costs, s) for s in self._hull_shares.T]
        return np.column_stack(columns)
