"""All heads of a learned policy together, with calibration and the fade to plain means off the known road."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from stepwell.router.learned.grove import Grove
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
    _lines: list[tuple[list[float], list[float]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # plain lists: on one ask they are looked up in a tenth of an array's time
        object.__setattr__(self, "_lines", list(zip(self.x.tolist(), self.y.tolist(), strict=True)))

    def of(self, raw: Matrix) -> Matrix:
        """Probabilities, shape (n, k)."""
        made = [
            [_on_line(value, x, y) for value, (x, y) in zip(row, self._lines, strict=True)]
            for row in raw.tolist()
        ]
        return np.array(made, dtype=np.float32).reshape(raw.shape)


def _on_line(value: float, x: list[float], y: list[float]) -> float:
    at = bisect_right(x, value, 1, len(x) - 1) - 1
    left, low = x[at], y[at]
    return min(max(low + (value - left) * (y[at + 1] - low) / (x[at + 1] - left), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Plain:
    """Heads that need no embedding."""

    words: Words
    trees: Trees
    kinds: Kinds

    def heads(self, inputs: Inputs, scaled: Matrix, by_trees: Matrix) -> list[Matrix]:
        return [self.words.predict(inputs.words), by_trees, self.kinds.predict(scaled)]


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

    def heads(self, both: Matrix, squared: Matrix, by_trees: Matrix) -> list[Matrix]:
        return [self.near.predict(squared), self.kinds.predict(both), by_trees]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model says of n asks.

    Attributes:
        p_ok: Shape (n, k).
        novelty: Rank among known asks of the odds that it is of no known kind, 0..1, shape (n,); None without a vector.
        trust: 1: learned, 0: nothing but the tiers' means, shape (n,).
        nearest: Places of the nearest known asks, nearest first, shape (n, 10 or fewer); None without a vector.
        weighted: The traits as the heads read them, shape (n, 47).
        far: Mean squared distance to the nearest known asks, shape (n,); None without a vector.
    """

    p_ok: Matrix
    novelty: Matrix | None
    trust: Matrix
    nearest: NDArray[np.intp] | None
    weighted: Matrix
    far: Matrix | None = None


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
    _grove: Grove = field(init=False, repr=False, compare=False)
    _plain_grove: Grove = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        forests = [(self.plain.trees, 0)]
        object.__setattr__(self, "_plain_grove", Grove.of(forests))
        if self.vectorial is not None:
            forests.append((self.vectorial.trees, len(self.scale.mean)))
        object.__setattr__(self, "_grove", Grove.of(forests))

    def read(self, inputs: Inputs) -> Reading:
        """p_ok of some asks, with vectors or without."""
        scaled = self.weighted(inputs.traits)
        known = self.vectorial
        if inputs.vectors is None or known is None or self.mix is None or self.curves is None:
            by_trees = self._plain_grove.predict(inputs.traits)
            p_ok = self._p_ok(
                self.plain.heads(inputs, scaled, by_trees[0]), self.plain_mix, self.plain_curves
            )
            return Reading(p_ok, None, np.ones(len(p_ok), np.float32), None, scaled)
        both = np.concatenate([inputs.vectors, scaled], axis=1)
        squared = known.squared(both)
        by_trees = self._grove.predict(np.concatenate([inputs.traits, both], axis=1))
        heads = self.plain.heads(inputs, scaled, by_trees[0]) + known.heads(both, squared, by_trees[1])
        p_ok = self._p_ok(heads, self.mix, self.curves)
        nearest, far = nearest_of(squared)
        if self.novelty is None:
            return Reading(p_ok, None, np.ones(len(p_ok), np.float32), nearest, scaled, far)
        odds = self.novelty.odds(self.novelty.ground.signs(both, nearest, far))
        trust = self.novelty.trust(odds)
        p_ok = self.means + trust[:, None] * (p_ok - self.means)
        return Reading(p_ok, self.novelty.rank(odds), trust, nearest, scaled, far)

    def weighted(self, traits: Matrix) -> Matrix:
        """Standardised traits as they stand beside a vector, shape (n, 47)."""
        made: Matrix = np.float32(TRAITS_WEIGHT) * self.scale.of(traits)
        return made

    def _p_ok(self, heads: Sequence[Matrix], mix: Mix, curves: Curves) -> Matrix:
        return curves.of(self.means + mix.of(heads))
