"""All heads of a learned policy together, with calibration and the fade to plain means off the known road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepwell.router.learned.heads import Kinds, Mix, Near, Scale, Trees, Words
from stepwell.router.learned.novelty import Novelty, nearest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from stepwell.router.learned.inputs import Inputs

    Matrix = NDArray[np.float32]

TRAITS_WEIGHT = 0.08  # of standardised traits beside a vector of length 1


@dataclass(frozen=True, slots=True)
class Curves:
    """From a raw score to a probability, one rising line of straight pieces a tier; `x` and `y`: (k, knots)."""

    x: Matrix
    y: Matrix

    def of(self, raw: Matrix) -> Matrix:
        last = self.x.shape[1] - 2
        after = np.minimum((raw[:, :, None] >= self.x[:, 1:-1]).sum(axis=2), last)
        at = after + self.starts
        low, left = self.y.take(at), self.x.take(at)
        made: Matrix = low + (raw - left) * (self.y.take(at + 1) - low) / (self.x.take(at + 1) - left)
        np.minimum(np.maximum(made, 0, out=made), 1, out=made)
        return made

    @property
    def starts(self) -> NDArray[np.intp]:
        """Where each tier's knots begin in the flat arrays."""
        places: NDArray[np.intp] = np.arange(len(self.x)) * self.x.shape[1]
        return places


@dataclass(frozen=True, slots=True)
class Plain:
    """Heads that need no embedding."""

    words: Words
    trees: Trees
    kinds: Kinds

    def heads(self, inputs: Inputs, scaled: Matrix) -> list[Matrix]:
        return [
            self.words.predict(inputs.words),
            self.trees.predict(inputs.traits),
            self.kinds.predict(scaled),
        ]


@dataclass(frozen=True, slots=True)
class Vectorial:
    """Heads that read the embedding.

    Attributes:
        memory: Known asks as [vector, weighted traits], shape (m, dim + 47).
        norms: Their squared lengths, shape (m,).
    """

    memory: Matrix
    norms: Matrix
    near: Near
    kinds: Kinds
    trees: Trees

    def squared(self, both: Matrix) -> Matrix:
        """Squared distances of asks, shape (n, dim + 47), to the known ones: shape (n, m)."""
        made = both @ self.memory.T
        made *= np.float32(-2)
        made += self.norms
        made += (both * both).sum(axis=1)[:, None]
        squared: Matrix = np.maximum(made, 0, out=made)
        return squared

    def heads(self, both: Matrix, squared: Matrix) -> list[Matrix]:
        return [self.near.predict(squared), self.kinds.predict(both), self.trees.predict(both)]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model says of n asks.

    Attributes:
        p_ok: Shape (n, k).
        novelty: Rank among known asks of the odds that it is of no known kind, 0..1, shape (n,); None without a vector.
        trust: 1: learned, 0: nothing but the tiers' means, shape (n,).
        nearest: Places of the nearest known asks, nearest first, shape (n, 10 or fewer); None without a vector.
    """

    p_ok: Matrix
    novelty: Matrix | None
    trust: Matrix
    nearest: NDArray[np.intp] | None


@dataclass(frozen=True, slots=True)
class Model:
    """p_ok per tier of any ask.

    Attributes:
        means: Mean score of each tier, shape (k,).
        plain_mix, plain_curves: For asks without a vector; `mix`, `curves`: for those with one.
    """

    means: Matrix
    scale: Scale
    plain: Plain
    plain_mix: Mix
    plain_curves: Curves
    vectorial: Vectorial | None = None
    mix: Mix | None = None
    curves: Curves | None = None
    novelty: Novelty | None = None

    def read(self, inputs: Inputs) -> Reading:
        """p_ok of some asks, with vectors or without."""
        scaled = self.weighted(inputs)
        heads = self.plain.heads(inputs, scaled)
        known = self.vectorial
        if inputs.vectors is None or known is None or self.mix is None or self.curves is None:
            p_ok = self._p_ok(heads, self.plain_mix, self.plain_curves)
            return Reading(p_ok, None, np.ones(len(p_ok), np.float32), None)
        both = np.concatenate([inputs.vectors, scaled], axis=1)
        squared = known.squared(both)
        heads += known.heads(both, squared)
        p_ok = self._p_ok(heads, self.mix, self.curves)
        nearest, far = nearest_of(squared)
        if self.novelty is None:
            return Reading(p_ok, None, np.ones(len(p_ok), np.float32), nearest)
        odds = self.novelty.odds(self.novelty.ground.signs(both, nearest, far))
        trust = self.novelty.trust(odds)
        p_ok = self.means + trust[:, None] * (p_ok - self.means)
        return Reading(p_ok, self.novelty.rank(odds), trust, nearest)

    def weighted(self, inputs: Inputs) -> Matrix:
        """Standardised traits as they stand beside a vector, shape (n, 47)."""
        made: Matrix = np.float32(TRAITS_WEIGHT) * self.scale.of(inputs.traits)
        return made

    def _p_ok(self, heads: Sequence[Matrix], mix: Mix, curves: Curves) -> Matrix:
        return curves.of(self.means + mix.of(heads))
