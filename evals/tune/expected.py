"""What the router will expect each call to cost: from prices and the answer lengths that the policy has learnt."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.kept import inputs_of
from stepwell.evals.tune.rows import Outcomes
from stepwell.router.features import read_ask
from stepwell.router.learned.policy import Learned
from stepwell.router.tasks import read_task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.router.learned.bundle import Bundle

    Floats = NDArray[np.float64]

Prices = Mapping[str, tuple[float, float]]
# tokens read for each one written, as the router counts them where it sorts tiers
_INPUT_SHARE = 3
# what a pair without prices is taken for; of two tiers it moves no request, only the dollars shown
_PAIR = ((0.1, 0.1), (1.0, 1.0))


def expected_costs(bundle: Bundle, outcomes: Outcomes, prices: Prices) -> Floats:
    """Expected USD of each row on each tier, as the router counts them when it serves, shape (n, k)."""
    usd_in = np.array([prices[t][0] for t in outcomes.tiers])
    usd_out = np.array([prices[t][1] for t in outcomes.tiers])
    policy = Learned(bundle)
    costs = np.empty(outcomes.scores.shape)
    known = inputs_of(outcomes).traits
    for i, prompt in enumerate(outcomes.prompts):
        ask = read_ask(prompt)
        lengths = policy.lengths(known[i][None, :])
        usual = lengths.get(outcomes.tiers[-1]) or read_task(ask).n_output_tokens
        written = np.array([lengths.get(t, usual) for t in outcomes.tiers])
        costs[i] = (outcomes.n_input_tokens[i] * usd_in + written * usd_out) / 1e6
    return costs


def prices_for(
    outcomes: Outcomes, given: Prices, listed: Prices
) -> tuple[dict[str, tuple[float, float]], str]:
    """Prices of every tier, USD per 1M tokens read and written; and, in words, where a price was made up.

    Args:
        given: By the user; goes first.
        listed: From the configuration or the catalogue.

    Raises:
        BadRequest: A tier has no price, and no recorded costs to take one from.
    """
    found: dict[str, tuple[float, float]] = {}
    for j, tier in enumerate(outcomes.tiers):
        price = given.get(tier) or listed.get(tier) or _recorded(outcomes, j)
        if price is not None:
            found[tier] = price
    missing = [t for t in outcomes.tiers if t not in found]
    if not missing:
        return found, ""
    if len(outcomes.tiers) == 2 and len(missing) == 2:
        said = "no prices known: the dearer tier is taken to cost ten times the cheaper"
        return dict(zip(outcomes.tiers, _PAIR, strict=True)), said
    raise BadRequest(
        f"Tier {missing[0]!r} has no price: give --prices {missing[0]}=USD_IN/USD_OUT (per 1M tokens).",
        param="prices",
    )


def in_price_order(outcomes: Outcomes, given: Prices, listed: Prices, *, is_named: bool) -> Outcomes:
    """The same with tiers cheapest first by known prices; as they are where a tier's price is not known.

    Args:
        given: By the user; goes first.
        listed: From the configuration or the catalogue.
        is_named: The order was asked for: then it must agree with the prices.

    Raises:
        BadRequest: It doesn't.
    """
    known = {t: given.get(t) or listed.get(t) for t in outcomes.tiers}
    if is_named:
        _check_order([(t, price) for t, price in known.items() if price is not None])
        return outcomes
    prices = [known[t] or _recorded(outcomes, j) for j, t in enumerate(outcomes.tiers)]
    if not any(known.values()) or any(p is None for p in prices):
        return outcomes
    order = sorted(range(len(prices)), key=lambda j: _weight(prices[j] or (0.0, 0.0)))
    return replace(
        outcomes,
        tiers=tuple(outcomes.tiers[j] for j in order),
        scores=outcomes.scores[:, order],
        out_tokens=outcomes.out_tokens[:, order],
        cost_usd=outcomes.cost_usd[:, order],
    )


def _check_order(named: list[tuple[str, tuple[float, float]]]) -> None:
    for (cheap, low), (dear, high) in itertools.pairwise(named):
        if _weight(low) > _weight(high):
            raise BadRequest(
                f"Tiers go from cheap to dear, but by the known prices {cheap!r} costs more than {dear!r}: "
                "turn them round, or give --prices.",
                param="tiers",
            )


def _weight(price: tuple[float, float]) -> float:
    """As the router sorts tiers."""
    return _INPUT_SHARE * price[0] + price[1]


def _recorded(outcomes: Outcomes, j: int) -> tuple[float, float] | None:
    """One price a token that comes to the recorded costs; None where none are recorded."""
    cost, written = outcomes.cost_usd[:, j], outcomes.out_tokens[:, j]
    known = ~np.isnan(cost)
    if not known.any():
        return None
    tokens = outcomes.n_input_tokens[known] + np.nan_to_num(written[known], nan=200.0)
    usd = float(cost[known].sum() / max(tokens.sum(), 1)) * 1e6
    return (usd, usd) if math.isfinite(usd) else None
