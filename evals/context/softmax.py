"""Fits of a few weights: which of many turns is the one, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_RIDGE = 3.0


def softmax_fit(
    rows: Sequence[Floats], evidence: Sequence[NDArray[np.int64]], ridge: float = _RIDGE
) -> Floats:
    """Weights that give the evidence the largest share among all turns (listwise softmax, ridge)."""
    from scipy.optimize import minimize

    lengths = np.array([r.shape[1] for r in rows])
    begins = np.cumsum(lengths) - lengths
    at = np.repeat(np.arange(len(rows)), lengths)
    x = np.concatenate([r.T for r in rows]).astype(np.float64)
    target = np.zeros(len(x))
    for begin, found in zip(begins, evidence, strict=True):
        target[begin + found] = 1 / len(found)

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = x @ w
        scores -= np.maximum.reduceat(scores, begins)[at]
        shares = np.exp(scores)
        total = np.add.reduceat(shares, begins)
        missed = -(target * (scores - np.log(total)[at])).sum()
        return float(missed + ridge / 2 * w @ w), x.T @ (shares / total[at] - target) + ridge * w

    found = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return np.asarray(found.x, dtype=np.float32)


def logistic_fit(shares: Floats, needed: Floats) -> tuple[float, float]:
    """Slope and intercept from log-shares to log-odds, by likelihood."""
    from scipy.optimize import minimize

    def loss(w: NDArray[np.float64]) -> float:
        odds = w[0] * shares + w[1]
        return float((np.logaddexp(0, odds) - needed * odds).sum())

    found = minimize(loss, np.array([1.0, 0.3]), method="Nelder-Mead")
    return float(found.x[0]), float(found.x[1])
