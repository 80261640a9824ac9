"""What is thought of the weights of a logistic regression, and of the requests that they score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Belief:
    """Normal distribution of the weights.

    Attributes:
        mean: Shape (d,).
        covariance: Shape (d, d).
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def p_same(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(same) of each row, shape (n,), averaged over the weights: where little is known, nearer to .5.

        Args:
            rows: Features after a leading 1, shape (n, d).
        """
        import numpy as np

        variance = ((rows @ self.covariance) * rows).sum(axis=1)
        # MacKay 1992, Neural Computation 4:720
        log_odds = rows @ self.mean / np.sqrt(1 + math.pi / 8 * variance)
        return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -30.0, 30.0))))
