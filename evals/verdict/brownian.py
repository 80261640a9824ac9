"""Looks at means: standardised sums move as Brownian motion, integrated from look to look.

Armitage, McPherson & Rowe 1969 (JRSS A 132:235); Jennison & Turnbull 2000, ch. 19.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from stepwell.evals.verdict.roots import root
from stepwell.evals.verdict.student import normal_quantile, normal_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_N_NODES = 121
_WIDE = 9.0  # standard deviations; nothing happens further out


@dataclass(frozen=True, slots=True)
class Stage:
    """One look.

    Attributes:
        share: Of all the information, 0..1.
        z: Crossed at or beyond it, to either side.
        crossed: Two-sided chance of having crossed by now where there is no drift.
        before: Where the motion is that had not crossed at the look before, and how likely; None at the first.
    """

    share: float
    z: float
    crossed: float
    before: tuple[float, Floats, Floats] | None

    def beyond(self, z: float, *, drift: float = 0.0) -> float:
        """The chance to be here, not crossed before, with a standardised sum of z or more.

        Args:
            drift: Mean of the sum once all the information is there.
        """
        bound = z * math.sqrt(self.share)
        if self.before is None:
            return _upper((bound - drift * self.share) / math.sqrt(self.share))
        import numpy as np

        share, places, chances = self.before
        step = self.share - share
        tilt = np.exp(drift * places - drift * drift * share / 2)  # Girsanov: drift only reweighs paths
        scaled = (bound - places - drift * step) / math.sqrt(step)
        return float(chances * tilt @ _uppers(scaled))


@lru_cache(maxsize=256)
def stages(shares: tuple[float, ...], spent: tuple[float, ...]) -> tuple[Stage, ...]:
    """The looks at these shares of the information, crossed with these chances in all, both rising."""
    made: list[Stage] = []
    before, crossed = None, 0.0
    for share, limit in zip(shares, spent, strict=True):
        stage = Stage(share, math.inf, crossed, before)
        z = _z_that_spends(stage, limit - crossed)
        crossed = max(crossed, limit)
        made.append(Stage(share, z, crossed, before))
        before = _walked(before, share, min(z, _WIDE))
    return tuple(made)


def _z_that_spends(stage: Stage, chance: float) -> float:
    if chance <= 0:
        return math.inf
    if stage.before is None:
        return -normal_quantile(chance / 2)
    return root(lambda z: chance - 2 * stage.beyond(z), 0.0, _WIDE)


def _walked(
    before: tuple[float, Floats, Floats] | None, share: float, z: float
) -> tuple[float, Floats, Floats]:

    nodes, weights = _nodes()
    half = z * math.sqrt(share)
    places = nodes * half
    if before is None:
        return share, places, weights * half * _density(places, share)
    at, old, chances = before
    return share, places, weights * half * (_density(places[:, None] - old[None, :], share - at) @ chances)


@lru_cache(maxsize=1)
def _nodes() -> tuple[Floats, Floats]:
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(_N_NODES)
    return nodes, weights


def _density(distance: Floats, variance: float) -> Floats:
    import numpy as np

    density: Floats = np.exp(-distance * distance / (2 * variance)) / math.sqrt(2 * math.pi * variance)
    return density


def _upper(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))


def _uppers(z: Floats) -> Floats:
    """`_upper` of many, from a table of its logarithm: within 1e-6 of each."""
    import numpy as np

    places, logs = _table()
    upper: Floats = np.exp(np.interp(z, places, logs))
    return upper


@lru_cache(maxsize=1)
def _table() -> tuple[Floats, Floats]:
    import numpy as np

    places = np.arange(-9.0, 37.0, 0.002)
    return places, np.log([_upper(z) for z in places.tolist()])


def stagewise_p(looked: Sequence[Stage], z: float) -> float:
    """Two-sided p of having stopped at the last of these looks at z (Armitage 1957, Biometrika 44:9)."""
    last = looked[-1]
    earlier = looked[-2].crossed if len(looked) > 1 else 0.0
    here = 2 * last.beyond(abs(z)) if last.before is not None else normal_tail(z)
    return min(1.0, earlier + here)


def chance_above(looked: Sequence[Stage], z: float, *, drift: float) -> float:
    """The chance, under a drift, of a result at least as far up: an earlier look's upper bound, or z or more here."""
    earlier = math.fsum(s.beyond(s.z, drift=drift) for s in looked[:-1] if s.z < math.inf)
    return earlier + looked[-1].beyond(z, drift=drift)
