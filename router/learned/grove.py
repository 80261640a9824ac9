"""Several forests walked at once: a step through all of them costs little more than a step through one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.router.learned.heads import Trees

    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Grove:
    """Forests laid end to end.

    Attributes:
        roots: First node of each tree, twice its number: node i has its left child at 2i and its right at 2i + 1.
        traits, cuts: As in `Trees`, each node twice.
        children: Twice the numbers of both children of a node.
        values: Of a leaf, shape (nodes, k).
        starts: First tree of each forest, shape (f,).
        n_trees: Of each forest, shape (f, 1).
    """

    roots: Places
    traits: Places
    cuts: Matrix
    children: Places
    values: Matrix
    starts: Places
    n_trees: Matrix
    depth: int

    @classmethod
    def of(cls, forests: Sequence[tuple[Trees, int]]) -> Grove:
        """Forests, each with the place in a row where what it reads begins."""
        first = np.cumsum([0, *(len(forest.cuts) for forest, _ in forests)])
        trees = np.array([len(forest.roots) for forest, _ in forests])
        parts = [(forest, begins, start) for (forest, begins), start in zip(forests, first, strict=False)]
        return cls(
            2 * np.concatenate([forest.roots + start for forest, _, start in parts]),
            np.concatenate([np.repeat(forest.traits + begins, 2) for forest, begins, _ in parts]),
            np.concatenate([np.repeat(forest.cuts, 2) for forest, _, _ in parts]),
            2 * np.concatenate([forest.children + start for forest, _, start in parts]),
            np.concatenate([forest.values for forest, _, _ in parts]),
            np.cumsum(trees) - trees,
            trees[:, None].astype(np.float32),
            max(forest.depth for forest, _ in forests),
        )

    def predict(self, rows: Matrix) -> Matrix:
        """What each forest says of each row, shape (f, n, k)."""
        made = np.empty((len(self.starts), len(rows), self.values.shape[1]), np.float32)
        for i, row in enumerate(rows):
            at = self.roots
            # one ask at a time: `take` on short rows is what serving costs
            for _ in range(self.depth):
                at = self.children.take(at + (row.take(self.traits.take(at)) > self.cuts.take(at)))
            leaves = self.values.take(at >> 1, axis=0)
            made[:, i] = np.add.reduceat(leaves, self.starts, axis=0) / self.n_trees
        return made
