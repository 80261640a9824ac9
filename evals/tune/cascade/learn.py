"""What a tuning learns of a cascade, where outcomes hold answers: whether it pays, and when to accept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.cascade.fit import cross_fitted, fit_accept
from stepwell.evals.tune.cascade.rows import compare_rows
from stepwell.evals.tune.cascade.study import Study, prior_of, study
from stepwell.router.cascade.plan import Prior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.rows import Outcomes
    from stepwell.router.cascade.learned import LearnedAccept

    Floats = NDArray[np.float64]

MIN_ROWS = 100


@dataclass(frozen=True, slots=True)
class LearntCascade:
    """A cascade of the two cheapest tiers before the dearest.

    Attributes:
        study: On rows that its accept score was not learnt on.
    """

    cheap: tuple[str, str]
    strong: str
    accept: LearnedAccept
    prior: Prior
    study: Study

    @property
    def said(self) -> str:
        """One sentence."""
        return f"Asking {self.cheap[0]} and {self.cheap[1]} first and comparing {self.study.why}."


def learn_cascade(outcomes: Outcomes, costs: Floats, *, seed: int = 0) -> LearntCascade | None:
    """Learn from rows whose answers compare; None with fewer than three tiers or 100 such rows.

    Args:
        costs: USD of each call, shape (n, k), tiers cheapest first.
    """
    if len(outcomes.tiers) < 3 or not any(outcomes.answers):
        return None
    cheap, strong = (outcomes.tiers[0], outcomes.tiers[1]), outcomes.tiers[-1]
    try:
        rows = compare_rows(outcomes, cheap, strong)
    except BadRequest:
        return None
    if len(rows) < MIN_ROWS:
        return None
    _, need = cross_fitted(rows, seed=seed)
    found = study(rows, need, costs[rows.at][:, [0, 1, -1]], seed=seed)
    return LearntCascade(cheap, strong, fit_accept(rows, seed=seed), prior_of(rows, pays=found.pays), found)
