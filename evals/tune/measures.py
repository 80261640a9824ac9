"""What a router's ranking is worth: PGR, APGR and CPT (RouteLLM, arXiv 2406.18665), and AIQ (RouterBench,
arXiv 2403.12031) for many tiers.

All take plain arrays: one row a question. Scores that tie share their mean gain, so that the order of rows never
counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def pgr_curve(need: Floats, weak: Floats, strong: Floats) -> Floats:
    """Share of the gap between both tiers that is won with the first i questions, by falling need, sent to strong.

    Args:
        need: The router's score: higher means more need of the strong tier, shape (n,).
        weak, strong: Scores of both tiers, 0..1, shape (n,).

    Returns:
        Shape (n + 1,), from 0 to 1; NaN where the tiers' means are equal.
    """
    gain = np.asarray(strong, dtype=np.float64) - np.asarray(weak, dtype=np.float64)
    _, group = np.unique(-np.asarray(need, dtype=np.float64), return_inverse=True)
    size = np.bincount(group)
    shared = np.bincount(group, weights=gain) / size
    total = gain.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        won: Floats = np.concatenate([[0.0], np.cumsum(np.repeat(shared, size))]) / total
    return won if total != 0 else np.full(len(gain) + 1, np.nan)


def apgr(need: Floats, weak: Floats, strong: Floats) -> float:
    """Area under PGR over the strong share 0..1; random is .5, an oracle can pass 1."""
    curve = pgr_curve(need, weak, strong)
    return float((curve[:-1] + curve[1:]).mean() / 2)


def cpt(need: Floats, weak: Floats, strong: Floats, *, pgr: float) -> float:
    """Smallest strong share at which PGR first reaches `pgr` (.5 gives CPT50), linear inside a step."""
    curve = pgr_curve(need, weak, strong)
    at = int(np.argmax(curve >= pgr))
    if at == 0:
        return 0.0 if curve[0] >= pgr else float("nan")
    step = curve[at] - curve[at - 1]
    return float((at - 1 + (pgr - curve[at - 1]) / step) / (len(curve) - 1))


def hull(cost: Floats, quality: Floats) -> tuple[Floats, Floats]:
    """The non-decreasing concave hull over operating points: what mixing between them reaches."""
    order = np.lexsort((-np.asarray(quality), np.asarray(cost)))
    xs: list[float] = []
    ys: list[float] = []
    for i in order:
        x, y = float(cost[i]), float(quality[i])
        if ys and y <= ys[-1]:
            continue
        while len(xs) > 1 and (ys[-1] - ys[-2]) * (x - xs[-2]) <= (y - ys[-2]) * (xs[-1] - xs[-2]):
            xs.pop()
            ys.pop()
        xs.append(x)
        ys.append(y)
    return np.array(xs), np.array(ys)


def aiq(cost: Floats, quality: Floats, *, lo_usd: float, hi_usd: float) -> float:
    """Mean height of the hull between two costs; a hull that starts dearer than `lo_usd` is joined to the origin.

    Args:
        cost, quality: Operating points: mean cost and mean score of a whole run, shape (m,).
        lo_usd, hi_usd: Mean costs of the cheapest and of the best single tier.
    """
    xs, ys = hull(cost, quality)
    if xs[0] > lo_usd:
        xs, ys = np.concatenate([[0.0], xs]), np.concatenate([[0.0], ys])
    grid = np.unique(np.concatenate([xs[(xs > lo_usd) & (xs < hi_usd)], [lo_usd, hi_usd]]))
    heights = np.interp(grid, xs, ys)
    return float(np.trapezoid(heights, grid) / (hi_usd - lo_usd))


def zero_router(cost: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Mean cost and score of each single tier, shape (k,) each: mixing along their hull is the zero router.

    Args:
        cost, scores: Shape (n, k).
    """
    return np.asarray(cost).mean(axis=0), np.asarray(scores).mean(axis=0)
