"""Whether asking several cheap tiers first is expected to pay for one request, against any single tier.

Pre-route first, cascade only in the uncertain band: paying the cheap calls is what limits cascades (arXiv 2605.06350).
Everything is in one unit, quality - price x cost / cost of the strong tier, and every call is paid: the opinions
always, the strong tier where they are not accepted. Two stages, never more.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stepwell.base.decisions import CascadePlan


class Prior(msgspec.Struct, frozen=True):
    """How opinions of a pool agree, fitted by `evals.tune.cascade`; as it stands, what cheap models of two makers do.

    Attributes:
        correlation: Of being right, between two opinions on questions that look alike.
        same_error: Share of the questions that both get wrong where both say the same.
        lift: By how much the strong tier is better on accepted questions than on all.
        pays: False where agreement is rare or agreed answers are often wrong: then nothing is planned.
    """

    correlation: float = 0.3
    same_error: float = 0.3
    lift: float = 0.1
    pays: bool = True


class Look(msgspec.Struct, frozen=True):
    """One tier for one request: probability of a good answer, expected cost in dollars."""

    tier: str
    p_ok: float
    cost_usd: float


class Prospect(msgspec.Struct, frozen=True):
    """What a cascade is expected to come to, every call counted."""

    p_accept: float
    precision: float
    quality: float
    cost_usd: float
    n_calls: float


def prospect(opinions: Sequence[Look], strong: Look, prior: Prior) -> Prospect:
    """Expected outcome of asking `opinions`, serving what the first two agree on, else asking `strong`."""
    a, b = opinions[0].p_ok, opinions[1].p_ok
    spread = (a * (1 - a) * b * (1 - b)) ** 0.5
    right = min(a * b + prior.correlation * spread, a, b)
    wrong = prior.same_error * max(1 - a - b + right, 0.0)
    accepted = right + wrong
    precision = right / accepted if accepted > 0 else 0.0
    left = 1 - accepted
    strong_if_accepted = min(strong.p_ok + prior.lift, 1.0)
    strong_if_not = (
        min(max((strong.p_ok - accepted * strong_if_accepted) / left, 0.0), 1.0) if left > 0 else 0.0
    )
    cost_usd = sum(o.cost_usd for o in opinions) + left * strong.cost_usd
    return Prospect(accepted, precision, right + left * strong_if_not, cost_usd, len(opinions) + left)


def plan_cascade(
    looks: Sequence[Look],
    kind: str,
    *,
    opinions: Sequence[str],
    strong: str,
    price: float,
    prior: Prior | None = None,
) -> CascadePlan | None:
    """The cascade for one request where it is expected to beat the best single tier; else None.

    Args:
        looks: Every tier that may be asked now.
        kind: How its answers compare (`compare.kind_of`).
        opinions: Cheap tiers to ask, the cheapest first; the same twice is asked twice.
        strong: Where it goes otherwise.
        price: The router's trade-off, >= 0: quality that one strong call is worth.
    """
    prior = prior or Prior()
    by_tier = {look.tier: look for look in looks}
    if (
        not prior.pays
        or strong not in by_tier
        or len(opinions) < 2
        or any(o not in by_tier for o in opinions)
    ):
        return None
    top = by_tier[strong]
    unit_usd = top.cost_usd or 1.0
    ahead = prospect([by_tier[o] for o in opinions], top, prior)
    best_single = max(look.p_ok - price * look.cost_usd / unit_usd for look in looks)
    if ahead.quality - price * ahead.cost_usd / unit_usd <= best_single:
        return None
    accept_above = min(max(top.p_ok - price, 0.0), 1.0)
    return CascadePlan(tuple(opinions), kind, accept_above, (strong,))
