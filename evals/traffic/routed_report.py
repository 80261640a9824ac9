"""What came of a comparison of routers with fixed tiers."""

from __future__ import annotations

from dataclasses import asdict

import msgspec

from stepwell.evals.gate import EXIT_INCONCLUSIVE, EXIT_PASS, EXIT_REGRESSION
from stepwell.evals.verdict.pair import Pair


class Arm(msgspec.Struct, frozen=True):
    """One column: a tier, a router, or a mix of tiers that does not look at the question.

    Attributes:
        quality: Mean score, with its 95 % interval.
        cost_usd: Mean of one request; `saved`: as a share of the dearest tier's.
        shares: Of requests by tier, cheapest first; () for a tier.
    """

    name: str
    quality: float
    low: float
    high: float
    cost_usd: float
    saved: float
    shares: tuple[float, ...] = ()


class RouterVerdict(msgspec.Struct, frozen=True):
    """One router against every other arm.

    Attributes:
        pairs: The router first; words are about the router.
        margin: Quality that it may lose against the dearest tier: what its tuning promised, or what was asked for.
        mix: Shares of the best fixed mix that costs as much, in hindsight.
        gain: Quality above that mix, with its 95 % interval: what looking at the question is worth.
        best_tier: The best single tier that costs no more, if there is one.
        is_worth_it: It beats that mix; most routers don't, and then a constant does as well.
    """

    router: str
    pairs: tuple[Pair, ...]
    margin: float
    mix: tuple[float, ...]
    gain: tuple[float, float, float]
    best_tier: str | None
    is_worth_it: bool

    @property
    def exit_code(self) -> int:
        """Against the dearest tier: 0 keeps what was promised, 1 worse than that, 2 not known."""
        pair = self.pairs[-2]  # the dearest tier; the mix is last
        if pair.is_not_worse:
            return EXIT_PASS
        # clearly worse than the margin allows; a loss within it is what was traded for the saving
        return EXIT_REGRESSION if pair.high < -self.margin else EXIT_INCONCLUSIVE


class RoutedReport(msgspec.Struct, frozen=True):
    """All arms on the same rows.

    Attributes:
        tiers: Cheapest first.
        n_given: Rows with a score for every tier; `n_in_sample` of them some router has learnt from.
    """

    tiers: tuple[str, ...]
    n_given: int
    n_in_sample: int
    n_rows: int
    arms: tuple[Arm, ...]
    routers: tuple[RouterVerdict, ...]

    @property
    def exit_code(self) -> int:
        """The gravest of the routers' (1 before 2 before 0)."""
        codes = [r.exit_code for r in self.routers]
        return next((c for c in (EXIT_REGRESSION, EXIT_INCONCLUSIVE) if c in codes), EXIT_PASS)

    def as_dict(self) -> dict[str, object]:
        """Plain values for --json."""
        plain: dict[str, object] = {name: getattr(self, name) for name in self.__struct_fields__}
        routers = [
            {n: getattr(r, n) for n in r.__struct_fields__}
            | {"pairs": [asdict(p) for p in r.pairs], "exit_code": r.exit_code}
            for r in self.routers
        ]
        return plain | {"routers": routers, "exit_code": self.exit_code}
