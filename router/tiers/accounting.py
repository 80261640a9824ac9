"""What a try cost, from the upstream's own count where it sent one."""

from __future__ import annotations

from stepwell.base.catalogue import ModelCard
from stepwell.base.messages import Usage


def cost_usd(usage: Usage, card: ModelCard, unknown_usd_per_1m: float) -> float:
    """Dollars for one answer; an unknown price counts as `unknown_usd_per_1m`, never as nothing."""
    price_in = unknown_usd_per_1m if card.usd_per_1m_input is None else card.usd_per_1m_input
    price_out = unknown_usd_per_1m if card.usd_per_1m_output is None else card.usd_per_1m_output
    details = usage.prompt_tokens_details
    cached = min((details.cached_tokens or 0) if details is not None else 0, usage.prompt_tokens)
    price_cached = price_in if card.usd_per_1m_cached_input is None else card.usd_per_1m_cached_input
    fresh = usage.prompt_tokens - cached
    return (fresh * price_in + cached * price_cached + usage.completion_tokens * price_out) / 1e6
