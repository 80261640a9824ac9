"""Sign flips: where neither arm is better, each difference might as well have had the other sign (Fisher 1935)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# all 2^16 flips take a millisecond; with more units t holds, and rarer than 2^-16 is no matter
_MOST = 16
_TINY = 2.0**-60


@dataclass(frozen=True)
class SignFlips:
    """What few units, rows or clusters of them, can show at most.

    Attributes:
        n_units: Rows, or clusters.
        n_apart: Of these with a difference.
        apart: Sums of the differences of these; () where they are more than 16.
        units: Sum and rows of every unit; () where they are more than 16.
    """

    n_units: int
    n_apart: int
    apart: tuple[float, ...]
    units: tuple[tuple[float, int], ...]

    @classmethod
    def of(cls, units: Sequence[tuple[float, int]]) -> SignFlips:
        """From the sum of the differences and the rows of each unit."""
        apart = [total for total, _ in units if abs(total) > 1e-12]
        return cls(
            len(units),
            len(apart),
            tuple(apart) if len(apart) <= _MOST else (),
            tuple(units) if len(units) <= _MOST else (),
        )

    @cached_property
    def p(self) -> float:
        """Two-sided share of the flips with a mean as far from 0; the least there is where units are many."""
        if not self.apart:
            return 2.0 ** (1 - self.n_apart) if self.n_apart else 1.0
        total = math.fsum(self.apart)
        rounding = 1e-9 * math.fsum(map(abs, self.apart))
        return float((abs(total - 2 * _subsets(self.apart)) >= abs(total) - rounding).mean())

    def interval(self, level: float) -> tuple[float, float] | None:
        """The differences that flips about them do not speak against, unbounded for too few; None for many units.

        Means of the subsets cut the line into parts that hold the truth equally often (Hartigan 1969, JASA 64:1303).
        """
        if not self.units:
            return None
        k = int((1 - level) * 2 ** (self.n_units - 1) + 1e-9)
        if k == 0:
            return -math.inf, math.inf
        return float(self._means[k - 1]), float(self._means[-k])

    @cached_property
    def _means(self) -> Floats:
        import numpy as np

        sums, rows = (_subsets(of)[1:] for of in zip(*self.units, strict=True))
        means: Floats = np.sort(sums / rows)
        return means


def least_apart(level: float) -> int:
    """Units that must differ, all to one side, before flips show anything at that level."""
    return 1 + math.ceil(-math.log2(max(1 - level, _TINY)) - 1e-9)


def _subsets(values: Sequence[float]) -> Floats:
    """Sums of all 2^n subsets, the empty one first."""
    import numpy as np

    sums: Floats = np.zeros(1)
    for value in values:
        sums = np.concatenate((sums, sums + value))
    return sums
