"""The frontier: what quality each router buys at each cost, with confidence bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune import sweep
from stepwell.evals.tune.drawer import Drawer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CurveName = Literal["router", "mix", "length", "oracle"]


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


def _points(
    drawer: Drawer,
    answers: Sequence[Floats],
    prices: Sequence[float | None] | None = None,
    *,
    compare: bool = False,
) -> tuple[Point, ...]:
    quality, cost = drawer.quality(answers), drawer.cost(answers)
    low, high = sweep.interval(drawer.resampled(quality))
    over = drawer.over_mix(quality, cost) if compare else [None] * len(answers)
    return tuple(
        Point(
            cost_usd=float(cost[:, i].mean()),
            quality=float(quality[:, i].mean()),
            low=float(low[i]),
            high=float(high[i]),
            shares=drawer.shares(answer),
            price=prices[i] if prices else None,
            over_mix=over[i],
        )
        for i, answer in enumerate(answers)
    )


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
    if scores.shape[1:] != (len(tiers),):
        raise BadRequest(f"scores must have one column for each of {', '.join(tiers)}.")
    drawer = Drawer(scores, costs, n_resamples=n_resamples, seed=seed)
    counted = sweep.shares_of_dearest(costs if expected is None else expected)
    grid = drawer.mix_costs
    curves = [
        Curve("router", _points(drawer, *drawer.swept(p_ok, counted), compare=True)),
        Curve("mix", _points(drawer, drawer.mixed(grid))),
    ]
    if n_chars is not None:
        curves.append(Curve("length", _points(drawer, drawer.by_length(n_chars, grid), compare=True)))
    curves.append(Curve("oracle", _points(drawer, *drawer.swept(scores, costs / costs.max()))))
    return Frontier(
        tiers=tuple(tiers),
        n_rows=len(scores),
        singles=_points(drawer, list(np.eye(len(tiers)))),
        curves=tuple(curves),
        floors=tuple(sorted(floors, key=lambda f: f.q)),
    )
