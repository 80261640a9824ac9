"""How far an ask lies off the known road, and how much is then believed of what was learnt.

Distance to neighbours alone misses a new kind of ask that lies amid the known ones. What was learnt by leaving out
whole kinds tells more: a new one lies far for every kind (Mahalanobis, as Lee et al., 2018), between kinds, and its
neighbours are of several.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]

N_NEAREST = 10
N_SIGNS = 5
_SOFTNESS = np.float32(0.25)  # of half the squared distances, which are too sure of a kind
_FADES_FROM, _FADES_TO = 0.95, 0.99  # ranks among known asks
_TINY = np.float32(1e-6)


def nearest_of(squared: Matrix) -> tuple[Places, Matrix]:
    """The nearest N_NEAREST of m known asks, nearest first, and their mean squared distance.

    From squared distances, shape (n, m), to (n, N_NEAREST) and (n,); fewer where fewer are known.
    """
    m = squared.shape[1]
    n = min(N_NEAREST, m)
    places = squared.argpartition(n - 1, axis=1)[:, :n]
    # flat places: `take_along_axis` costs more than all the rest on one ask
    found = squared.take(places + m * np.arange(len(squared))[:, None])
    order = np.lexsort((places, found), axis=1)
    far: Matrix = found.sum(axis=1) / np.float32(n)
    return places.take(order + n * np.arange(len(squared))[:, None]), far


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the known kinds lie.

    Attributes:
        axes, floor: The inverse P of their shared covariance is floor x I - axes x axes^T, shapes (d, r) and ():
            beyond r axes they are taken to spread alike, as in probabilistic PCA.
        pulls: Of each kind P x centre, shape (d, c).
        offsets: centre x P x centre, shape (c,).
        kinds: Kind of each remembered ask, shape (m,).
    """

    axes: Matrix
    floor: float
    pulls: Matrix
    offsets: Matrix
    kinds: Places

    def signs(self, both: Matrix, nearest: Places, far: Matrix) -> Matrix:
        """What tells known from new, shape (n, N_SIGNS): distances to neighbours and kinds, how clear the kind is."""
        along = both @ self.axes
        own = np.float32(self.floor) * (both * both).sum(axis=1) - (along * along).sum(axis=1)
        squared = np.maximum(own[:, None] - 2 * (both @ self.pulls) + self.offsets, _TINY)
        first = squared.min(axis=1)
        shares = np.exp(_SOFTNESS * (first[:, None] - squared))
        clear = 1 / shares.sum(axis=1)
        gap = np.sort(squared, axis=1)[:, min(1, squared.shape[1] - 1)] / first
        of_nearest = self.kinds.take(nearest)
        same = (of_nearest[:, :, None] == of_nearest[:, None, :]).sum(axis=2).max(axis=1)
        return np.stack(
            [np.log(far + _TINY), np.log(first), clear, same / np.float32(nearest.shape[1]), np.log(gap)],
            axis=1,
        ).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Novelty:
    """The odds that an ask is of no known kind.

    Attributes:
        weights, bias: From signs to log-odds, learnt by leaving out whole kinds, shapes (N_SIGNS,) and ().
        known: Quantiles of the log-odds of known asks, rising, shape (q,).
    """

    ground: Ground
    weights: Matrix
    bias: float
    known: Matrix

    def odds(self, signs: Matrix) -> Matrix:
        """Log-odds of being new, shape (n,)."""
        made: Matrix = signs @ self.weights + np.float32(self.bias)
        return made

    def rank(self, odds: Matrix) -> Matrix:
        """Among known asks, 0..1."""
        places = np.arange(len(self.known)) / (len(self.known) - 1)
        found: Matrix = np.interp(odds, self.known, places).astype(np.float32)
        return found

    def trust(self, odds: Matrix) -> Matrix:
        """1 for 95 of 100 known asks and while an ask is as likely known as new, falling to 0."""
        last = len(self.known) - 1
        start = max(float(self.known[int(_FADES_FROM * last)]), 0.0)
        end = max(float(self.known[int(_FADES_TO * last)]), start + 0.5)
        believed: Matrix = np.interp(odds, (start, end), (1.0, 0.0)).astype(np.float32)
        return believed
