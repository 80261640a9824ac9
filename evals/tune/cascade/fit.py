"""Learn from outcomes when agreeing cheap answers can be accepted."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.cascade.rows import Compared, compare_rows
from stepwell.evals.tune.fit import fit_trees
from stepwell.router.cascade.accept import blended
from stepwell.router.cascade.learned import LearnedAccept, n_signs, scaled

__all__ = ["compare_rows", "cross_fitted", "fit_accept", "save_accept"]

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]

_OTHERS_DAMPING = 0.8
_INVERSE_PENALTIES = (0.001, 0.01, 0.05)
_MIN_ROWS = 40
_MIN_SPREAD = 1e-6
_N_TREES, _MIN_LEAF, _MAX_DEPTH = 120, 8, 14


def fit_accept(rows: Compared, *, seed: int = 0) -> LearnedAccept:
    """Learn an accept score from every row; seconds for thousands of rows.

    Raises:
        BadRequest: Too few rows.
    """
    if len(rows) < _MIN_ROWS:
        raise BadRequest(f"An accept score needs {_MIN_ROWS} rows that compare; there are {len(rows)}.")
    return _fit(rows.features(), rows, np.arange(len(rows)), seed)


def cross_fitted(
    rows: Compared, *, n_folds: int = 5, groups: Sequence[str] | None = None, seed: int = 0
) -> tuple[Matrix, Floats]:
    """What scores say of rows that they were not learnt on.

    Args:
        groups: One name a row: each group is left out whole, in place of random folds.

    Returns:
        p_ok of the first opinion, the served one and the strong tier, shape (n, 3), and need, shape (n,).
    """
    x, n = rows.features(), len(rows)
    if groups is None:
        fold = np.random.default_rng(seed).permutation(n) % n_folds
    else:
        fold = np.unique(np.array(groups), return_inverse=True)[1]
    p_ok, need = np.zeros((n, 3), np.float32), np.zeros(n)
    for k in np.unique(fold):
        learned = _fit(x, rows, np.flatnonzero(fold != k), seed)
        p_ok[fold == k], need[fold == k] = learned.rate_all(x[fold == k])
    return p_ok, np.array([blended(n, r) for n, r in zip(need, rows.unlabelled_need(), strict=True)])


def save_accept(path: str | os.PathLike[str], learned: LearnedAccept) -> None:
    """Write an accept score as npz, without pickle."""
    with open(path, "wb") as file:
        np.savez(file, **learned.arrays())  # type: ignore[arg-type]  # the stub takes a name for an option


def _fit(x: Matrix, rows: Compared, at: NDArray[np.intp], seed: int) -> LearnedAccept:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a feature that no row knows
        mean, spread = np.nanmean(x[at], axis=0), np.nanstd(x[at], axis=0)
    mean = np.nan_to_num(mean).astype(np.float32)
    spread = np.where(np.nan_to_num(spread) < _MIN_SPREAD, 0, np.nan_to_num(spread)).astype(np.float32)
    damping = np.full(x.shape[1], _OTHERS_DAMPING, np.float32)
    damping[: n_signs(len(rows.cheap))] = 1
    z = scaled(x[at], mean, spread)
    first, strong = rows.scores[at, 0], rows.scores[at, -1]
    agreed = rows.served[at] >= 0
    heads = [
        _logistic(z * damping, first, seed),
        _logistic((z * damping)[agreed], rows.served_scores[at][agreed], seed)
        if agreed.sum() >= _MIN_ROWS
        else _logistic(z * damping, first, seed),
        _logistic(z * damping, strong, seed),
    ]
    return LearnedAccept(
        tiers=rows.cheap,
        mean=mean,
        spread=spread,
        damping=damping,
        weights=np.column_stack([w for w, _ in heads]).astype(np.float32),
        bias=np.array([b for _, b in heads], np.float32),
        trees=fit_trees(
            z,
            np.column_stack([first, strong]),
            n_trees=_N_TREES,
            min_leaf=_MIN_LEAF,
            max_depth=_MAX_DEPTH,
            seed=seed,
        ),
    )


def _logistic(z: Matrix, score: Floats, seed: int) -> tuple[Floats, float]:
    """Weights and bias; the penalty is the one of two with the lower loss on rows left out."""
    share = float(score.mean())
    if min(share, 1 - share) * len(score) < 5:
        odds = float(np.clip(share, 0.01, 0.99))
        return np.zeros(z.shape[1]), float(np.log(odds / (1 - odds)))
    fold = np.random.default_rng(seed).permutation(len(z)) % 4
    losses = [
        sum(
            _loss(z[fold == k], score[fold == k], _solved(z[fold != k], score[fold != k], c))
            for k in range(4)
        )
        for c in _INVERSE_PENALTIES
    ]
    return _solved(z, score, _INVERSE_PENALTIES[int(np.argmin(losses))])


def _solved(z: Matrix, score: Floats, inverse_penalty: float) -> tuple[Floats, float]:
    from sklearn.linear_model import LogisticRegression

    # a score between 0 and 1 counts as so much of a right and so much of a wrong answer
    rows, labels = np.concatenate([z, z]), np.repeat([1, 0], len(z))
    weight = np.concatenate([score, 1 - score])
    used = weight > 0
    made = LogisticRegression(C=inverse_penalty, max_iter=500)
    made.fit(rows[used], labels[used], sample_weight=weight[used])
    return made.coef_[0], float(made.intercept_[0])


def _loss(z: Matrix, score: Floats, head: tuple[Floats, float]) -> float:
    log_odds = z @ head[0] + head[1]
    return float((np.logaddexp(0, log_odds) - score * log_odds).sum())
