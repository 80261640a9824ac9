"""Quality against cost, and what bounds a router: figures that take every row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stepwell.evals.page.index import Index
from stepwell.evals.page.model import ArmFigures, Frontier, Routed, Span, Step
from stepwell.evals.verdict.shares import wilson
from stepwell.evals.verdict.student import t_quantile

LEVEL = 0.95
Array = NDArray[np.float64]


def frontier(index: Index, arms: Sequence[ArmFigures]) -> Frontier | None:
    """Quality against cost; None where nothing was scored."""
    shown = [arm for arm in arms if arm.quality is not None]
    if not shown:
        return None
    fixed = [arm for arm in shown if not arm.is_routed]
    scores, costs = index.scores(), index.costs_usd()
    corners = hull([(a.name, Step(a.cost_usd, a.quality.value)) for a in fixed if a.quality is not None])
    columns = [index.arms.index(a.name) for a in fixed]
    whole = ~np.isnan(scores[:, columns]).any(axis=1)
    bound = _oracle(scores[whole][:, columns], costs[whole][:, columns]) if len(fixed) > 1 else None
    routed = tuple(
        Routed(a.name, _over_mix(a, corners, index, scores), _shares(a)) for a in shown if a.is_routed
    )
    return Frontier(corners if len(corners) > 1 else (), bound, int(whole.sum()), routed)


def hull(points: Sequence[tuple[str, Step]]) -> tuple[tuple[str, Step], ...]:
    """Corners of the upper hull from the cheapest point to the best, those that no mix of others beats."""
    corners: list[tuple[str, Step]] = []
    for name, p in sorted(points, key=lambda item: (item[1].cost_usd, -item[1].quality, item[0])):
        if corners and p.quality <= corners[-1][1].quality:
            continue
        while len(corners) > 1 and _turn(corners[-2][1], corners[-1][1], p) >= 0:
            corners.pop()
        corners.append((name, p))
    return tuple(corners)


def span(values: Array) -> Span | None:
    """Mean and interval of scores, NaN left out: Wilson for rights and wrongs, else Student's t."""
    values = values[~np.isnan(values)]
    n = len(values)
    if n == 0:
        return None
    mean = float(values.mean())
    if n < 2 or np.isin(values, (0.0, 1.0)).all():
        return Span(mean, *wilson(mean * n, n, level=LEVEL))
    half = t_quantile(LEVEL, n - 1) * float(values.std(ddof=1)) / n**0.5
    return Span(mean, max(0.0, mean - half), min(1.0, mean + half))


def mixed(corners: Sequence[tuple[str, Step]], cost_usd: float) -> dict[str, float]:
    """Shares of the best blind mix that costs as much; empty below the cheapest corner."""
    if not corners or cost_usd < corners[0][1].cost_usd:
        return {}
    if cost_usd >= corners[-1][1].cost_usd:
        return {corners[-1][0]: 1.0}
    above = next(n for n, (_, p) in enumerate(corners) if p.cost_usd > cost_usd)
    (cheap, low), (dear, high) = corners[above - 1], corners[above]
    share = (cost_usd - low.cost_usd) / (high.cost_usd - low.cost_usd)
    return {cheap: 1 - share, dear: share}


def _over_mix(
    arm: ArmFigures, corners: Sequence[tuple[str, Step]], index: Index, scores: Array
) -> Span | None:
    mix = mixed(corners, arm.cost_usd)
    if not mix:
        return None
    blind = sum(share * _of(scores, index, name) for name, share in mix.items())
    over = _of(scores, index, arm.name) - blind
    over = over[~np.isnan(over)]
    n = len(over)
    if n < 2:
        return None
    mean, half = float(over.mean()), t_quantile(LEVEL, n - 1) * float(over.std(ddof=1)) / n**0.5
    return Span(mean, mean - half, mean + half)


def _oracle(scores: Array, costs: Array) -> tuple[float, Span] | None:
    best = scores == scores.max(axis=1, keepdims=True) if len(scores) else scores
    of = span(scores.max(axis=1)) if len(scores) else None
    if of is None:
        return None
    cheapest = np.where(best, costs, np.inf).min(axis=1)
    return float(cheapest.mean()), of


def _shares(arm: ArmFigures) -> dict[str, float]:
    n = sum(arm.served.values())
    return {tier: count / n for tier, count in arm.served.items()} if n else {}


def _of(scores: Array, index: Index, arm: str) -> Array:
    column: Array = scores[:, index.arms.index(arm)]
    return column


def _turn(a: Step, b: Step, c: Step) -> float:
    """Above 0: b lies below the line from a to c."""
    return (b.cost_usd - a.cost_usd) * (c.quality - a.quality) - (b.quality - a.quality) * (
        c.cost_usd - a.cost_usd
    )
