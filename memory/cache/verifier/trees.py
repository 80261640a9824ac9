"""Boosted trees as arrays: all trees and all rows go down one level at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.memory.cache.verifier.sketch import Floats


@dataclass(frozen=True, slots=True)
class Trees:
    """A forest; nodes of all trees lie in one row each.

    Attributes:
        roots: Node at which each tree begins, shape (n_trees,).
        feature: Column that a node asks for; a leaf's is 0.
        cut: A node goes left up to this value; a leaf's is NaN.
        left, right: Nodes to go on with; a leaf's are itself.
        nan_left: Whether a node goes left without a value.
        value: Of leaves.
        depth: Levels of the deepest tree.
        start: What all trees add to.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    cut: Floats
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    nan_left: NDArray[np.bool_]
    value: Floats
    depth: int
    start: float

    def sum(self, rows: Floats) -> Floats:
        """What the trees add up to for each row of features (n, k): log-odds before calibration, shape (n,)."""
        at = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        row = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            seen = rows[row, self.feature[at]]
            goes_left = (seen <= self.cut[at]) | (np.isnan(seen) & self.nan_left[at])
            at = np.where(goes_left, self.left[at], self.right[at])
        made: Floats = self.start + self.value[at].sum(axis=1)
        return made
