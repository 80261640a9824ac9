"""Exact looks at rights and wrongs.

Given how many rows differ at each look, the rows that a got of them are a random walk with even chances if
neither arm is better; the chance that it ever crosses is summed, not approximated.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_NOTHING = 1e-25  # chances under it are dropped; there are far fewer than 1e10 of them


class Bounds(NamedTuple):
    """Leads (wins of one arm less wins of the other) that stop the walk, and the chance to have crossed by then.

    A lead is more than the rows that differ where none is enough.
    """

    leads: tuple[int, ...]
    crossed: tuple[float, ...]


@lru_cache(maxsize=4096)
def walk_bounds(n_discordant: tuple[int, ...], spent: tuple[float, ...]) -> Bounds:
    """The least lead, at each look, that stops the walk, so that at most `spent` of the chance has crossed.

    Args:
        n_discordant: Rows that differ, at each look so far; never falling.
        spent: Two-sided chance that may have crossed by then; never falling.
    """
    chances, at, crossed, bounds = None, 0, 0.0, []
    for n, limit in zip(n_discordant, spent, strict=True):
        chances = _walked(chances, n - at)
        lead, share = _least_lead(chances, n, limit - crossed)
        chances = _inside(chances, n, lead)
        at, crossed = n, crossed + share
        bounds.append((lead, crossed))
    return Bounds(tuple(lead for lead, _ in bounds), tuple(crossed for _, crossed in bounds))


def reached(n_discordant: tuple[int, ...], leads: tuple[int, ...], lead: int) -> float:
    """The chance not to cross at the looks before, `leads`, and then to be at `lead` or more, to either side."""
    chances, at = None, 0
    for n, bound in zip(n_discordant, leads, strict=False):
        chances = _inside(_walked(chances, n - at), n, bound)
        at = n
    walked = _walked(chances, n_discordant[-1] - at)
    return float(walked[1].sum() - _inside(walked, n_discordant[-1], lead)[1].sum())


# (first number of wins, chances of it and of the following)
Chances = tuple[int, "Floats"]


def _walked(chances: Chances | None, n_steps: int) -> Chances:
    import numpy as np

    steps = _binomial(n_steps)
    if chances is None:
        return steps
    joined = np.convolve(chances[1], steps[1]) if len(chances[1]) else chances[1]
    return chances[0] + steps[0], joined


@lru_cache(maxsize=512)
def _binomial(n: int) -> Chances:
    import numpy as np

    logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(n + 1)]
    chances = np.exp(np.asarray(logs) - n * math.log(2))
    kept = np.flatnonzero(chances > _NOTHING)
    return int(kept[0]), chances[kept[0] : kept[-1] + 1]


def _least_lead(chances: Chances, n: int, limit: float) -> tuple[int, float]:
    """The least lead that at most `limit` of the chance has reached, and how much has."""
    import numpy as np

    first, of = chances
    leads = np.abs(2 * (first + np.arange(len(of))) - n)
    by_lead = np.bincount(leads, weights=of, minlength=n + 2)
    reached = np.cumsum(by_lead[::-1])[::-1]  # reached[c]: chance of a lead of c or more
    enough = np.flatnonzero(reached <= limit)
    # a lead of 0 says nothing, and only leads of n's parity occur
    lead = max(1, int(enough[0])) if len(enough) else n + 1
    lead += (n - lead) % 2
    return lead, float(reached[lead]) if lead <= n else 0.0


def _inside(chances: Chances, n: int, lead: int) -> Chances:
    """What has not crossed."""
    first, of = chances
    low = max(0, (n - lead) // 2 + 1 - first)
    high = (n + lead + 1) // 2 - first
    return first + low, of[low:high]
