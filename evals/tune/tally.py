"""What the report says of a router: measures beside the baselines, reliability, and who answers what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepwell.evals.tune import measures, sweep
from stepwell.evals.tune.drawer import Drawer
from stepwell.evals.tune.report import LENGTH, MIX, ORACLE, ROUTER, Bin, Domain, Figure, Reliability
from stepwell.evals.verdict.means import mean_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SAVED_AT = (0.95, 0.99, 1.0)


def figures(
    scores: Floats,
    costs: Floats,
    p_ok: Floats,
    expected: Floats,
    n_chars: Floats,
    *,
    n_resamples: int = 500,
    seed: int = 0,
) -> tuple[Figure, ...]:
    """APGR and CPT of two tiers, AIQ and cost saved of more, beside the baselines; intervals are 95 %.

    Args:
        scores, costs, p_ok, expected: As for `frontier`, shape (n, k).
        n_chars: Of the prompts, shape (n,).
    """
    if scores.shape[1] == 2:
        return _of_two(scores, p_ok, n_chars, n_resamples=n_resamples, seed=seed)
    return _of_many(Drawer(scores, costs, n_resamples=n_resamples, seed=seed), p_ok, expected, n_chars)


def ranking_figures(
    router: str, need: Floats, weak: Floats, strong: Floats, *, n_resamples: int = 500, seed: int = 0
) -> tuple[Figure, ...]:
    """APGR, CPT50 and CPT80 of one ranking of rows by need of the strong tier.

    Without an interval where the rows are so few that some resamples have no gap between the tiers.
    """
    resamples = _resampled_ranking(need, strong - weak, n_resamples=n_resamples, seed=seed)
    low, high = sweep.interval(resamples)
    is_known = bool(np.isfinite(resamples).all())
    values = (
        measures.apgr(need, weak, strong),
        measures.cpt(need, weak, strong, pgr=0.5),
        measures.cpt(need, weak, strong, pgr=0.8),
    )
    return tuple(
        Figure(name, router, value, *((float(low[i]), float(high[i])) if is_known else ()))
        for i, (name, value) in enumerate(zip(("APGR", "CPT50", "CPT80"), values, strict=True))
    )


def reliability(
    tiers: Sequence[str], p_ok: Floats, scores: Floats, *, n_bins: int = 10
) -> tuple[Reliability, ...]:
    """Predicted against observed for each tier, on rows that training has not seen; unknown scores left out."""
    found = []
    for j, tier in enumerate(tiers):
        known = np.flatnonzero(~np.isnan(scores[:, j]))
        order = known[np.argsort(p_ok[known, j], kind="stable")]
        bins = [_bin(p_ok[rows, j], scores[rows, j]) for rows in np.array_split(order, n_bins) if len(rows)]
        error = sum(b.n * abs(b.predicted - b.observed) for b in bins) / max(len(order), 1)
        found.append(Reliability(tier, tuple(bins), error))
    return tuple(found)


def by_domain(domains: Sequence[str], scores: Floats, answers: Floats) -> tuple[Domain, ...]:
    """Shares and quality by domain, the largest first.

    Args:
        scores: Premium tier last, shape (n, k).
        answers: Each row's shares by tier, shape (n, k).
    """
    names, of = np.unique(np.asarray(domains, dtype=object).astype(str), return_inverse=True)
    routed = (scores * answers).sum(axis=1)
    found = [
        Domain(
            name=str(name),
            n=int(rows.sum()),
            shares=tuple(answers[rows].mean(axis=0).tolist()),
            quality=float(routed[rows].mean()),
            premium_quality=float(scores[rows, -1].mean()),
        )
        for name, rows in ((name, of == i) for i, name in enumerate(names))
    ]
    return tuple(sorted(found, key=lambda d: (-d.n, d.name)))


def _bin(predicted: Floats, observed: Floats) -> Bin:
    low, high = mean_interval(observed.tolist())
    return Bin(float(predicted.mean()), float(observed.mean()), low, high, len(observed))


def _of_two(
    scores: Floats, p_ok: Floats, n_chars: Floats, *, n_resamples: int, seed: int
) -> tuple[Figure, ...]:
    weak, strong = scores.T
    ranked = {ROUTER: p_ok[:, 1] - p_ok[:, 0], LENGTH: n_chars, ORACLE: strong - weak}
    found = [
        figure
        for name, need in ranked.items()
        for figure in ranking_figures(name, need, weak, strong, n_resamples=n_resamples, seed=seed)
    ]
    chance = [Figure(m, MIX, v) for m, v in (("APGR", 0.5), ("CPT50", 0.5), ("CPT80", 0.8))]
    return (*found[:6], *chance, *found[6:])


def _resampled_ranking(need: Floats, gain: Floats, *, n_resamples: int, seed: int) -> Floats:
    """APGR, CPT50 and CPT80 over resamples of the rows, shape (n_resamples, 3); ties as in `measures`."""
    order = np.argsort(-need, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(need[order]) != 0]))
    sorted_gain = gain[order]
    found = []
    for weights in sweep.resamples(len(need), n_resamples, seed):
        drawn = weights[:, order]
        size = np.cumsum(np.add.reduceat(drawn, starts, axis=1), axis=1) / len(need)
        won = np.cumsum(np.add.reduceat(drawn * sorted_gain, starts, axis=1), axis=1)
        for x, y in zip(size, won, strict=True):
            found.append(_ranked(np.concatenate([[0.0], x]), np.concatenate([[0.0], y])))
    return np.array(found)


def _ranked(share: Floats, won: Floats) -> tuple[float, float, float]:
    if won[-1] <= 0:
        return (np.nan, np.nan, np.nan)
    pgr = won / won[-1]
    return float(np.trapezoid(pgr, share)), _first(share, pgr, 0.5), _first(share, pgr, 0.8)


def _first(x: Floats, y: Floats, least: float) -> float:
    """Where y first reaches `least`, linear inside a step."""
    at = max(int(np.argmax(y >= least)), 1)
    step = y[at] - y[at - 1]
    return float(x[at - 1] + (least - y[at - 1]) / step * (x[at] - x[at - 1])) if step else float(x[at])


def _of_many(drawer: Drawer, p_ok: Floats, expected: Floats, n_chars: Floats) -> tuple[Figure, ...]:
    counted = sweep.shares_of_dearest(expected)
    routers = {
        ROUTER: drawer.swept(p_ok, counted)[0],
        LENGTH: drawer.by_length(n_chars, drawer.mix_costs),
        MIX: drawer.mixed(drawer.mix_costs),
        ORACLE: drawer.swept(drawer.scores, drawer.costs / drawer.costs.max())[0],
    }
    found = []
    for name, answers in routers.items():
        quality, cost = drawer.quality(answers), drawer.cost(answers)
        value = _worth(cost.mean(axis=0), quality.mean(axis=0), *_singles(drawer))
        resampled = [drawer.resampled(v) for v in (cost, quality, drawer.costs, drawer.scores)]
        low, high = sweep.interval(np.array([_worth(*means) for means in zip(*resampled, strict=True)]))
        found += [Figure(m, name, value[i], float(low[i]), float(high[i])) for i, m in enumerate(_MANY)]
    return tuple(found)


_MANY = ("AIQ", *(f"saved at {100 * q:.0f}%" for q in _SAVED_AT))


def _singles(drawer: Drawer) -> tuple[Floats, Floats]:
    return drawer.costs.mean(axis=0), drawer.scores.mean(axis=0)


def _worth(cost: Floats, quality: Floats, single_cost: Floats, single_quality: Floats) -> tuple[float, ...]:
    """AIQ, and the share of the best single tier's cost saved at shares of its quality."""
    best = int(np.argmax(single_quality))
    dear = float(single_cost[best])
    cheap = float(single_cost.min())
    area = measures.aiq(cost, quality, lo_usd=cheap, hi_usd=dear) if dear > cheap else float(quality.max())
    saved = []
    for q in _SAVED_AT:
        enough = cost[quality >= q * single_quality[best] - 1e-12]
        saved.append(max(0.0, 1 - float(enough.min()) / dear) if len(enough) else 0.0)
    return (area, *saved)
