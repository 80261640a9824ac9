"""Rows to learn from as arrays, and what learning may be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.router.learned.inputs import Inputs

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class LearnOptions:
    """What learning may be told; the defaults are the same for every data set.

    Attributes:
        alphas: Ridge penalties among which cross-validation chooses.
        kernel_width: Of exp(-distance^2 / 2 width).
        n_memory: Most known asks that are remembered for neighbours.
        min_leaf: Fewest rows in a leaf; a 200th of the rows where that is more.
        kinds: (ridge, sharpness) of the discriminant among which cross-validation chooses.
    """

    n_folds: int = 5
    alphas: tuple[float, ...] = (2.0, 8.0, 30.0, 100.0)
    kernel_width: float = 0.3
    n_memory: int = 2000
    n_trees: int = 100
    min_leaf: int = 10
    max_depth: int = 8
    kinds: tuple[tuple[float, float], ...] = ((0.003, 0.9), (0.01, 0.5), (0.03, 0.3))


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows to learn from.

    Attributes:
        scores: Shape (n, k), no NaN (filled in); `is_known` tells which were there.
        kinds: Kind of each row, 0..c-1, shape (n,).
    """

    inputs: Inputs
    scores: Floats
    is_known: NDArray[np.bool_]
    kinds: Places

    def take(self, places: Places) -> Examples:
        """The rows at these places, in that order."""
        inputs, kinds = self.inputs.take(places), self.kinds[places]
        return Examples(inputs, self.scores[places], self.is_known[places], kinds)
