"""Boosted trees as arrays: all trees and all rows go down one level at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
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

    @classmethod
    def none(cls) -> Trees:
        """No tree at all: 0 for each row."""
        ints, floats = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
        return cls(ints, ints, floats, ints, ints, ints.astype(bool), floats, 0, 0.0)

    @classmethod
    def joined(cls, *forests: Trees) -> Trees:
        """One forest that adds up to the sum of these."""
        starts = np.cumsum([0, *(len(f.value) for f in forests)])[:-1].astype(np.int32)
        moved = list(zip(forests, starts, strict=True))
        return cls(
            roots=np.concatenate([f.roots + s for f, s in moved]),
            feature=np.concatenate([f.feature for f in forests]),
            cut=np.concatenate([f.cut for f in forests]),
            left=np.concatenate([f.left + s for f, s in moved]),
            right=np.concatenate([f.right + s for f, s in moved]),
            nan_left=np.concatenate([f.nan_left for f in forests]),
            value=np.concatenate([f.value for f in forests]),
            depth=max(f.depth for f in forests),
            start=sum(f.start for f in forests),
        )

    def times(self, factor: float) -> Trees:
        """The same forest, its sum multiplied."""
        return replace(self, value=(self.value * factor).astype(np.float32), start=self.start * factor)

    def first(self, n: int) -> Trees:
        """The first `n` trees alone, and what all add to."""
        return replace(self, roots=self.roots[:n])

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
