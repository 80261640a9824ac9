"""One pair at one look: has it crossed, how likely was that, and which differences go with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from stepwell.evals.verdict.brownian import Stage, chance_above, stages, stagewise_p
from stepwell.evals.verdict.evidence import Evidence, Flips
from stepwell.evals.verdict.looks import Looks
from stepwell.evals.verdict.roots import root
from stepwell.evals.verdict.shares import score
from stepwell.evals.verdict.student import normal_quantile, normal_tail
from stepwell.evals.verdict.walk import Bounds, reached, walk_bounds


@dataclass(frozen=True, slots=True)
class Boundary:
    """What the looks so far, the last being the present one, hold against a pair.

    Attributes:
        seen: The pair at each look so far.
        alpha: Chance of a false verdict that this pair has of its own.
    """

    seen: Sequence[Evidence]
    looks: Looks
    alpha: float

    @property
    def is_crossed(self) -> bool:
        last = self.seen[-1]
        if isinstance(last, Flips):
            return abs(last.n_only_a - last.n_only_b) >= self._walk().leads[-1]
        return normal_tail(self._stages()[-1].z) >= last.p

    @property
    def p(self) -> float:
        """Two-sided: to stop sooner, or here with as much (stagewise order)."""
        last = self.seen[-1]
        if isinstance(last, Flips):
            lead = abs(last.n_only_a - last.n_only_b)
            leads, crossed = self._walk()
            before = crossed[-2] if len(crossed) > 1 else 0.0
            return min(1.0, before + reached(self._discordant(), leads[:-1], lead))
        return stagewise_p(self._stages(), _z(last))

    def repeated(self) -> tuple[float, float]:
        """Interval that holds at every look at once, so also where the run stops for any reason."""
        return self.seen[-1].interval(1 - normal_tail(self._stages()[-1].z))

    def stagewise(self) -> tuple[float, float]:
        """Interval that holds where the run stopped by these looks, as stopping biases what was seen.

        Tsiatis, Rosner & Mehta 1984 (Biometrics 40:797), with Tango's score for rights and wrongs.
        """
        last = self.seen[-1]
        low, high = (last.by_score if isinstance(last, Flips) else last.interval)(1 - 1e-9)
        at = last.difference
        low, high = self._bound(low, at, 1), -self._bound(-high, -at, -1)
        if isinstance(last, Flips) or self.p <= self.alpha:
            return low, high
        return min(low, 0.0), max(high, 0.0)  # scores that differ on few rows: the flips say less than t

    def _bound(self, least: float, at: float, sign: int) -> float:
        """The least difference, seen from a (1) or from b (-1), that makes the result no rarer than alpha / 2."""
        half = self.alpha / 2
        low, high = least, max(abs(least), abs(at))
        return root(lambda difference: self._chance(difference, sign) - half, low, high)

    def _chance(self, difference: float, sign: int) -> float:
        """Of a result at least as much for a (or for b), if `difference` were true."""
        last, looked = self.seen[-1], self._taken()
        share = looked[-1].share
        deviate, error = _deviate(last, difference, sign, overshoot=self._overshoot(sign))
        if error == 0:
            return 0.0 if deviate > 0 else 1.0
        drift = difference / error / math.sqrt(share)
        return chance_above(looked, deviate + drift * math.sqrt(share), drift=drift)

    def _overshoot(self, sign: int) -> float:
        """Rows by which a walk that stopped early for a (or for b) jumped past its bound; half a step, as mid-p."""
        is_early = len(self.seen) < len(self.looks.at)
        return 0.25 if is_early and sign * self.seen[-1].difference > 0 and self.is_crossed else 0.0

    def _discordant(self) -> tuple[int, ...]:
        counts = (e.n_only_a + e.n_only_b if isinstance(e, Flips) else 0 for e in self.seen)
        return tuple(accumulate(counts, max))

    def _walk(self) -> Bounds:
        return walk_bounds(self._discordant(), self._spent())

    def _taken(self) -> tuple[Stage, ...]:
        """The looks as they were: a walk moves in whole rows, and crosses more seldom than it might."""
        is_walk = isinstance(self.seen[-1], Flips)
        crossed = self._walk().crossed if is_walk else self._spendable()
        return stages(self.looks.shares()[: len(self.seen)], crossed)

    def _spendable(self) -> tuple[float, ...]:
        """Less the looks at so few scores that differ that no flip of them could have crossed."""
        by_look = [0.0]
        for seen, limit in zip(self.seen, self._spent(), strict=True):
            could = 2.0 ** (1 - seen.n_apart) <= limit - by_look[-1]
            by_look.append(limit if could else by_look[-1])
        return tuple(by_look[1:])

    def _spent(self) -> tuple[float, ...]:
        return self.looks.spent(self.alpha)[: len(self.seen)]

    def _stages(self) -> tuple[Stage, ...]:
        return stages(self.looks.shares()[: len(self.seen)], self._spent())


def _z(evidence: Evidence) -> float:
    """As rare under the normal as the pair is by its own test."""
    return math.copysign(-normal_quantile(max(evidence.p, 1e-300) / 2), evidence.difference)


def _deviate(evidence: Evidence, difference: float, sign: int, *, overshoot: float) -> tuple[float, float]:
    """Standard errors between the pair and a difference, both seen from a or from b; and that error."""
    seen = sign * evidence.difference
    if not isinstance(evidence, Flips):
        return (seen - difference) / evidence.standard_error, evidence.standard_error
    b, c = evidence.n_only_a, evidence.n_only_b
    if sign < 0:
        b, c = c, b
    deviate, error = score(b - overshoot, c + overshoot, evidence.n, difference / evidence.size)
    return deviate, error * evidence.size
