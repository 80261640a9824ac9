"""What traffic costs under the logged policy and under another: recorded where it can be, else expected."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from stepwell.evals.traffic.redecide import Redecided

Z = 1.96
# how far off a price list's guess may be on a tier that no logged call shows: answers half or twice as long
UNSEEN_FACTOR = 2.0
_MIN_SEEN = 5


class CostChange(msgspec.Struct, frozen=True):
    """USD of the requests that were decided again.

    Attributes:
        old_usd, new_usd: In all; `low_usd`, `high_usd`: 95 % interval of the new.
        n_recorded: Requests whose new cost is the recorded one.
        n_expected: Those where it is price x expected length, set right by recorded calls of that tier.
        unseen: Tiers of which no call is recorded: their cost rests on the price list alone, and may be half or
            twice that.
    """

    old_usd: float
    new_usd: float
    low_usd: float
    high_usd: float
    n_recorded: int
    n_expected: int
    unseen: tuple[str, ...] = ()

    @property
    def change(self) -> float | None:
        """Share of the old cost; None where that is 0."""
        return self.new_usd / self.old_usd - 1 if self.old_usd > 0 else None


@dataclass(frozen=True, slots=True)
class _Rate:
    """Recorded USD for each expected one, on one tier.

    Attributes:
        spread: Standard deviation of a call's residual, USD.
        error: Standard error of `value`.
    """

    value: float = 1.0
    spread: float = 0.0
    error: float = 0.0
    is_seen: bool = True


class Costs:
    """Costs of requests on tiers.

    Args:
        found: Requests with what the router expects of them.
    """

    def __init__(self, found: Sequence[Redecided]) -> None:
        pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for f in found:
            actual, expected = recorded(f, f.row.served), f.expected_usd.get(f.row.served)
            if actual is not None and expected is not None and f.row.is_whole and not f.row.is_cost_estimated:
                pairs[f.row.served].append((expected, actual))
        self._rates = {tier: _rate(of) for tier, of in pairs.items() if len(of) >= _MIN_SEEN}

    def expected(self, f: Redecided, tier: str) -> float:
        """USD of a request on a tier by price and length, as recorded calls of that tier set it right."""
        return f.expected_usd.get(tier, 0.0) * self._rate(tier).value

    def under(self, f: Redecided, tier: str) -> tuple[float, bool]:
        """USD of a request on a tier, and whether that is recorded."""
        actual = recorded(f, tier)
        return (self.expected(f, tier), False) if actual is None else (actual, True)

    def change(self, found: Sequence[Redecided]) -> CostChange:
        """From the logged policy to the new one, over the requests that could be decided again."""
        known = [f for f in found if f.new is not None]
        old = math.fsum(self.under(f, f.old)[0] for f in known)
        new = [(f, *self.under(f, f.new or "")) for f in known]
        guessed = [f for f, _, is_recorded in new if not is_recorded]
        total = math.fsum(usd for _, usd, _ in new)
        low, high = self._interval(guessed)
        return CostChange(
            old_usd=old,
            new_usd=total,
            low_usd=total - low,
            high_usd=total + high,
            n_recorded=len(known) - len(guessed),
            n_expected=len(guessed),
            unseen=tuple(sorted({f.new or "" for f in guessed if not self._rate(f.new or "").is_seen})),
        )

    def _rate(self, tier: str) -> _Rate:
        return self._rates.get(tier) or _Rate(is_seen=False)

    def _interval(self, guessed: Sequence[Redecided]) -> tuple[float, float]:
        """How much lower and higher the sum of the guessed costs may be."""
        by_tier: dict[str, list[Redecided]] = defaultdict(list)
        for f in guessed:
            by_tier[f.new or ""].append(f)
        variance = below = above = 0.0
        for tier, of in by_tier.items():
            rate, base = self._rate(tier), math.fsum(f.expected_usd.get(tier, 0.0) for f in of)
            variance += len(of) * rate.spread**2 + (base * rate.error) ** 2
            if not rate.is_seen:
                below, above = below + base * (1 - 1 / UNSEEN_FACTOR), above + base * (UNSEEN_FACTOR - 1)
        half = Z * math.sqrt(variance)
        return half + below, half + above


def recorded(f: Redecided, tier: str) -> float | None:
    """What the request cost, where it was sent to that tier first."""
    return f.row.cost_usd if tier == f.row.tier else None


def _rate(pairs: Sequence[tuple[float, float]]) -> _Rate:
    """A ratio estimator (Cochran, Sampling Techniques, 3rd ed., 6.3)."""
    expected, actual = math.fsum(e for e, _ in pairs), math.fsum(a for _, a in pairs)
    if expected <= 0:
        return _Rate(1.0)
    value, n = actual / expected, len(pairs)
    spread = math.sqrt(math.fsum((a - value * e) ** 2 for e, a in pairs) / (n - 1))
    return _Rate(value, spread, spread * math.sqrt(n) / expected)


def by_move(found: Sequence[Redecided]) -> Mapping[tuple[str, str], int]:
    """How many requests go from which tier to which; those that stay are there, too."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for f in found:
        if f.new is not None:
            counts[f.old, f.new] += 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
