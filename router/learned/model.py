"""All heads of a learned policy together, with calibration and the fade to plain means off the known road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepwell.router.learned.heads import Kinds, Mix, Near, Scale, Trees, Words
from stepwell.router.learned.novelty import Novelty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from stepwell.router.learned.inputs import Inputs

    Matrix = NDArray[np.float32]

TRAITS_WEIGHT = 0.1  # beside a vector of length 1


@dataclass(frozen=True, slots=True)
class Curves:
    """From a raw score to a probability, one rising line of straight pieces a tier; `x` and `y`: (k, knots)."""

    x: Matrix
    y: Matrix

    def of(self, raw: Matrix) -> Matrix:
        columns = [np.interp(raw[:, t], self.x[t], self.y[t]) for t in range(raw.shape[1])]
        return np.stack(columns, axis=1).astype(np.float32)


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
            self.kinds.predict(TRAITS_WEIGHT * scaled),
        ]


@dataclass(frozen=True, slots=True)
class Vectorial:
    """Heads that read the embedding.

    Attributes:
        memory: Known vectors, shape (m, dim).
    """

    memory: Matrix
    near: Near
    kinds: Kinds

    def heads(self, vectors: Matrix, scaled: Matrix, cosines: Matrix) -> list[Matrix]:
        return [
            self.near.predict(cosines),
            self.kinds.predict(np.concatenate([vectors, TRAITS_WEIGHT * scaled], axis=1)),
        ]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model says of n asks.

    Attributes:
        p_ok: Shape (n, k).
        novelty: Rank of the distance to known asks among theirs, 0..1, shape (n,); None without a vector.
        trust: 1: learned, 0: nothing but the tiers' means, shape (n,).
        cosines: To the known asks, shape (n, m); None without a vector.
    """

    p_ok: Matrix
    novelty: Matrix | None
    trust: Matrix
    cosines: Matrix | None


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
        scaled = self.scale.of(inputs.traits)
        heads = self.plain.heads(inputs, scaled)
        known = self.vectorial
        if inputs.vectors is None or known is None or self.mix is None or self.curves is None:
            p_ok = self._p_ok(heads, self.plain_mix, self.plain_curves)
            return Reading(p_ok, None, np.ones(len(p_ok), np.float32), None)
        cosines = inputs.vectors @ known.memory.T
        heads += known.heads(inputs.vectors, scaled, cosines)
        p_ok = self._p_ok(heads, self.mix, self.curves)
        if self.novelty is None:
            return Reading(p_ok, None, np.ones(len(p_ok), np.float32), cosines)
        rank = self.novelty.rank(cosines)
        trust = self.novelty.trust(rank)
        return Reading(self.means + trust[:, None] * (p_ok - self.means), rank, trust, cosines)

    def _p_ok(self, heads: Sequence[Matrix], mix: Mix, curves: Curves) -> Matrix:
        return curves.of(self.means + mix.of(heads))
