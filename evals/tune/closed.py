"""Rows that a fine-tuned tier has no outcome of: there the router leaves it out, and so does every test of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.rows import Outcomes

    Floats = NDArray[np.float64]

_A_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Closed:
    """Which cells are closed, shape (n, k); in them the dearest tier stands in, a hair less likely to be chosen.

    So a choice among the tiers of a row is one among its open ones.

    Attributes:
        mixable: Places of the tiers that a mix may send to: it looks at no ask.
    """

    cells: NDArray[np.bool_]
    mixable: tuple[int, ...]

    @classmethod
    def of(cls, outcomes: Outcomes, narrow: Collection[str]) -> Closed:
        """Those of the `narrow` tiers without a score, where the dearest tier has one."""
        is_narrow = np.array([*(t in narrow for t in outcomes.tiers[:-1]), False])
        lacking = np.isnan(outcomes.scores)
        return cls(lacking & is_narrow & ~lacking[:, -1:], tuple(np.flatnonzero(~is_narrow).tolist()))

    def outcomes(self, outcomes: Outcomes) -> Outcomes:
        """With the scores as they would be served."""
        return replace(outcomes, scores=self._stood_in(outcomes.scores))

    def costs(self, costs: Floats) -> Floats:
        return self._stood_in(costs)

    def p_ok(self, p_ok: Floats) -> Floats:
        return np.where(self.cells, p_ok[:, -1:] - _A_HAIR, p_ok)

    def said(self, outcomes: Outcomes) -> list[str]:
        """A sentence for each tier that some rows have no score of, and what the test makes of them."""
        lacking, n = np.isnan(outcomes.scores), len(outcomes)
        found = []
        for j, tier in enumerate(outcomes.tiers):
            n_lacking, n_closed = int(lacking[:, j].sum()), int(self.cells[:, j].sum())
            if n_lacking:
                what = (
                    "tested without it there"
                    if n_closed == n_lacking
                    else "rows without a score are not tested"
                )
                found.append(f"{tier} has no score on {n_lacking:,} of {n:,} rows: {what}.")
        return found

    def _stood_in(self, values: Floats) -> Floats:
        return np.where(self.cells, values[:, -1:], values)
