"""What the router would expect a call to cost before a policy has learnt how long answers are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepwell.evals.tune.expected import Prices, prices_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.rows import Outcomes

    Floats = NDArray[np.float64]

_USUAL_TOKENS = 200.0


def usual_costs(outcomes: Outcomes, given: Prices, listed: Prices) -> tuple[Floats, str]:
    """USD of each row on each tier for its input and the tier's usual answer, shape (n, k).

    Also says, in words, where a price was made up.

    Raises:
        BadRequest: A tier has no price, and no recorded costs to take one from.
    """
    prices, assumed = prices_for(outcomes, given, listed)
    columns = []
    for j, tier in enumerate(outcomes.tiers):
        written = outcomes.out_tokens[:, j]
        is_known = ~np.isnan(written)
        usual = float(written[is_known].mean()) if is_known.any() else _USUAL_TOKENS
        usd_in, usd_out = prices[tier]
        columns.append((outcomes.n_input_tokens * usd_in + usual * usd_out) / 1e6)
    return np.column_stack(columns), assumed
