"""The heads of a learned policy: each says how far every tier's score lies from the tier's mean.

Plain numpy on flat arrays; all take n asks at once and give shape (n, k) for k tiers. Training uses the same code,
so that nothing differs between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]

_MAX_SIGMAS = 5.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Traits to zero mean and unit spread, clipped at 5; `mean` and `spread` have shape (47,)."""

    mean: Matrix
    spread: Matrix

    def of(self, traits: Matrix) -> Matrix:
        scaled: Matrix = (traits - self.mean) / self.spread
        # on one ask at half the cost of `np.clip`
        np.minimum(np.maximum(scaled, -_MAX_SIGMAS, out=scaled), _MAX_SIGMAS, out=scaled)
        return scaled


@dataclass(frozen=True, slots=True)
class Kinds:
    """Which kind of ask it is (linear discriminant), then what each tier gains or loses on that kind.

    Attributes:
        weights, bias: Of [vector, weighted traits] to a kind's log-odds, shapes (dim + 47, c) and (c,).
        gains: Mean score less the tier's mean, shape (c, k).
    """

    weights: Matrix
    bias: Matrix
    gains: Matrix

    def shares(self, inputs: Matrix) -> Matrix:
        """How likely each kind is, shape (n, c)."""
        odds = inputs @ self.weights + self.bias
        odds -= odds.max(axis=1, keepdims=True)
        np.exp(odds, out=odds)
        odds /= odds.sum(axis=1, keepdims=True)
        return odds

    def predict(self, inputs: Matrix) -> Matrix:
        return self.shares(inputs) @ self.gains


@dataclass(frozen=True, slots=True)
class Near:
    """Kernel ridge: known asks speak by exp(-distance^2 / 2 width).

    Attributes:
        weights: What a known ask adds, shape (m, k).
    """

    weights: Matrix
    width: float

    def predict(self, squared: Matrix) -> Matrix:
        """From squared distances to the m known asks, shape (n, m)."""
        said: Matrix = np.exp(squared * np.float32(-0.5 / self.width)) @ self.weights
        return said


@dataclass(frozen=True, slots=True)
class Words:
    """Ridge on hashed words, weighted by rarity, each ask of length 1.

    Attributes:
        weights: By bucket, the rarity multiplied in, shape (4096, k).
        rarity: Inverse document frequency, shape (4096,); 0: never seen.
        bias: Shape (k,).
    """

    weights: Matrix
    rarity: Matrix
    bias: Matrix

    def predict(self, words: Sequence[Places]) -> Matrix:
        made = np.zeros((len(words), self.weights.shape[1]), np.float32)
        for i, of in enumerate(words):
            rare = self.rarity[of]
            norm = float(rare @ rare) ** 0.5
            made[i] = self.weights[of].sum(axis=0) / norm if norm > 0 else 0
        return made + self.bias


@dataclass(frozen=True, slots=True)
class Trees:
    """A forest on the traits, flat.

    Attributes:
        roots: First node of each tree, shape (t,).
        traits, cuts: Which trait a node looks at, and the value at or under which it goes left, shape (nodes,).
        children: Left and right child, shape (2 x nodes,); a leaf's are itself.
        values: Of a leaf, shape (nodes, k).
        depth: Steps from a root to the deepest leaf.
    """

    roots: Places
    traits: Places
    cuts: Matrix
    children: Places
    values: Matrix
    depth: int

    def predict(self, traits: Matrix) -> Matrix:
        made = np.empty((len(traits), self.values.shape[1]), np.float32)
        for i, row in enumerate(traits):
            at = self.roots
            # one ask at a time: `take` on short rows is what serving costs
            for _ in range(self.depth):
                goes_right = row.take(self.traits.take(at)) > self.cuts.take(at)
                at = self.children.take(2 * at + goes_right)
            made[i] = self.values.take(at, axis=0).sum(axis=0)
        made /= len(self.roots)
        return made


@dataclass(frozen=True, slots=True)
class Mix:
    """Weights of heads for what all tiers share (how easy an ask is) and for how they differ.

    The level is easy to learn and the difference is not, so each has its own weights.
    """

    level: Matrix
    contrast: Matrix

    def of(self, heads: Sequence[Matrix]) -> Matrix:
        stacked = np.array(heads)
        n_heads, n, k = stacked.shape
        level = (self.level - self.contrast) @ (stacked.sum(axis=2) / np.float32(k))
        mixed: Matrix = (self.contrast @ stacked.reshape(n_heads, n * k)).reshape(n, k) + level[:, None]
        return mixed
