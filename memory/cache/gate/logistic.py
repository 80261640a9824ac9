"""A small logistic regression with a prior, on verdicts of which some are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.memory.cache.gate.belief import Belief

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.memory.cache.gate.evidence import Verdicts

_MAX_STEPS = 40
_TOLERANCE = 1e-4
_MAX_STEP = 4.0


@dataclass(frozen=True, slots=True)
class JudgeError:
    """Share of verdicts that are wrong: what is thought of it, and its standard deviation; never above `mean`."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Fit:
    """What the verdicts taught.

    Attributes:
        judge_error: Share of the verdicts thought wrong.
    """

    belief: Belief
    judge_error: float


@dataclass(frozen=True, slots=True)
class _Point:
    """The likelihood at one setting of weights and judge error: residuals, slopes, information."""

    pull: NDArray[np.float64]
    by_log_odds: NDArray[np.float64]
    by_error: NDArray[np.float64]
    information: NDArray[np.float64]


def fit_logistic(found: Verdicts, prior: Belief, start: Belief, judge: JudgeError) -> Fit:
    """Most likely weights by Fisher scoring (McCullagh & Nelder, Generalized Linear Models, 1989, 2.5).

    With a share e of wrong verdicts P(judged same) is e + (1 - 2 e) P(same), and e is fitted along (Hausman et al.
    1998, J. Econometrics 87:239): else a wrong verdict on a sure case flattens every slope.

    Args:
        found: At least one verdict.
        start: Where to begin, so that few steps are needed.
    """
    import numpy as np

    precision = np.linalg.inv(prior.covariance)
    weights, error = start.mean.copy(), judge.mean
    for _ in range(_MAX_STEPS):
        at = _point(found, weights, error)
        hessian = (found.rows * at.information[:, None]).T @ found.rows + precision
        gradient = found.rows.T @ (at.pull * at.by_log_odds) - precision @ (weights - prior.mean)
        step = np.asarray(np.linalg.solve(hessian, gradient), dtype=np.float64)
        largest = float(np.abs(step).max())
        weights = weights + step * min(1.0, _MAX_STEP / (largest + 1e-12))
        moved = _next_error(found, at, hessian, step, error, judge) - error
        error += moved
        if largest < _TOLERANCE and abs(moved) < _TOLERANCE:
            break
    at = _point(found, weights, error)
    hessian = (found.rows * at.information[:, None]).T @ found.rows + precision
    belief = Belief(weights, np.linalg.inv(hessian))
    return Fit(belief, error)


def _point(found: Verdicts, weights: NDArray[np.float64], error: float) -> _Point:
    import numpy as np

    p = 1 / (1 + np.exp(-np.clip(found.rows @ weights, -30.0, 30.0)))
    judged = np.clip(error + (1 - 2 * error) * p, 1e-6, 1 - 1e-6)
    sure = found.counts / (judged * (1 - judged))
    by_log_odds = (1 - 2 * error) * p * (1 - p)
    return _Point(sure * (found.is_same - judged), by_log_odds, 1 - 2 * p, sure * by_log_odds**2)


def _next_error(
    found: Verdicts,
    at: _Point,
    hessian: NDArray[np.float64],
    step: NDArray[np.float64],
    error: float,
    judge: JudgeError,
) -> float:
    """One step for the judge's error, the weights moving along."""
    import numpy as np

    if judge.mean <= 0 or judge.sd <= 0:
        return judge.mean
    sure = at.information / np.maximum(at.by_log_odds**2, 1e-30)
    cross = found.rows.T @ (sure * at.by_log_odds * at.by_error)
    gradient = float((at.pull * at.by_error).sum() - cross @ step) - (error - judge.mean) / judge.sd**2
    information = float((sure * at.by_error**2).sum() - cross @ np.linalg.solve(hessian, cross))
    return min(judge.mean, max(0.0, error + gradient / (max(information, 0.0) + judge.sd**-2)))
