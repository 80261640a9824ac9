"""The choice itself: the cheapest tier that is good enough, affordable and there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from stepwell.base.errors import BudgetExceeded, QualityFloorUnmet, StepwellError
from stepwell.router.tierinfo import TierInfo


class Look(msgspec.Struct, frozen=True):
    """One tier as it looks for one request.

    Attributes:
        bar: Why it can't be asked at all: "rule", "window", "tools", "json_schema", "images", "narrow"; else None.
        obstacle: Why it can't be asked now: "unknown_price", "no_key", "over_budget"; else None.
        is_resting: It failed a moment ago.
        rank: Its place by price.
    """

    tier: TierInfo
    p_ok: float
    cost_usd: float | None
    max_cost_usd: float | None
    bar: str | None = None
    obstacle: str | None = None
    is_resting: bool = False
    rank: int = 0


class Terms(msgspec.Struct, frozen=True):
    """What the choice must keep to.

    Attributes:
        min_p_ok: The quality floor.
        limit_usd: For the request, or None.
        escalates: One tier up from what would have been chosen.
        price: The tuned trade; the best p_ok - price x cost / dearest cost is wanted, not the cheapest over the floor.
        least: Place of the cheapest tier that keeps the promise, where that is known beforehand (a mix).
        rises_to: Place from which the first choice should come, if one there can be asked: a session, a share and
            exploring ask for it.
    """

    min_p_ok: float
    limit_usd: float | None
    below_floor: Literal["refuse", "flag"]
    escalates: bool = False
    price: float | None = None
    least: int = 0
    rises_to: int = 0


class Choice(msgspec.Struct, frozen=True):
    """Tiers to try in order; the one that would have been first, had it a key and been healthy."""

    chain: tuple[Look, ...]
    wanted: Look
    is_degraded: bool = False


def choose(looks: Sequence[Look], terms: Terms) -> Choice:
    """Choose among `looks`, cheapest first.

    Raises:
        BudgetExceeded: Nothing good enough is affordable.
        QualityFloorUnmet: Only tiers under the floor are left.
    """
    adequate = _adequate(looks, terms)
    there = [look for look in adequate if look.obstacle is None]
    if there:
        wanted = _wanted((), adequate, terms)
        return Choice(_chain(looks, there, wanted), wanted)
    capable = [look for look in looks if look.bar is None]
    wanted = _wanted(capable, adequate, terms)
    left = [look for look in capable if look.obstacle is None]
    if terms.below_floor == "flag" and left:
        best = sorted(left, key=lambda look: (look.is_resting, -look.p_ok))
        return Choice(tuple(best), wanted, is_degraded=True)
    raise _refusal(adequate or capable, left, wanted, terms)


def _adequate(looks: Sequence[Look], terms: Terms) -> list[Look]:
    """Tiers that keep the promise, cheapest first."""
    floor = terms.min_p_ok
    able = looks if not terms.least else looks[terms.least :]
    adequate = [look for look in able if look.bar is None and look.p_ok >= floor]
    if terms.price is None or len(adequate) < 2:
        return adequate
    best = best_by_price(adequate, terms.price, dearest_usd(looks))
    # what is dearer and better keeps the promise, too; and the dearest does by what it promises
    dearest, p_ok = len(looks) - 1, adequate[best].p_ok
    return [
        k for i, k in enumerate(adequate) if i == best or (i > best and (k.p_ok >= p_ok or k.rank == dearest))
    ]


def dearest_usd(looks: Sequence[Look]) -> float:
    """Expected cost of the dearest tier: what prices are counted in."""
    return max((look.cost_usd or 0.0 for look in looks), default=0.0)


def best_by_price(looks: Sequence[Look], price: float, unit_usd: float) -> int:
    """Place of the best p_ok - price x cost / unit; of those that tie, the cheapest.

    An unknown cost counts as a whole unit.
    """
    best, most = 0, float("-inf")
    for i, look in enumerate(looks):
        share = 1.0 if look.cost_usd is None else look.cost_usd / unit_usd if unit_usd else 0.0
        worth = look.p_ok - price * share
        if worth > most:
            best, most = i, worth
    return best


def _wanted(capable: Sequence[Look], adequate: Sequence[Look], terms: Terms) -> Look:
    ideal = [look for look in adequate if look.obstacle is None or look.obstacle == "no_key"]
    if terms.rises_to:
        ideal = [k for k in ideal if k.rank >= terms.rises_to and k.obstacle is None] or ideal
    if ideal:
        return ideal[1] if terms.escalates and len(ideal) > 1 else ideal[0]
    return adequate[0] if adequate else max(capable, key=lambda look: look.p_ok)


def _chain(looks: Sequence[Look], there: list[Look], wanted: Look) -> tuple[Look, ...]:
    """First choice, then dearer ones, then cheaper ones, then those that rest."""
    # a tier that rests is still good enough: better tried than the promise given up
    line = [look for look in there if not look.is_resting] or there
    resting = [look for look in there if look.is_resting] if line is not there else []
    at = min(_n_before(looks, line, wanted), len(line) - 1)
    return (*line[at:], *line[:at], *resting)


def _n_before(looks: Sequence[Look], line: Sequence[Look], wanted: Look) -> int:
    """How many of `line`, in which the order of `looks` holds, are cheaper than `wanted`."""
    n = 0
    for look in looks:
        if look is wanted or n == len(line):
            break
        n += look is line[n]
    return n


def _refusal(candidates: Sequence[Look], left: Sequence[Look], wanted: Look, terms: Terms) -> StepwellError:
    too_dear = [look for look in candidates if look.obstacle == "over_budget"]
    if too_dear and terms.limit_usd is not None:
        return over_budget(too_dear[0], terms.limit_usd)
    best = max(left, key=lambda look: look.p_ok, default=None)
    if best is not None and best.p_ok >= terms.min_p_ok:
        return QualityFloorUnmet(_by_policy(best, wanted), wanted_tier=wanted.tier.name)
    rest = "no other tier can be asked" if best is None else _reaches(best, terms.min_p_ok)
    if best is wanted:
        message = f"No tier clears the quality floor: {rest}."
    else:
        message = (
            f"{wanted.tier.name} should answer this (p_ok {wanted.p_ok:.2f}) but {lacks(wanted)}; {rest}."
        )
    return QualityFloorUnmet(message, wanted_tier=wanted.tier.name)


def _by_policy(best: Look, wanted: Look) -> str:
    """Where a tuned policy asks for what is not there: its promise rules, and p_ok is no floor."""
    if best is wanted:
        return "No tier that keeps the tuned policy's promise can take this request."
    return (
        f"The tuned policy asks for {wanted.tier.name}, but it {lacks(wanted)}; no other tier that can be asked "
        "keeps its promise."
    )


def _reaches(best: Look, floor: float) -> str:
    return f"the best available, {best.tier.name}, reaches p_ok {best.p_ok:.2f} of the floor {floor:.2f}"


def lacks(look: Look) -> str:
    """What keeps a tier from answering, in plain words; names of environment variables, never values."""
    if look.obstacle == "no_key":
        return f"needs {look.tier.missing_key}"
    if look.obstacle == "unknown_price":
        return "has no known price"
    if look.obstacle == "over_budget":
        return "is over the dollar limit"
    return "rests after a failure" if look.is_resting else "was passed over"


def over_budget(look: Look, limit_usd: float) -> BudgetExceeded:
    """The error for a tier whose upper bound is over the request's limit."""
    return BudgetExceeded(
        f"The request may cost up to ${look.max_cost_usd or 0:.6f} on {look.tier.name}, the cheapest tier "
        f"that would do; its limit is ${limit_usd:.6f}. Raise the limit or lower max_tokens.",
        budget="request",
        remaining_usd=limit_usd,
    )
