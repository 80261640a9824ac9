"""The promise: at least a share of the premium tier's mean quality, with confidence, at the lowest cost.

Learn then test (Angelopoulos et al., arXiv 2110.01052) in a fixed order: from all requests to the premium tier
towards cheaper routing, each step tested at full confidence, until the first that fails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune import sweep
from stepwell.evals.tune.advantage import Advantage, advantage
from stepwell.evals.tune.bounds import N_NORMAL, exceeds
from stepwell.evals.tune.mixing import Mix, mixes, routed_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

By = Literal["router", "mix", "premium"]

MIN_LEARNED = 100
# The model of all rows differs from those of the folds that were tested, and stacking flatters what is out of fold: at
# .7 of alpha what `tune` learns broke 8 of 138 promises (MMLU, 1,000 labels), at .4 2 of the 78 that were looked at
# again. It costs about a hundredth of the dearest tier's share.
_OF_ALPHA = 0.4
_N_PRICES = 400
_N_HALVINGS = 24
_LEAST_GAP = 0.05


class Promise(msgspec.Struct, frozen=True):
    """What can be promised of a policy, and how it is kept.

    Attributes:
        min_quality: Share of the premium tier's mean score that was asked for.
        confidence: One-sided.
        holds: Something cheaper than all premium keeps it.
        by: What keeps it at the lowest cost: the learned router at `price`, the fixed `mix`, or premium alone.
        price: Of p_ok - price x cost / dearest cost; only where the router keeps it.
        mix: Share of each tier, cheapest first; the best fixed mix under the same bound, whoever keeps it.
        shares: Of requests by tier as routed, cheapest first.
        cost_usd, mix_cost_usd, premium_cost_usd: Mean of one request: as routed, by the mix, by premium alone.
        quality, premium_quality: Mean scores.
        kept, kept_low: Quality as a share of the premium tier's, and its one-sided lower bound.
        advantage: Of the learned ranking over mixing at the same cost; None where no price was tested.
        n_labels: Rows with a score for every tier.
        n_labels_needed: How many would settle what these could not; None where nothing is open.
    """

    min_quality: float
    confidence: float
    holds: bool
    by: By
    price: float | None
    mix: tuple[float, ...]
    shares: tuple[float, ...]
    cost_usd: float
    mix_cost_usd: float
    premium_cost_usd: float
    quality: float
    premium_quality: float
    kept: float
    kept_low: float
    advantage: Advantage | None
    n_labels: int
    n_labels_needed: int | None = None

    @property
    def saved(self) -> float:
        """Share of the premium tier's cost."""
        return 1 - self.cost_usd / self.premium_cost_usd if self.premium_cost_usd > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Plan:
    """One way to route: what every row scores and costs, and each tier's share."""

    by: By
    scores: Floats
    cost_usd: float
    shares: tuple[float, ...]
    price: float | None = None


def keep_promise(
    p_ok: Floats,
    cost: Floats,
    scores: Floats,
    *,
    min_quality: float = 0.95,
    confidence: float = 0.95,
    mixable: Sequence[int] | None = None,
) -> Promise:
    """Find the cheapest routing that keeps the promise, or say that there is none.

    The learned router is taken only where its price passed the test, it is cheaper than the best fixed mix under
    the same test, and its advantage over mixing is resolved; else that mix; else premium alone.

    Args:
        p_ok: What the router believes of rows that training had not seen (out of fold), cheapest tier first: (n, k).
        cost: Expected USD of each tier, shape (n, k).
        scores: 0..1, shape (n, k); rows with a NaN are left out.
        mixable: Places of the tiers that a fixed mix may send to, the last among them; None: all.

    Raises:
        BadRequest: No row has every score, or min_quality or confidence is out of range.
    """
    _check(min_quality, confidence)
    whole = ~np.isnan(scores).any(axis=1)
    if not whole.any():
        raise BadRequest("No row has a score for every tier: nothing can be promised.", param="scores")
    p_ok, cost, scores = p_ok[whole], cost[whole], scores[whole]

    def passes(plan: _Plan) -> bool:
        v = plan.scores - min_quality * scores[:, -1]
        return exceeds(v, 0.0, low=-min_quality, high=1.0, alpha=_alpha(plan.by, confidence))

    mix = _last(map(_mixed(cost, scores), mixes(cost, scores, of=mixable)), passes)
    premium = _mixed(cost, scores)(_premium(scores.shape[1]))
    learned = _last(_priced(p_ok, cost, scores, premium), passes) if len(scores) >= MIN_LEARNED else premium
    shown = None
    if len(scores) >= MIN_LEARNED:
        shown = advantage(p_ok, cost, scores, price=learned.price, alpha=1 - confidence, of=mixable)
    best = _best(learned, mix, premium, shown)
    needed = None if best.by == "router" else _n_needed(scores, shown)
    return _told(best, mix, premium, scores, shown, min_quality, confidence, needed)


def kept_at_least(routed: Floats, premium: Floats, *, confidence: float = 0.95) -> float:
    """One-sided lower bound of mean(routed) as a share of mean(premium), both shape (n,)."""
    low, high = 0.0, 2.0
    for _ in range(_N_HALVINGS):
        q = (low + high) / 2
        if exceeds(routed - q * premium, 0.0, low=-q, high=1.0, alpha=1 - confidence):
            low = q
        else:
            high = q
    return low


def _alpha(by: By, confidence: float) -> float:
    return (1 - confidence) * (_OF_ALPHA if by == "router" else 1.0)


def _check(min_quality: float, confidence: float) -> None:
    if not 0 < min_quality <= 1:
        raise BadRequest(f"min_quality is a share in 0..1 of the premium tier's; got {min_quality:g}.")
    if not 0.5 <= confidence < 1:
        raise BadRequest(f"confidence lies in 0.5..1; got {confidence:g}.")


def _last(plans: Iterable[_Plan], passes: Callable[[_Plan], bool]) -> _Plan:
    """The last before the first that fails; the first, all premium, keeps every promise."""
    walk = iter(plans)
    kept = next(walk)
    for plan in walk:
        if not passes(plan):
            break
        kept = plan
    return kept


def _premium(k: int) -> Mix:
    return (*(0.0,) * (k - 1), 1.0)


def _mixed(cost: Floats, scores: Floats) -> Callable[[Mix], _Plan]:
    """A mix's row scores are what it expects: the draw adds no bias, and its noise is no part of the promise."""
    usd = cost.mean(axis=0)

    def plan(mix: Mix) -> _Plan:
        by: By = "premium" if mix == _premium(len(usd)) else "mix"
        return _Plan(by, scores @ np.array(mix), float(usd @ np.array(mix)), mix)

    return plan


def _priced(p_ok: Floats, cost: Floats, scores: Floats, premium: _Plan) -> Iterable[_Plan]:
    """All premium, then every price from 0 up."""
    yield premium
    share = sweep.shares_of_dearest(cost)
    for price in sweep.prices(p_ok, share, n=_N_PRICES):
        chosen = sweep.chosen(p_ok, share, float(price))
        shares = np.bincount(chosen, minlength=scores.shape[1]) / len(chosen)
        yield _Plan(
            "router",
            routed_by(chosen, scores),
            float(routed_by(chosen, cost).mean()),
            tuple(shares.tolist()),
            float(price),
        )


def _best(learned: _Plan, mix: _Plan, premium: _Plan, shown: Advantage | None) -> _Plan:
    is_worth_it = learned.cost_usd < min(mix.cost_usd, premium.cost_usd)
    if learned.by == "router" and is_worth_it and shown is not None and shown.is_resolved:
        return learned
    return mix if mix.cost_usd < premium.cost_usd else premium


def _n_needed(scores: Floats, shown: Advantage | None) -> int:
    """Labels that would settle whether the router is better than the mix, and whether a mix can save anything."""
    if shown is not None:
        return _rounded(max(N_NORMAL, shown.n_labels_needed, len(scores) + 1))
    gain = scores[:, -1] - scores[:, 0]
    gap = max(abs(float(gain.mean())), _LEAST_GAP)
    # a ranking of APGR .6 moves the gain by a tenth of the gap, at .29 of the gain's spread
    usual = (2.5 * 0.29 * float(gain.std()) / (0.1 * gap)) ** 2
    return _rounded(max(N_NORMAL, math.ceil(usual), len(scores) + 1))


def _rounded(n: int) -> int:
    """Two digits, rounded up: it is an estimate."""
    unit: int = 10 ** max(len(str(n)) - 2, 0)
    return -(-n // unit) * unit


def _told(
    best: _Plan,
    mix: _Plan,
    premium: _Plan,
    scores: Floats,
    shown: Advantage | None,
    min_quality: float,
    confidence: float,
    needed: int | None,
) -> Promise:
    quality, top = float(best.scores.mean()), float(scores[:, -1].mean())
    level = 1 - _alpha(best.by, confidence)
    low = 1.0 if best is premium else kept_at_least(best.scores, scores[:, -1], confidence=level)
    return Promise(
        min_quality=min_quality,
        confidence=confidence,
        holds=best.by != "premium",
        by=best.by,
        price=best.price,
        mix=mix.shares,
        shares=best.shares,
        cost_usd=best.cost_usd,
        mix_cost_usd=mix.cost_usd,
        premium_cost_usd=premium.cost_usd,
        quality=quality,
        premium_quality=top,
        kept=quality / top if top > 0 else 1.0,
        kept_low=low,
        advantage=shown,
        n_labels=len(scores),
        n_labels_needed=needed,
    )
