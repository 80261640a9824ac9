"""Every head fitted on some rows, with its variants, until it is known which of them does best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepwell.evals.tune.fit import fit_kinds, fit_near, fit_scale, fit_trees, fit_words
from stepwell.router.learned.heads import Kinds, Near, Trees, Words
from stepwell.router.learned.model import TRAITS_WEIGHT, Plain, Vectorial

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.examples import Examples, LearnOptions
    from stepwell.router.learned.heads import Scale
    from stepwell.router.learned.inputs import Inputs

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]

PLAIN = ("words", "trees", "kinds")
WITH_VECTOR = (*PLAIN, "near", "both_kinds", "both_trees")

# which variant of a head serves for the level, and which for the contrast
Choices = Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class FittedVectorial:
    """Heads that read vectors; one `near` per alpha, one `kinds` per pair of options."""

    memory: Matrix
    norms: Matrix
    near: Sequence[Near]
    kinds: Sequence[Kinds]
    trees: Trees


@dataclass(frozen=True, slots=True)
class Fitted:
    """Heads fitted on some rows.

    Attributes:
        means: Mean known score of each tier, shape (k,).
    """

    means: Matrix
    scale: Scale
    words: Sequence[Words]
    trees: Trees
    kinds: Sequence[Kinds]
    vectorial: FittedVectorial | None

    def say(self, inputs: Inputs) -> dict[str, list[Matrix]]:
        """What each variant of each head says, shape (n, k) each."""
        scaled = weighted(self.scale, inputs.traits)
        said = {
            "words": [head.predict(inputs.words) for head in self.words],
            "trees": [self.trees.predict(inputs.traits)],
            "kinds": [head.predict(scaled) for head in self.kinds],
        }
        known = self.vectorial
        if known is None or inputs.vectors is None:
            return said
        both = np.concatenate([inputs.vectors, scaled], axis=1)
        squared = Vectorial(known.memory, known.norms, known.near[0], known.kinds[0], known.trees).squared(
            both
        )
        said["near"] = [head.predict(squared) for head in known.near]
        said["both_kinds"] = [head.predict(both) for head in known.kinds]
        said["both_trees"] = [known.trees.predict(both)]
        return said

    def plain(self, choices: Choices) -> Plain:
        """The heads that need no vector, as chosen."""
        return Plain(join_words(self.words, choices["words"]), self.trees, self.kinds[choices["kinds"][1]])

    def with_vector(self, choices: Choices) -> Vectorial | None:
        """Those that read one, as chosen."""
        known = self.vectorial
        if known is None:
            return None
        near = join_near(known.near, choices["near"])
        return Vectorial(known.memory, known.norms, near, known.kinds[choices["both_kinds"][1]], known.trees)


@dataclass(frozen=True, slots=True)
class Grown:
    """Forests that are taken over from an earlier fit, with the scale of traits that they were grown on."""

    scale: Scale
    trees: Trees
    both_trees: Trees | None


def fit_all(rows: Examples, options: LearnOptions, *, seed: int, grown: Grown | None = None) -> Fitted:
    """Fit every head on all of `rows`, or all but the forests that are `grown`."""
    known = rows.is_known.astype(np.float64)
    means = (rows.scores * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    gains, inputs = rows.scores - means, rows.inputs
    scale = grown.scale if grown else fit_scale(inputs.traits)
    scaled = weighted(scale, inputs.traits)
    vectorial = None
    if inputs.vectors is not None:
        both = np.concatenate([inputs.vectors, scaled], axis=1)
        trees = grown.both_trees if grown and grown.both_trees else _fit_trees(both, gains, options, seed)
        vectorial = _fit_vectorial(both, gains, rows, options, seed, trees)
    return Fitted(
        means.astype(np.float32),
        scale,
        fit_words(inputs.words, gains, alphas=options.alphas),
        grown.trees if grown else _fit_trees(inputs.traits, gains, options, seed),
        _fit_kinds(scaled, gains, rows, options),
        vectorial,
    )


def _fit_vectorial(
    both: Matrix, gains: Floats, rows: Examples, options: LearnOptions, seed: int, trees: Trees
) -> FittedVectorial:
    memory = memory_places(len(gains), options.n_memory, seed)
    near = fit_near(both, gains, memory, width=options.kernel_width, alphas=options.alphas)
    kinds = _fit_kinds(both, gains, rows, options)
    remembered = both[memory]
    norms = (remembered * remembered).sum(axis=1)
    return FittedVectorial(remembered, norms, near, kinds, trees)


def _fit_kinds(inputs: Matrix, gains: Floats, rows: Examples, options: LearnOptions) -> list[Kinds]:
    kinds = np.unique(rows.kinds, return_inverse=True)[1]
    return [fit_kinds(inputs, gains, kinds, ridge=r, sharpness=s) for r, s in options.kinds]


def _fit_trees(inputs: Matrix, gains: Floats, options: LearnOptions, seed: int) -> Trees:
    min_leaf = max(options.min_leaf, len(gains) // 200)
    n_trees, depth = options.n_trees, options.max_depth
    return fit_trees(inputs, gains, n_trees=n_trees, min_leaf=min_leaf, max_depth=depth, seed=seed)


def weighted(scale: Scale, traits: Matrix) -> Matrix:
    """Standardised traits as they stand beside a vector."""
    made: Matrix = np.float32(TRAITS_WEIGHT) * scale.of(traits)
    return made


def memory_places(n: int, n_memory: int, seed: int) -> Places:
    """All rows, or a random part of them, in rising order."""
    if n <= n_memory:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, n_memory, replace=False))


def join(level: Matrix, contrast: Matrix) -> Matrix:
    """The level (mean over tiers, the last axis) of one, the contrast of the other."""
    mixed: Matrix = contrast + (level.mean(axis=-1) - contrast.mean(axis=-1))[..., None]
    return mixed


def join_words(words: Sequence[Words], at: tuple[int, int]) -> Words:
    level, contrast = words[at[0]], words[at[1]]
    return Words(join(level.weights, contrast.weights), level.rarity, join(level.bias, contrast.bias))


def join_near(near: Sequence[Near], at: tuple[int, int]) -> Near:
    level, contrast = near[at[0]], near[at[1]]
    return Near(join(level.weights, contrast.weights), level.width)
