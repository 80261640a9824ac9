"""How long each tier's answers are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.rows import Outcomes
    from stepwell.router.learned.heads import Scale
    from stepwell.router.learned.inputs import Inputs

    Matrix = NDArray[np.float32]

_RIDGE = 10.0
_MIN_ROWS = 20


def fit_lengths(outcomes: Outcomes, inputs: Inputs, scale: Scale) -> Matrix:
    """Ridge on the logarithm of each tier's answer in tokens; NaN for a tier without lengths."""
    x = scale.of(inputs.traits).astype(np.float64)
    made = np.full((x.shape[1] + 1, len(outcomes.tiers)), np.nan)
    for j, tokens in enumerate(outcomes.out_tokens.T):
        is_known = ~np.isnan(tokens)
        if is_known.sum() < _MIN_ROWS:
            continue
        logs, of = np.log(np.maximum(tokens[is_known], 1)), x[is_known]
        centre = of.mean(axis=0)
        off = of - centre
        weights = np.linalg.solve(off.T @ off + _RIDGE * np.eye(len(centre)), off.T @ (logs - logs.mean()))
        made[:, j] = [logs.mean() - centre @ weights, *weights]
    return made.astype(np.float32)
