"""The lowest P(same) from which serving keeps the error budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEVER = 2.0  # above any probability


@dataclass(frozen=True, slots=True)
class Held:
    """What the model says of verdicts that it was not fitted on.

    Attributes:
        p_same: Shape (n,).
        is_same: Verdicts, shape (n,).
        counts: Requests that each stands for, shape (n,).
    """

    p_same: NDArray[np.float64]
    is_same: NDArray[np.float64]
    counts: NDArray[np.float64]


def lowest_cut(
    p_same: NDArray[np.float64], held: Held, *, max_error: float, judge_error: float, n_trusted: float
) -> float:
    """The P from which on at most `max_error` of what is served is wrong; NEVER where there is none.

    Errors are counted over all that would be served, not request by request. The model's own expectation stands for
    `n_trusted` verdicts beside those seen above the cut.

    Args:
        p_same: Of recent requests, shape (n,).
    """
    import numpy as np

    if not len(p_same):
        return NEVER
    cuts = -np.sort(-p_same)
    expected = np.cumsum(1 - cuts) / np.arange(1, len(cuts) + 1)
    n_above, n_wrong = _above(cuts, held, judge_error)
    error = (n_trusted * expected + n_wrong) / (n_trusted + n_above)
    kept = np.flatnonzero(error <= max_error)
    return float(cuts[kept[-1]]) if len(kept) else NEVER


def _above(
    cuts: NDArray[np.float64], held: Held, judge_error: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Requests judged at or above each cut, and how many of those are thought wrong."""
    import numpy as np

    order = np.argsort(-held.p_same)
    n = np.concatenate(([0.0], np.cumsum(held.counts[order])))
    wrong = np.concatenate(([0.0], np.cumsum((held.counts * (1 - held.is_same))[order])))
    at = np.searchsorted(-held.p_same[order], -cuts, side="right")
    # some of those judged wrong were right (Rogan & Gladen 1978, Am. J. Epidemiol. 107:71)
    true_wrong = np.clip((wrong[at] - judge_error * n[at]) / (1 - 2 * judge_error), 0, n[at])
    return n[at], true_wrong
