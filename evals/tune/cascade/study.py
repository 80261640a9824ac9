"""Whether a cascade pays on given rows: every call counted, against asking one tier or mixing tiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.evals.tune.cascade.rows import Compared
from stepwell.evals.tune.measures import apgr, cpt, hull
from stepwell.router.cascade.plan import Prior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MIN_AGREEMENT = 0.4


class Point(msgspec.Struct, frozen=True):
    """One cut of the need: what it keeps of the strong tier's quality and what it saves of its cost."""

    cut: float
    quality: float
    cost_usd: float
    kept: float
    saved: float
    strong_share: float


class Study(msgspec.Struct, frozen=True):
    """What cascades come to on rows whose answers compare.

    Attributes:
        agreement: Share of rows where two opinions agree; `precision`: how many of those answers are right.
        apgr, low, high: Of need, with a 95 % bootstrap interval.
        advantage, advantage_low: Quality above mixing single tiers at the same cost (mean over all cuts), and its
            one-sided 95 % bound.
        pays: The bound is above 0.
        why: The verdict in plain words.
    """

    n_rows: int
    agreement: float
    precision: float
    apgr: float
    low: float
    high: float
    cpt50: float
    cpt80: float
    advantage: float
    advantage_low: float
    pays: bool
    why: str
    points: tuple[Point, ...]

    def cheapest(self, kept: float) -> Point | None:
        """The cut that saves most and keeps this share of the strong tier's quality; None: no cut does."""
        able = [p for p in self.points if p.kept >= kept]
        return max(able, key=lambda p: p.saved, default=None)


def study(
    rows: Compared,
    need: Floats,
    cost_usd: Floats,
    *,
    pre_need: Floats | None = None,
    n_cuts: int = 60,
    n_resamples: int = 400,
    seed: int = 0,
) -> Study:
    """Measure one cascade.

    Args:
        need: Of each row after its cheap answers, on rows not learnt on (`cross_fitted`), shape (n,).
        cost_usd: Of each opinion in order and of the strong tier, shape (n, k + 1).
        pre_need: Of each row before anything is asked, 0..1: the hardest rows then go to the strong tier straight
            away, where that saves the opinions (arXiv 2605.06350).
    """
    weak, strong = rows.scores[:, 0], rows.scores[:, -1]
    outcomes = [_outcome(rows, need, cost_usd, cut, pre_need) for cut in _cuts(need, n_cuts)]
    points = tuple(_point(cut, s, c, e, strong, cost_usd[:, -1]) for cut, s, c, e in outcomes)
    rng = np.random.default_rng(seed)
    means, apgrs = [], []
    quality, paid = np.stack([s for _, s, _, _ in outcomes]), np.stack([c for _, _, c, _ in outcomes])
    for _ in range(n_resamples):
        at = rng.integers(0, len(rows), len(rows))
        means.append(_advantage(quality[:, at], paid[:, at], rows.scores[at], cost_usd[at]))
        apgrs.append(apgr(need[at], weak[at], strong[at]))
    low, high = np.nanpercentile(apgrs, [2.5, 97.5])
    bound = float(np.percentile(means, 5))
    agreed = rows.served >= 0
    return Study(
        n_rows=len(rows),
        agreement=float(agreed.mean()),
        precision=float(rows.served_scores[agreed].mean()) if agreed.any() else 0.0,
        apgr=apgr(need, weak, strong),
        low=float(low),
        high=float(high),
        cpt50=cpt(need, weak, strong, pgr=0.5),
        cpt80=cpt(need, weak, strong, pgr=0.8),
        advantage=_advantage(quality, paid, rows.scores, cost_usd),
        advantage_low=bound,
        pays=bound > 0,
        why=_verdict(bound, float(agreed.mean())),
        points=points,
    )


def prior_of(rows: Compared, *, pays: bool | None = None) -> Prior:
    """How the first two opinions agree on these rows, for `plan_cascade`.

    Args:
        pays: What a study said; without one, agreement in 40 % of the rows is asked for.
    """
    a, b, strong = rows.scores[:, 0], rows.scores[:, 1], rows.scores[:, -1]
    both = np.array([o[0].answer is not None and o[0].answer == o[1].answer for o in rows.opinions])
    spread = float(np.sqrt(a.var() * b.var()))
    wrong = (a < 0.5) & (b < 0.5)
    return Prior(
        correlation=float(np.clip(((a * b).mean() - a.mean() * b.mean()) / spread, 0, 1)) if spread else 0.0,
        same_error=float(both[wrong].mean()) if wrong.any() else 0.0,
        lift=float(strong[both].mean() - strong.mean()) if both.any() else 0.0,
        pays=bool(both.mean() >= _MIN_AGREEMENT) if pays is None else pays,
    )


def _cuts(need: Floats, n_cuts: int) -> Sequence[float]:
    """From accepting nothing to accepting whatever two agree on, and then whatever the first says."""
    inner = np.unique(np.quantile(need, np.linspace(0, 1, n_cuts)))
    return [float(need.min()) - 1, *map(float, inner)]


def _outcome(
    rows: Compared, need: Floats, cost_usd: Floats, cut: float, pre_need: Floats | None
) -> tuple[float, Floats, Floats, NDArray[np.bool_]]:
    """Score and dollars of each row, and which rows ask the strong tier."""
    skips = np.zeros(len(rows), bool) if pre_need is None else pre_need > cut
    escalates = (need > cut) | skips
    score = np.where(escalates, rows.scores[:, -1], rows.served_scores)
    cheap_usd = np.where(skips, 0.0, cost_usd[:, :-1].sum(axis=1))
    return cut, score, cheap_usd + np.where(escalates, cost_usd[:, -1], 0.0), escalates


def _point(
    cut: float, score: Floats, paid: Floats, escalates: NDArray[np.bool_], strong: Floats, strong_usd: Floats
) -> Point:
    quality, cost = float(score.mean()), float(paid.mean())
    return Point(
        cut=cut,
        quality=quality,
        cost_usd=cost,
        kept=quality / max(float(strong.mean()), 1e-9),
        saved=1 - cost / max(float(strong_usd.mean()), 1e-12),
        strong_share=float(escalates.mean()),
    )


def _advantage(quality: Floats, paid: Floats, scores: Floats, cost_usd: Floats) -> float:
    """Mean height of the cascade's cuts above the hull of single tiers, over the costs where both can be had."""
    xs, ys = hull(cost_usd.mean(axis=0), scores.mean(axis=0))
    cost, mean = paid.mean(axis=1), quality.mean(axis=1)
    inside = (cost > xs[0]) & (cost < xs[-1])
    if not inside.any():
        return 0.0
    return float((mean[inside] - np.interp(cost[inside], xs, ys)).mean())


def _verdict(bound: float, agreement: float) -> str:
    if bound > 0:
        return f"pays: at least {bound:.3f} better than mixing tiers at the same cost"
    return f"does not pay: no resolved advantage over mixing tiers; opinions agree on {agreement:.0%} of the rows"
