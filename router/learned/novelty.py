"""How far an ask lies from every known one, and how much is then believed of what was learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

N_NEAREST = 10


def nearest_of(squared: Matrix) -> tuple[NDArray[np.intp], Matrix]:
    """The nearest N_NEAREST of m known asks, nearest first, and their mean squared distance.

    From squared distances, shape (n, m), to (n, N_NEAREST) and (n,); fewer where fewer are known.
    """
    n = min(N_NEAREST, squared.shape[1])
    places = squared.argpartition(n - 1, axis=1)[:, :n]
    found = np.take_along_axis(squared, places, axis=1)
    order = np.lexsort((places, found), axis=1)
    far: Matrix = found.sum(axis=1) / np.float32(n)
    return np.take_along_axis(places, order, axis=1), far


@dataclass(frozen=True, slots=True)
class Novelty:
    """Distance as a rank among the known asks' own (each left out of its own neighbours).

    Attributes:
        known: Quantiles of these distances, rising, shape (q,).
        fades_from: Rank up to which all that was learnt counts.
        tail_trust: How much of it counts at the farthest known ask.
    """

    known: Matrix
    fades_from: float
    tail_trust: float

    def rank(self, far: Matrix) -> Matrix:
        """From distances, shape (n,), to 0..1."""
        places = np.arange(len(self.known)) / (len(self.known) - 1)
        found: Matrix = np.interp(far, self.known, places).astype(np.float32)
        return found

    def trust(self, far: Matrix) -> Matrix:
        """1 up to `fades_from`, `tail_trust` at the farthest known ask, falling to 0 beyond it."""
        start, end = int(self.fades_from * (len(self.known) - 1)), float(self.known[-1])
        beyond = 2 * end - float(self.known[len(self.known) // 2])
        at, trust = (float(self.known[start]), end, beyond), (1.0, self.tail_trust, 0.0)
        believed: Matrix = np.interp(far, at, trust).astype(np.float32)
        return believed
