"""The lowest P(same) from which on serving keeps the error budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEVER = 2.0  # above any probability
_BEST_RATIO = 0.2  # the model is not thought more than five times too careful


@dataclass(frozen=True, slots=True)
class Told:
    """Verdicts beside what the gate had said before them.

    Attributes:
        p_same: Shape (n,).
        is_same: 0..1, as in Judgement; shape (n,).
        counts: Requests that each stands for, shape (n,).
        judge_error: Share of the verdicts thought wrong.
    """

    p_same: NDArray[np.float64]
    is_same: NDArray[np.float64]
    counts: NDArray[np.float64]
    judge_error: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut:
    """P(same) from which on to serve, and the share of wrong hits that may follow; NEVER and None without one."""

    p_same: float = NEVER
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Above:
    """Sums over the verdicts at or above some cuts, each shape (k,).

    Attributes:
        n: Requests.
        n_wrong: Of those, thought wrong, after the judge's own errors; below 0 by chance.
        variance: Of `n_wrong`.
        expected_wrong: By the model.
    """

    n: NDArray[np.float64]
    n_wrong: NDArray[np.float64]
    variance: NDArray[np.float64]
    expected_wrong: NDArray[np.float64]


def lowest_cut(
    p_same: NDArray[np.float64], told: Told, *, max_error: float, trust: float, reach: float, caution: float
) -> Cut:
    """The P from which on at most `max_error` of all that is served is wrong.

    The model's expectation over recent requests, times how much more was wrong than it had said of late: while a
    cache fills up, the same features come to mean less error, or more (prequential: Dawid 1984, J. R. Statist. Soc. A
    147:278). That ratio is drawn towards 1 as if `trust` wrong answers had been foretold and seen; `caution` standard
    deviations are added to it, so that the more verdicts there are, the nearer the budget is come to.

    Args:
        p_same: Of recent requests, shape (n,).
        reach: Verdicts count where 1 - P was up to this many times that at the cut.
    """
    import numpy as np

    if not len(p_same):
        return Cut()
    cuts = -np.sort(-p_same)
    n_hits = np.searchsorted(-cuts, -cuts, side="right")  # a cut serves all that are as likely
    expected = np.cumsum(1 - cuts)[n_hits - 1] / n_hits
    error = expected * _ratio(above(1 - reach * (1 - cuts), told), trust, caution)
    kept = np.flatnonzero(error <= max_error)
    return Cut(float(cuts[kept[-1]]), float(error[kept[-1]])) if len(kept) else Cut()


def above(cuts: NDArray[np.float64], told: Told) -> Above:
    """What was judged from each cut on. Judge errors are taken out (Rogan & Gladen 1978, Am. J. Epidemiol. 107:71)."""
    import numpy as np

    order = np.argsort(-told.p_same, kind="stable")
    counts, p = told.counts[order], told.p_same[order]
    e, span = told.judge_error, 1 - 2 * told.judge_error
    judged_wrong = e + span * (1 - p)
    at = np.searchsorted(-p, -cuts, side="right")

    def up_to(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate(([0.0], np.cumsum(x)))[at]

    return Above(
        n=up_to(counts),
        n_wrong=up_to(counts * (1 - told.is_same[order] - e) / span),
        variance=up_to(counts**2 * judged_wrong * (1 - judged_wrong) / span**2),
        expected_wrong=up_to(counts * (1 - p)),
    )


def _ratio(seen: Above, trust: float, caution: float) -> NDArray[np.float64]:
    """How much worse than expected, at worst; verdicts weigh by what they say of the ratio (inverse variance)."""
    import numpy as np

    expected = np.maximum(seen.expected_wrong, 1e-9)
    weight = seen.expected_wrong**2 / np.maximum(seen.variance, 1e-9)
    mean = np.maximum(_BEST_RATIO, (trust + weight * seen.n_wrong / expected) / (trust + weight))
    return np.asarray(mean + caution * np.sqrt(mean / (trust + weight)))
