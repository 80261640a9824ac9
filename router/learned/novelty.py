"""How far an ask lies from every known one, and how much is then believed of what was learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

N_NEAREST = 10


def distances(cosines: Matrix) -> Matrix:
    """Mean cosine distance to the N_NEAREST nearest of m known asks; from shape (n, m) to (n,)."""
    n = min(N_NEAREST, cosines.shape[1])
    nearest = np.partition(cosines, cosines.shape[1] - n, axis=1)[:, -n:]
    far: Matrix = 1 - nearest.mean(axis=1)
    return far


@dataclass(frozen=True, slots=True)
class Novelty:
    """Distance as a rank among the known asks' own (each left out of its own neighbours).

    Attributes:
        known: Quantiles of these distances, rising, shape (q,).
        fades_from: Rank up to which all that was learnt counts.
    """

    known: Matrix
    fades_from: float

    def rank(self, cosines: Matrix) -> Matrix:
        """0..1, shape (n,)."""
        return self.rank_of(distances(cosines))

    def rank_of(self, far: Matrix) -> Matrix:
        ranks = np.linspace(0, 1, len(self.known))
        found: Matrix = np.interp(far, self.known, ranks).astype(np.float32)
        return found

    def trust(self, rank: Matrix) -> Matrix:
        """1 up to `fades_from`, falling to 0 at the rank 1."""
        share = (1 - rank) / max(1 - self.fades_from, 1e-6)
        believed: Matrix = np.clip(share, 0, 1).astype(np.float32)
        return believed
