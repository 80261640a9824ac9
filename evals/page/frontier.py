"""Quality against cost, and what bounds a router: figures that take every row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from stepwell.evals.page.index import Index
from stepwell.evals.page.model import ArmFigures, Frontier, Routed, Span, Step
from stepwell.evals.verdict.means import mean_and_deviation, mean_interval
from stepwell.evals.verdict.student import t_quantile

LEVEL = 0.95
Scores = Sequence[float]


def frontier(index: Index, arms: Sequence[ArmFigures]) -> Frontier | None:
    """Quality against cost; None where nothing was scored."""
    shown = [arm for arm in arms if arm.quality is not None]
    if not shown:
        return None
    fixed = [arm for arm in shown if not arm.is_routed]
    scores = {arm.name: index.scores(arm.name) for arm in shown}
    corners = hull([(a.name, Step(a.cost_usd, a.quality.value)) for a in fixed if a.quality is not None])
    of_fixed = [scores[a.name] for a in fixed]
    whole = [n for n in range(len(index.ids)) if not any(math.isnan(of[n]) for of in of_fixed)]
    bound = _oracle(of_fixed, [index.costs_usd(a.name) for a in fixed], whole) if len(fixed) > 1 else None
    routed = tuple(Routed(a.name, _over_mix(a, corners, scores), _shares(a)) for a in shown if a.is_routed)
    return Frontier(corners if len(corners) > 1 else (), bound, len(whole), routed)


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


def span(values: Iterable[float]) -> Span | None:
    """Mean and interval of scores, NaN left out: Wilson for rights and wrongs, else Student's t."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return None
    return Span(math.fsum(known) / len(known), *mean_interval(known, level=LEVEL))


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
    arm: ArmFigures, corners: Sequence[tuple[str, Step]], scores: Mapping[str, Scores]
) -> Span | None:
    mix = mixed(corners, arm.cost_usd)
    if not mix:
        return None
    blind = (
        sum(share * of for share, of in zip(mix.values(), row, strict=True))
        for row in zip(*(scores[name] for name in mix), strict=True)
    )
    gaps = [score - of_mix for score, of_mix in zip(scores[arm.name], blind, strict=True)]
    over = [gap for gap in gaps if not math.isnan(gap)]
    if len(over) < 2:
        return None
    mean, deviation = mean_and_deviation(over)
    half = t_quantile(LEVEL, len(over) - 1) * deviation / len(over) ** 0.5
    return Span(mean, mean - half, mean + half)


def _oracle(
    scores: Sequence[Scores], costs: Sequence[Scores], rows: Sequence[int]
) -> tuple[float, Span] | None:
    """The cheapest of the best arms on each row: mean dollars, and its score."""
    best = [max(of[n] for of in scores) for n in rows]
    of_best = span(best)
    if of_best is None:
        return None
    cheapest = [
        min(cost[n] for of, cost in zip(scores, costs, strict=True) if of[n] == most)
        for n, most in zip(rows, best, strict=True)
    ]
    return math.fsum(cheapest) / len(cheapest), of_best


def _shares(arm: ArmFigures) -> dict[str, float]:
    n = sum(arm.served.values())
    return {tier: count / n for tier, count in arm.served.items()} if n else {}


def _turn(a: Step, b: Step, c: Step) -> float:
    """Above 0: b lies below the line from a to c."""
    return (b.cost_usd - a.cost_usd) * (c.quality - a.quality) - (b.quality - a.quality) * (
        c.cost_usd - a.cost_usd
    )
