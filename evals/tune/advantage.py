"""Whether a learned ranking is better than chance: routed quality against mixing tiers at the same cost, paired."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.evals.tune import sweep
from stepwell.evals.tune.bounds import z_of
from stepwell.evals.tune.mixing import mix_at, routed_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_N_POINTS = 41
_POWER = 0.8
# an advantage smaller than this share of the tiers' gap is not worth labels
_LEAST = 0.04


class Advantage(msgspec.Struct, frozen=True):
    """Mean score over the best mix of single tiers at the same cost.

    Attributes:
        overall, overall_low: Mean over all operating points, and its one-sided lower bound; no point is picked,
            so that luck in picking one can't make it.
        at_price, at_price_low: At the tested price; 0 where there is none.
        is_resolved: Both lower bounds are above 0.
        n_labels_needed: How many would resolve it with 80 % power, were it what it looks like, and at least worth
            having.
    """

    overall: float
    overall_low: float
    at_price: float
    at_price_low: float
    is_resolved: bool
    n_labels_needed: int


def advantage(
    p_ok: Floats,
    cost: Floats,
    scores: Floats,
    *,
    price: float | None,
    alpha: float = 0.05,
    of: Sequence[int] | None = None,
) -> Advantage:
    """Compare with mixing, on rows that training had not seen.

    Args:
        p_ok, cost, scores: Shape (n, k), without NaN.
        price: What the promise would take; None where no price passed.
        of: Places of the tiers that may be mixed; None: all.
    """
    overall = _over_all(p_ok, cost, scores, of)
    mean, low = _below(overall, alpha)
    there = np.zeros(len(scores)) if price is None else _over_mix(p_ok, cost, scores, price, of)
    at, at_low = _below(there, alpha)
    gap = float(np.ptp(scores.mean(axis=0)))
    worth = max(mean, _LEAST * gap)
    spread = float(overall.std())
    needed = math.ceil(((z_of(alpha) + z_of(1 - _POWER)) * spread / worth) ** 2) if worth > 0 else len(scores)
    return Advantage(mean, low, at, at_low, low > 0 and at_low > 0, needed)


def _over_all(p_ok: Floats, cost: Floats, scores: Floats, of: Sequence[int] | None) -> Floats:
    """Every row's advantage, mean over prices spread evenly over cost."""
    share = sweep.shares_of_dearest(cost)
    tried = sweep.prices(p_ok, share)
    spent = np.array([routed_by(sweep.chosen(p_ok, share, p), cost).mean() for p in tried])
    kept = tried[sweep.spread(spent, _N_POINTS)]
    total = sum((_over_mix(p_ok, cost, scores, float(p), of) for p in kept), np.zeros(len(scores)))
    return np.asarray(total / len(kept))


def _over_mix(p_ok: Floats, cost: Floats, scores: Floats, price: float, of: Sequence[int] | None) -> Floats:
    chosen = sweep.chosen(p_ok, sweep.shares_of_dearest(cost), price)
    mix = mix_at(float(routed_by(chosen, cost).mean()), cost, scores, of)
    return np.asarray(routed_by(chosen, scores) - scores @ np.array(mix))


def _below(values: Floats, alpha: float) -> tuple[float, float]:
    mean = float(values.mean())
    return mean, mean - z_of(alpha) * float(values.std(ddof=1)) / math.sqrt(len(values))
