"""Several pairs asked about at once."""

from __future__ import annotations

from collections.abc import Sequence


def holm(ps: Sequence[float]) -> list[float]:
    """p values adjusted for having looked at all of them (Holm 1979, Scand. J. Statist. 6:65)."""
    order = sorted(range(len(ps)), key=ps.__getitem__)
    adjusted, highest = [1.0] * len(ps), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, ps[i] * (len(ps) - rank)))
        adjusted[i] = highest
    return adjusted


def holm_levels(ps: Sequence[float], *, level: float = 0.95) -> list[float]:
    """The level of each pair's interval, such that one clear of 0 goes with an adjusted p under 1 - level."""
    adjusted = holm(ps)
    n_shown = sum(p <= 1 - level for p in adjusted)
    order = sorted(range(len(ps)), key=ps.__getitem__)
    levels = [level] * len(ps)
    for rank, i in enumerate(order):
        levels[i] = 1 - (1 - level) / (len(ps) - min(rank, n_shown))
    return levels
