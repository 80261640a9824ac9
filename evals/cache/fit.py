"""Boosted trees on features of pairs, and log-odds that mean what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepwell.memory.cache.verifier import late
from stepwell.memory.cache.verifier.model import FEATURES
from stepwell.memory.cache.verifier.trees import Trees

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

N_FOLDS = 4
LEAST_SLOPE = 0.05  # a higher score never means less likely the same
# More alike never means less likely the same. Not so for shared words: "from A to B" shares all with "from B to A"
RISING = (
    "cosine",
    "same_piece_mean",
    "left_cosine",
    "centre_cosine",
    "late_max",
    "late_min",
    "late_idf_max",
    "late_idf_min",
)
_LATE = [i for i, name in enumerate(FEATURES) if name in late.NAMES]
# Training text is full of near-misses on purpose, so trees trust similarity less than common questions allow. On QQP
# and MQP 3 to 20 lift AUROC by .010 to .021, on CheckList they cost .009 to .049; near-misses stay at .99 and more.
SIMILARITY_ODDS = 6.0
SIMILARITY_AT = 0.9  # neither raises nor lowers log-odds here


def fit_trees(rows: Floats, same: Bools, weight: Floats, *, seed: int = 0, n_trees: int = 250) -> Trees:
    """Histogram gradient boosting (Ke et al. 2017, LightGBM, as scikit-learn has it).

    Args:
        rows: `model.FEATURES` of each pair, shape (n, k); some without word pieces, see `without_pieces`.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    learner = HistGradientBoostingClassifier(
        max_iter=n_trees, learning_rate=0.08, max_leaf_nodes=16, max_depth=7, min_samples_leaf=60,
        l2_regularization=5.0, max_features=0.4, early_stopping=False, random_state=seed,
        monotonic_cst=[int(name in RISING) for name in FEATURES],
    )  # fmt: skip
    learner.fit(rows, same, sample_weight=weight / weight.mean())
    return trees_of(learner)


def trees_of(learner: Any) -> Trees:
    """The trees of one of scikit-learn's histogram learners."""
    nodes = [predictors[0].nodes for predictors in learner._predictors]
    starts = np.cumsum([0, *(len(n) for n in nodes)])[:-1]
    every = np.concatenate(nodes)
    offset = np.repeat(starts, [len(n) for n in nodes])
    is_leaf = every["is_leaf"].astype(bool)
    here = np.arange(len(every))
    return Trees(
        roots=starts.astype(np.int32),
        feature=np.where(is_leaf, 0, every["feature_idx"]).astype(np.int32),
        cut=np.where(is_leaf, np.nan, every["num_threshold"]).astype(np.float32),
        left=np.where(is_leaf, here, every["left"] + offset).astype(np.int32),
        right=np.where(is_leaf, here, every["right"] + offset).astype(np.int32),
        nan_left=every["missing_go_to_left"].astype(bool),
        value=np.where(is_leaf, every["value"], 0).astype(np.float32),
        depth=int(every["depth"].max()),
        start=float(np.ravel(learner._baseline_prediction)[0]),
    )


def without_pieces(rows: Floats) -> Floats:
    """The same pairs as they look with an embedder that shows no word pieces."""
    made = rows.copy()
    made[:, _LATE] = np.nan
    return made


def platt(score: Floats, same: Bools, weight: Floats) -> tuple[float, float]:
    """Slope (0.05 at least) and intercept that make log-odds of a score (Platt 1999), by damped Newton steps."""
    columns = np.stack([score, np.ones_like(score)], axis=1).astype(np.float64)
    share = weight.astype(np.float64) / weight.sum()
    sign = np.where(same, 1.0, -1.0)

    def loss(w: NDArray[np.float64]) -> float:
        return float(share @ np.logaddexp(0, -sign * (columns @ w)) + 1e-6 * w @ w)

    w = np.zeros(2)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(columns @ w, -30, 30)))
        gradient = columns.T @ (share * (p - same)) + 2e-6 * w
        hessian = (columns * (share * p * (1 - p))[:, None]).T @ columns + 2e-6 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        while loss(w - step) > loss(w) and np.abs(step).max() > 1e-9:
            step /= 2
        w -= step
        if np.abs(step).max() < 1e-7:
            break
    if w[0] >= LEAST_SLOPE:
        return float(w[0]), float(w[1])
    return LEAST_SLOPE, platt_intercept(LEAST_SLOPE * score, same, share)


def platt_intercept(score: Floats, same: Bools, share: NDArray[np.float64]) -> float:
    """The intercept alone, by bisection: P is right on average."""
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        if share @ (1 / (1 + np.exp(-(score + middle)))) > share @ same:
            high = middle
        else:
            low = middle
    return middle


def fit_calibrated(
    rows: Floats, same: Bools, weight: Floats, group: Ints, *, seed: int = 0, n_trees: int = 250
) -> tuple[Trees, Floats, Floats]:
    """Trees on all pairs, and a calibration from trees that had not seen a pair's group.

    Returns:
        The trees, the calibration as a `Model` holds it, and each pair's log-odds by trees that had not seen it.
    """
    fold = np.random.default_rng(seed).permutation(N_FOLDS * 100_000)[group % (N_FOLDS * 100_000)] % N_FOLDS
    unseen = np.empty((2, len(rows)), dtype=np.float32)
    bare = without_pieces(rows)
    for k in range(N_FOLDS):
        out = fold == k
        trees = _fit_both(rows[~out], bare[~out], same[~out], weight[~out], seed, n_trees)
        unseen[0, out], unseen[1, out] = trees.sum(rows[out]), trees.sum(bare[out])
    calibration = np.array([_leaning(*platt(unseen[i], same, weight)) for i in (0, 1)], dtype=np.float32)
    trees = _fit_both(rows, bare, same, weight, seed, n_trees)
    slope, intercept, similarity = calibration[0]
    return trees, calibration, slope * unseen[0] + intercept + similarity * rows[:, 0]


def _leaning(slope: float, intercept: float) -> tuple[float, float, float]:
    return slope, intercept - SIMILARITY_ODDS * SIMILARITY_AT, SIMILARITY_ODDS


def _fit_both(rows: Floats, bare: Floats, same: Bools, weight: Floats, seed: int, n_trees: int) -> Trees:
    """A quarter of the pairs a second time, without word pieces."""
    also = np.random.default_rng(seed).random(len(rows)) < 0.25
    return fit_trees(
        np.concatenate([rows, bare[also]]),
        np.concatenate([same, same[also]]),
        np.concatenate([weight, weight[also]]),
        seed=seed,
        n_trees=n_trees,
    )
