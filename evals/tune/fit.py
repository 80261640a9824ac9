"""Fit one head each: closed forms, and one forest (scikit-learn, imported here alone)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepwell.router.learned.heads import Kinds, Near, Scale, Trees, Words
from stepwell.router.learned.inputs import N_WORD_BUCKETS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]

_MIN_SPREAD = 1e-6
_CG_TOLERANCE, _MAX_CG_STEPS, _MIN_NORM = 1e-5, 300, 1e-300
_KIND_PRIOR_ROWS = 10  # a kind's mean leans on the whole as if it had these rows more
_CENTRE_PRIOR_ROWS = 2


def fit_scale(traits: Matrix) -> Scale:
    """Mean and spread of every trait."""
    spread = traits.std(axis=0)
    return Scale(traits.mean(axis=0), np.where(spread < _MIN_SPREAD, 1, spread).astype(np.float32))


def fit_kinds(inputs: Matrix, gains: Floats, kinds: Places, *, ridge: float, sharpness: float) -> Kinds:
    """Linear discriminant with one shrunk covariance; mean gains shrunk to 0.

    Args:
        gains: Scores less the tiers' means, shape (n, k).
        kinds: Which kind each row is, 0..c-1, shape (n,); every kind occurs.
        ridge: Added to the covariance.
        sharpness: Below 1 softens the discriminant's log-odds, which are too sure of themselves.
    """
    x = inputs.astype(np.float64)
    n_of = np.bincount(kinds).astype(np.float64)
    sums, gain_sums = np.zeros((len(n_of), x.shape[1])), np.zeros((len(n_of), gains.shape[1]))
    np.add.at(sums, kinds, x)
    np.add.at(gain_sums, kinds, gains)
    centres = (sums + _CENTRE_PRIOR_ROWS * x.mean(axis=0)) / (n_of + _CENTRE_PRIOR_ROWS)[:, None]
    off = x - centres[kinds]
    weights = np.linalg.solve(off.T @ off / len(x) + ridge * np.eye(x.shape[1]), centres.T)
    bias = np.log(n_of / n_of.sum()) - 0.5 * (centres * weights.T).sum(axis=1)
    means = gain_sums / (n_of + _KIND_PRIOR_ROWS)[:, None]
    return Kinds(_f32(sharpness * weights), _f32(sharpness * bias), _f32(means))


def fit_near(
    both: Matrix, gains: Floats, memory: Places, *, width: float, alphas: Sequence[float]
) -> list[Near]:
    """Kernel ridge; where `memory` is a part of the rows, by Nystroem (Williams and Seeger, 2000).

    Args:
        both: [vector, weighted traits], shape (n, d).
        memory: Places of the rows that are remembered.
        alphas: Ridge penalties; one head each.
    """
    # in double: with near-twins among the rows, the kernel is singular but for its last digits
    exact = both.astype(np.float64)
    norms = (exact * exact).sum(axis=1)
    kernel = exact @ exact[memory].T
    kernel -= 0.5 * (norms[:, None] + norms[memory])
    np.exp(kernel / width, out=kernel)
    own = kernel[memory]
    if len(memory) == len(both):
        gram, seen, penalty = own, gains[memory], np.eye(len(memory))
    else:
        gram, seen, penalty = kernel.T @ kernel, kernel.T @ gains, own + 1e-6 * np.eye(len(memory))
    return [Near(_f32(_solve(gram + alpha * penalty, seen)), width) for alpha in alphas]


def fit_words(words: Sequence[Places], gains: Floats, *, alphas: Sequence[float]) -> list[Words]:
    """Ridge on hashed words."""
    from scipy.sparse import csr_array

    ends = np.cumsum([0, *map(len, words)])
    places = np.concatenate([*words, np.zeros(0, np.intp)]).astype(np.int32)
    seen = np.bincount(places, minlength=N_WORD_BUCKETS)
    rarity = np.where(seen > 0, np.log((1 + len(words)) / (1 + seen)) + 1, 0)
    table = csr_array((rarity[places], places, ends), shape=(len(words), N_WORD_BUCKETS))
    norms = np.sqrt(np.asarray((table * table).sum(axis=1)).ravel())
    table = csr_array(
        (table.data / np.repeat(np.maximum(norms, 1e-9), np.diff(ends)), places, ends), table.shape
    )
    centre = np.asarray(table.mean(axis=0)).ravel()
    made = []
    for alpha in alphas:
        weights = _sparse_ridge(table, gains, alpha)
        made.append(Words(_f32(weights * rarity[:, None]), _f32(rarity), _f32(-centre @ weights)))
    return made


def _sparse_ridge(table: csr_array, right: Floats, alpha: float) -> Floats:
    """(X'X + alpha I)^-1 X'Y by conjugate gradients, every column for itself: many rows cost little."""
    weights = np.zeros((table.shape[1], right.shape[1]))
    residual = table.T @ right
    direction, norms = residual.copy(), (residual * residual).sum(axis=0)
    stop = _CG_TOLERANCE**2 * norms
    for _ in range(_MAX_CG_STEPS):
        if (norms <= stop).all():
            break
        pushed = table.T @ (table @ direction) + alpha * direction
        step = norms / np.maximum((direction * pushed).sum(axis=0), _MIN_NORM)
        weights += step * direction
        residual -= step * pushed
        last, norms = norms, (residual * residual).sum(axis=0)
        direction = residual + norms / np.maximum(last, _MIN_NORM) * direction
    return weights


def fit_trees(
    traits: Matrix, gains: Floats, *, n_trees: int, min_leaf: int, max_depth: int, seed: int
) -> Trees:
    """Extremely randomised trees (Geurts et al., 2006) on the traits."""
    from sklearn.ensemble import ExtraTreesRegressor

    forest = ExtraTreesRegressor(
        n_trees, min_samples_leaf=min_leaf, max_depth=max_depth, max_features=0.3, random_state=seed
    )
    forest.fit(traits, gains)
    parts = [_flat(tree.tree_) for tree in forest.estimators_]
    starts = np.cumsum([0, *(len(part[0]) for part in parts)])[:-1]
    return Trees(
        starts.astype(np.intp),
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] + start for part, start in zip(parts, starts, strict=True)]),
        np.concatenate([part[3] for part in parts]),
        max(int(tree.tree_.max_depth) for tree in forest.estimators_),
    )


def _flat(tree: object) -> tuple[Places, Matrix, Places, Matrix]:
    feature, cut = np.array(tree.feature), np.array(tree.threshold)  # type: ignore[attr-defined]
    left, right = np.array(tree.children_left), np.array(tree.children_right)  # type: ignore[attr-defined]
    values = np.array(tree.value)  # type: ignore[attr-defined]
    is_leaf, own = left < 0, np.arange(len(left))
    children = np.column_stack([np.where(is_leaf, own, left), np.where(is_leaf, own, right)]).ravel()
    return (
        np.where(is_leaf, 0, feature).astype(np.intp),
        np.where(is_leaf, np.inf, cut).astype(np.float32),
        children.astype(np.intp),
        values.reshape(len(left), -1).astype(np.float32),
    )


def _solve(matrix: Floats, right: Floats) -> Floats:
    """Of a symmetric positive definite system."""
    from scipy.linalg import cho_factor, cho_solve

    solved: Floats = cho_solve(cho_factor(matrix, overwrite_a=True, check_finite=False), right)
    return solved


def _f32(values: Floats) -> Matrix:
    return np.ascontiguousarray(values, dtype=np.float32)
