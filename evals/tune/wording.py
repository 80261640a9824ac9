"""What became of the promise, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.evals.tune.frontier import Floor
from stepwell.evals.tune.promise import Promise
from stepwell.evals.tune.report import Verdict


def verdict_of(promise: Promise, tiers: Sequence[str]) -> Verdict:
    """For people: one sentence, and what else there is to say.

    Args:
        tiers: Names, cheapest first.
    """
    headline = {"router": _by_router, "mix": _by_mix, "premium": _by_premium}[promise.by](promise, tiers)
    return Verdict(
        by=promise.by,
        q=promise.min_quality,
        confidence=promise.confidence,
        headline=headline,
        said=tuple(_more(promise, tiers)),
        n_labels=promise.n_labels,
        n_labels_needed=promise.n_labels_needed,
    )


def floor_of(promise: Promise) -> Floor:
    """The same for the page: shares, cost and bound."""
    return Floor(
        q=promise.min_quality,
        is_kept=promise.holds,
        by=promise.by,
        price=promise.price,
        quality=promise.quality,
        kept_low=promise.kept_low,
        cost_usd=promise.cost_usd,
        shares=promise.shares,
        saved=promise.saved,
    )


def _by_router(promise: Promise, tiers: Sequence[str]) -> str:
    return (
        f"The learned router keeps {_asked(promise, tiers)}: {_spread(promise.shares, tiers)}, "
        f"{promise.saved:.0%} of the cost saved."
    )


def _by_mix(promise: Promise, tiers: Sequence[str]) -> str:
    alone = [t for t, share in zip(tiers, promise.mix, strict=True) if share == 1]
    what = f"{alone[0]} alone" if alone else f"a fixed mix ({_spread(promise.mix, tiers)})"
    why = _why_not_router(promise)
    return f"{why}; {what} keeps {_asked(promise, tiers)}, {promise.saved:.0%} of the cost saved."


def _by_premium(promise: Promise, tiers: Sequence[str]) -> str:
    return (
        f"On {promise.n_labels} labels nothing cheaper can be promised to keep {_asked(promise, tiers)}: "
        f"every request goes to {tiers[-1]}."
    )


def _why_not_router(promise: Promise) -> str:
    shown = promise.advantage
    if shown is None:
        return f"{promise.n_labels} labels are too few to trust a learned router"
    if not shown.is_resolved:
        return f"{promise.n_labels} labels show no advantage of the learned router over a fixed mix"
    return "The learned router would cost more than a fixed mix"


def _more(promise: Promise, tiers: Sequence[str]) -> list[str]:
    said = (
        [f"The bound leaves at least {promise.kept_low:.1%} of {tiers[-1]}'s mean score."]
        if promise.holds
        else []
    )
    shown = promise.advantage
    if shown is not None and not shown.is_resolved and shown.overall <= 0:
        said.append("Nothing suggests that it is better than mixing at the same cost.")
    elif shown is not None and not shown.is_resolved:
        said.append(
            f"It looks {shown.overall:.3f} better in mean score than mixing at the same cost; this may be luck."
        )
    if promise.by == "router":
        said.append(f"The best fixed mix under the same bound: {_spread(promise.mix, tiers)}.")
    if promise.n_labels_needed is not None:
        said.append(f"About {promise.n_labels_needed:,} labels would settle it.")
    return said


def _asked(promise: Promise, tiers: Sequence[str]) -> str:
    return f"{promise.min_quality:.0%} of {tiers[-1]}'s mean score with {promise.confidence:.0%} confidence"


def _spread(shares: Sequence[float], tiers: Sequence[str]) -> str:
    return ", ".join(f"{share:.0%} to {t}" for t, share in zip(tiers, shares, strict=True) if share > 0)
