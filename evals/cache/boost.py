"""Trees that begin where another model's log-odds end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stepwell.evals.cache.fit import trees_of
from stepwell.memory.cache.verifier.trees import Trees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Bools = NDArray[np.bool_]

RATE = 0.1
N_STEPS = 64


def boosted(rows: Floats, same: Bools, start: Floats, *, n: int, seed: int) -> Trees:
    """`n` small trees that lower the log loss from `start` on (Newton boosting: Friedman, Hastie, Tibshirani 2000).

    Args:
        start: Log-odds that each row has without them, shape (n rows,).
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    edges = [_edges(column) for column in rows.T]
    steps = _steps(rows, edges)
    score = start.astype(np.float64).copy()
    made: list[Trees] = []
    for i in range(n):
        p = 1 / (1 + np.exp(-np.clip(score, -15, 15)))
        weight = np.maximum(p * (1 - p), 1e-3)
        learner = HistGradientBoostingRegressor(
            max_iter=1, learning_rate=RATE, max_leaf_nodes=6, min_samples_leaf=20, l2_regularization=5.0,
            max_features=0.4, early_stopping=False, random_state=seed + i,
        )  # fmt: skip
        learner.fit(steps, np.clip((same - p) / weight, -4, 4), sample_weight=weight)
        tree = _without_start(trees_of(learner))
        made.append(_in_values(tree, edges))
        score += tree.sum(steps)
    return Trees.joined(*made) if made else Trees.none()


def _edges(column: Floats) -> Floats:
    """Values at which a column may be cut, rising; one at least."""
    known = column[~np.isnan(column)]
    return (
        np.unique(np.quantile(known, np.linspace(0, 1, N_STEPS), method="lower"))
        if len(known)
        else column[:1] * 0
    )


def _steps(rows: Floats, edges: list[Floats]) -> Floats:
    """The rows with the number of each value's step in its place: the learner sorts these fast, time and again."""
    made = rows.copy()
    for column, cuts in zip(made.T, edges, strict=True):
        here = ~np.isnan(column)
        column[here] = np.searchsorted(cuts, column[here], side="left")
        if not here.any():
            column[:] = 0  # a column without any value can't be learned from
    return made


def _in_values(tree: Trees, edges: list[Floats]) -> Trees:
    """Cuts between steps as cuts between values."""
    cut = [
        edges[f][min(int(c), len(edges[f]) - 1)] if np.isfinite(c) else c  # infinite: all but NaN go left
        for c, f in zip(tree.cut, tree.feature, strict=True)
    ]
    return replace(tree, cut=np.array(cut, dtype=np.float32))


def _without_start(tree: Trees) -> Trees:
    """The same tree with its start in its leaves, so that trees can be left out one by one."""
    return replace(tree, value=(tree.value + tree.start).astype(np.float32), start=0.0)
