"""What leaving a tier costs in the middle of a conversation: its prompt cache is lost."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.router.cost import call_cost
from stepwell.router.tierinfo import TierInfo

_PER_1M = 1e-6
_NOTHING: Mapping[str, int] = {}


def discount_usd(tier: TierInfo, n_tokens: int) -> float:
    """Dollars that `n_tokens` of a prompt cost less from the tier's prompt cache; 0 where no such price is known."""
    full, cached = tier.usd_per_1m_input, tier.usd_per_1m_cached_input
    if full is None or cached is None:
        return 0.0
    return max(full - cached, 0.0) * max(n_tokens, 0) * _PER_1M


def expected_usd(
    tier: TierInfo, n_input_tokens: int, n_output_tokens: int, n_cached_tokens: int
) -> float | None:
    """Dollars for one call of which `n_cached_tokens` come from the prompt cache; None where a price is unknown."""
    full = call_cost(tier, n_input_tokens, n_output_tokens)
    return None if full is None else full - discount_usd(tier, min(n_cached_tokens, n_input_tokens))


def switch_cost_usd(
    stay: TierInfo, to: TierInfo, *, n_prefix_tokens: int, n_cached_tokens: Mapping[str, int] = _NOTHING
) -> float:
    """Dollars lost once by going on at `to`: its cache is cold where that of `stay` is warm. Negative: won.

    Args:
        n_prefix_tokens: Of the conversation so far.
        n_cached_tokens: Warm at each tier now; without it all of the prefix at `stay`, nothing at `to`.
    """
    warm = n_cached_tokens if n_cached_tokens is not _NOTHING else {stay.name: n_prefix_tokens}
    cold_there = n_prefix_tokens - min(warm.get(to.name, 0), n_prefix_tokens)
    cold_here = n_prefix_tokens - min(warm.get(stay.name, 0), n_prefix_tokens)
    return discount_usd(to, cold_there) - discount_usd(stay, cold_here)


def pays_to_fall(
    stay: TierInfo,
    to: TierInfo,
    *,
    n_input_tokens: int,
    n_output_tokens: int,
    n_calls: float,
    n_cached_tokens: Mapping[str, int],
) -> bool:
    """Whether the cheaper tier saves more over the expected rest than the lost cache costs.

    Over m calls a tier with a warm cache costs m x warm; one that starts cold loses its discount once.

    Args:
        n_calls: Calls expected until the task is done.
        n_cached_tokens: Warm at each tier now.
    """
    n_prefix = min(max(n_cached_tokens.get(stay.name, 0), n_cached_tokens.get(to.name, 0)), n_input_tokens)
    here = expected_usd(stay, n_input_tokens, n_output_tokens, n_prefix)
    there = expected_usd(to, n_input_tokens, n_output_tokens, n_prefix)
    if here is None or there is None:
        return False
    lost = switch_cost_usd(stay, to, n_prefix_tokens=n_prefix, n_cached_tokens=n_cached_tokens)
    return n_calls * (here - there) > lost
