"""Predictions of rows by models that have not seen them: what mixes, curves and promises are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepwell.evals.tune.calibrate import fit_curves
from stepwell.evals.tune.fit import fit_kinds, fit_near, fit_scale, fit_trees, fit_words
from stepwell.router.learned.heads import Mix, Near, Words
from stepwell.router.learned.model import TRAITS_WEIGHT, Plain, Vectorial
from stepwell.router.learned.novelty import Novelty, distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.router.learned.heads import Scale
    from stepwell.router.learned.inputs import Inputs
    from stepwell.router.learned.model import Curves

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class LearnOptions:
    """What learning may be told; the defaults are the same for every data set.

    Attributes:
        alphas: Ridge penalties among which cross-validation chooses.
        n_memory: Most known asks that are remembered for neighbours.
        fades_from: Novelty rank beyond which p_ok fades to the tiers' means.
    """

    n_folds: int = 5
    alphas: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0, 100.0)
    kernel_width: float = 0.3
    n_memory: int = 2000
    n_trees: int = 100
    min_leaf: int = 10
    max_depth: int = 12
    kinds_ridge: float = 0.01
    kinds_sharpness: float = 0.5
    fades_from: float = 0.95


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
        return Examples(
            self.inputs.take(places), self.scores[places], self.is_known[places], self.kinds[places]
        )


@dataclass(frozen=True, slots=True)
class Choices:
    """Which of the alphas each ridge head takes, for the level and for the contrast."""

    words: tuple[int, int]
    near: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Heads fitted on some rows, ridge heads once per alpha."""

    means: Matrix
    scale: Scale
    words: Sequence[Words]
    near: Sequence[Near]
    plain: Plain
    vectorial: Vectorial | None
    novelty: Novelty | None

    def chosen(self, choices: Choices) -> tuple[Plain, Vectorial | None]:
        """The heads with their ridge parts as chosen."""
        plain = Plain(join_words(self.words, choices.words), self.plain.trees, self.plain.kinds)
        known = self.vectorial
        if known is None:
            return plain, None
        return plain, Vectorial(known.memory, join_near(self.near, choices.near), known.kinds)


def fit_all(rows: Examples, options: LearnOptions, *, seed: int) -> Fitted:
    """Fit every head on all of `rows`."""
    weights = rows.is_known.astype(np.float64)
    means = (rows.scores * weights).sum(axis=0) / np.maximum(weights.sum(axis=0), 1)
    gains = rows.scores - means
    inputs, o = rows.inputs, options
    scale = fit_scale(inputs.traits)
    scaled = (TRAITS_WEIGHT * scale.of(inputs.traits)).astype(np.float32)
    kinds = np.unique(rows.kinds, return_inverse=True)[1]
    words = fit_words(inputs.words, gains, alphas=o.alphas)
    min_leaf = max(o.min_leaf, len(gains) // 200)
    trees = fit_trees(
        inputs.traits, gains, n_trees=o.n_trees, min_leaf=min_leaf, max_depth=o.max_depth, seed=seed
    )
    fitted_kinds = fit_kinds(scaled, gains, kinds, ridge=o.kinds_ridge, sharpness=o.kinds_sharpness)
    plain = Plain(words[0], trees, fitted_kinds)
    f32_means = means.astype(np.float32)
    if inputs.vectors is None:
        return Fitted(f32_means, scale, words, (), plain, None, None)
    memory = memory_places(len(gains), o.n_memory, seed)
    near = fit_near(inputs.vectors, gains, memory, width=o.kernel_width, alphas=o.alphas)
    both = np.concatenate([inputs.vectors, scaled], axis=1)
    of_both = fit_kinds(both, gains, kinds, ridge=o.kinds_ridge, sharpness=o.kinds_sharpness)
    vectorial = Vectorial(inputs.vectors[memory], near[0], of_both)
    novelty = fit_novelty(inputs.vectors, memory, o.fades_from)
    return Fitted(f32_means, scale, words, near, plain, vectorial, novelty)


def memory_places(n: int, n_memory: int, seed: int) -> Places:
    """All rows, or a random part of them, in rising order."""
    if n <= n_memory:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, n_memory, replace=False))


def fit_novelty(vectors: Matrix, memory: Places, fades_from: float) -> Novelty:
    """Distances of the known asks, each left out of its own neighbours."""
    cosines = vectors @ vectors[memory].T
    cosines[memory, np.arange(len(memory))] = -1
    return Novelty(np.quantile(distances(cosines), np.linspace(0, 1, 201)).astype(np.float32), fades_from)


def split(n: int, n_folds: int, seed: int) -> NDArray[np.intp]:
    """Which fold each row is held out in, shape (n,)."""
    folds = np.arange(n) % n_folds
    return np.random.default_rng(seed).permutation(folds)


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


def best_alphas(said: Sequence[Matrix], gains: Floats, is_known: NDArray[np.bool_]) -> tuple[int, int]:
    """Which alpha predicts the level best, and which the contrast; `said` has (n, k) for each alpha."""
    whole = is_known.all(axis=1)
    rows = whole if whole.any() else np.ones(len(gains), bool)
    true = gains[rows]
    level = [float(((s[rows] - true).mean(axis=1) ** 2).mean()) for s in said]
    contrast = [float(((_contrast(s[rows]) - _contrast(true)) ** 2).mean()) for s in said]
    return int(np.argmin(level)), int(np.argmin(contrast))


def fit_mix(heads: Sequence[Matrix], gains: Floats) -> Mix:
    """Weights >= 0 of the heads by least squares, leaning on equal ones, for the level and for the contrast.

    Stacking as in Breiman, Stacked Regressions (1996).
    """
    level = np.stack([h.mean(axis=1) for h in heads], axis=1)
    contrast = np.stack([_contrast(h).ravel() for h in heads], axis=1)
    return Mix(_weights(level, gains.mean(axis=1)), _weights(contrast, _contrast(gains).ravel()))


_MIX_PRIOR = 0.1


def _weights(said: Floats | Matrix, true: Floats) -> Matrix:
    from scipy.optimize import nnls

    x = said.astype(np.float64)
    n_heads = x.shape[1]
    lean = np.sqrt(_MIX_PRIOR * float((x**2).sum()) / n_heads) * np.eye(n_heads)
    made = nnls(np.vstack([x, lean]), np.concatenate([true, lean.sum(axis=1) / n_heads]))[0]
    return np.asarray(made, dtype=np.float32)


def _contrast(values: Floats | Matrix) -> Floats:
    made: Floats = values - values.mean(axis=1, keepdims=True)
    return made


@dataclass(frozen=True, slots=True)
class Crossed:
    """What models said of rows that they had not seen.

    Attributes:
        plain, heads: By head, shape (n, k): without vectors, and all of them with vectors (empty: no vectors).
        means: Tiers' means of the rows that were seen, shape (n, k).
        trust: Shape (n,).
    """

    folds: NDArray[np.intp]
    choices: Choices
    means: Floats
    plain: list[Matrix]
    heads: list[Matrix]
    trust: Matrix
    novelty: Matrix


def crossfit(rows: Examples, options: LearnOptions, *, seed: int) -> Crossed:
    """Fit on all folds but one, predict that one; choose alphas by what was predicted."""
    n, k = rows.scores.shape
    folds = split(n, options.n_folds, seed)
    n_alphas, has_vectors = len(options.alphas), rows.inputs.vectors is not None
    said: dict[str, Matrix] = {
        name: np.zeros((n, k), np.float32)
        for name in [
            "trees",
            "kinds",
            "of_both",
            *(f"{h}{a}" for h in ("words", "near") for a in range(n_alphas)),
        ]
    }
    means, trust, novelty = np.zeros((n, k)), np.ones(n, np.float32), np.zeros(n, np.float32)
    for fold in range(options.n_folds):
        held = np.flatnonzero(folds == fold)
        fitted = fit_all(rows.take(np.flatnonzero(folds != fold)), options, seed=seed)
        means[held] = fitted.means
        inputs = rows.inputs.take(held)
        scaled = (TRAITS_WEIGHT * fitted.scale.of(inputs.traits)).astype(np.float32)
        said["trees"][held] = fitted.plain.trees.predict(inputs.traits)
        said["kinds"][held] = fitted.plain.kinds.predict(scaled)
        for a, words in enumerate(fitted.words):
            said[f"words{a}"][held] = words.predict(inputs.words)
        if inputs.vectors is None or fitted.vectorial is None or fitted.novelty is None:
            continue
        cosines = inputs.vectors @ fitted.vectorial.memory.T
        said["of_both"][held] = fitted.vectorial.kinds.predict(
            np.concatenate([inputs.vectors, scaled], axis=1)
        )
        for a, near in enumerate(fitted.near):
            said[f"near{a}"][held] = near.predict(cosines)
        novelty[held] = fitted.novelty.rank(cosines)
        trust[held] = fitted.novelty.trust(novelty[held])
    gains = rows.scores - means
    by_alpha = {h: [said[f"{h}{a}"] for a in range(n_alphas)] for h in ("words", "near")}
    at = {h: best_alphas(s, gains, rows.is_known) for h, s in by_alpha.items()}
    best = {h: join(s[at[h][0]], s[at[h][1]]) for h, s in by_alpha.items()}
    plain = [best["words"], said["trees"], said["kinds"]]
    heads = [*plain, best["near"], said["of_both"]] if has_vectors else []
    return Crossed(folds, Choices(at["words"], at["near"]), means, plain, heads, trust, novelty)


@dataclass(frozen=True, slots=True)
class Top:
    """How the heads come together, and what that gave on rows unseen by heads, mix and curves alike."""

    mix: Mix
    curves: Curves
    p_ok: Floats


def fit_top(crossed: Crossed, heads: list[Matrix], rows: Examples) -> Top:
    """Fit mix and curves on all rows; for p_ok, on the other folds."""
    gains = rows.scores - crossed.means
    scores = np.where(rows.is_known, rows.scores, np.nan)

    def fitted(places: Places) -> tuple[Mix, Curves]:
        mix = fit_mix([h[places] for h in heads], gains[places])
        raw = crossed.means[places] + mix.of([h[places] for h in heads])
        return mix, fit_curves(raw, scores[places])

    p_ok = np.zeros_like(rows.scores)
    for fold in np.unique(crossed.folds):
        held = np.flatnonzero(crossed.folds == fold)
        mix, curves = fitted(np.flatnonzero(crossed.folds != fold))
        raw = crossed.means[held] + mix.of([h[held] for h in heads])
        p_ok[held] = curves.of(raw.astype(np.float32))
    return Top(*fitted(np.arange(len(gains))), p_ok)
