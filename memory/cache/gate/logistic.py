"""A small logistic regression with a Gaussian prior, for verdicts that may themselves be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAX_STEPS = 25
_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Prior:
    """What the weights are thought to be before any evidence.

    Attributes:
        mean: Shape (d,).
        precision: 1 / variance of each weight, shape (d,).
    """

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights, and how far each row held them up.

    Attributes:
        weights: Shape (d,).
        left_out: Log-odds of each row as if it had not been fitted on, shape (n,).
    """

    weights: NDArray[np.float64]
    left_out: NDArray[np.float64]


def fit_logistic(
    rows: NDArray[np.float64],
    is_same: NDArray[np.float64],
    counts: NDArray[np.float64],
    prior: Prior,
    *,
    judge_error: float = 0.0,
) -> Fit:
    """Most likely weights by Fisher scoring (McCullagh & Nelder, Generalized Linear Models, 1989, 2.5).

    A verdict is thought to be wrong with probability `judge_error`, so P(judged same) is
    e + (1 - 2 e) P(same): wrong verdicts do not flatten the slope (Hausman et al. 1998, J. Econometrics 87:239).

    Args:
        rows: Shape (n, d), the first column 1.
        is_same: Verdicts, 0 or 1, shape (n,).
        counts: How many requests each row stands for, shape (n,).
    """
    import numpy as np

    weights = prior.mean.copy()
    span = 1.0 - 2.0 * judge_error
    leverage = np.zeros(len(rows))
    slope = np.zeros(len(rows))
    for _ in range(_MAX_STEPS):
        p = _sigmoid(rows @ weights)
        q = np.clip(judge_error + span * p, 1e-6, 1 - 1e-6)
        slope = span * p * (1 - p) / (q * (1 - q))  # d log likelihood / d log-odds, per unit of residual
        information = counts * slope * span * p * (1 - p)
        gradient = rows.T @ (counts * slope * (is_same - q)) - prior.precision * (weights - prior.mean)
        hessian = (rows * information[:, None]).T @ rows + np.diag(prior.precision)
        step = np.linalg.solve(hessian, gradient)
        weights = weights + step * min(1.0, 4.0 / (1e-12 + float(np.abs(step).max())))
        if float(np.abs(step).max()) < _TOLERANCE:
            break
    else:
        step = np.zeros_like(weights)
    if len(rows):
        reach = np.einsum("ij,ij->i", rows, np.linalg.solve(hessian, rows.T).T)
        leverage = np.minimum(information * reach, 0.9)
        # one Newton step without the row (Cook & Weisberg, Residuals and Influence in Regression, 1982, 5.2)
        pull = reach * counts * slope * (is_same - q) / (1 - leverage)
        return Fit(weights, rows @ weights - pull)
    return Fit(weights, np.zeros(0))


def _sigmoid(z: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(z, -30.0, 30.0))))
