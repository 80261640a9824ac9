"""Dollars: what a call should cost, what it can cost at most, and what it did cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from stepwell.base.decisions import Decision
from stepwell.base.errors import ConfigError
from stepwell.base.messages import Usage
from stepwell.base.request import Wire
from stepwell.router.tierinfo import TierInfo

_PER_1M = 1e-6


class Priced(Protocol):
    """Anything with prices in dollars per 1M tokens; None where unknown."""

    @property
    def usd_per_1m_input(self) -> float | None: ...
    @property
    def usd_per_1m_cached_input(self) -> float | None: ...
    @property
    def usd_per_1m_output(self) -> float | None: ...


def with_prices(tier: TierInfo, unknown_usd_per_1m: float | None) -> TierInfo:
    """The tier with unknown prices filled in: $0 where it is local, else the given reserve, if any."""
    fill = 0.0 if tier.is_local else unknown_usd_per_1m
    if tier.has_price or fill is None:
        return tier
    return replace(
        tier,
        usd_per_1m_input=fill if tier.usd_per_1m_input is None else tier.usd_per_1m_input,
        usd_per_1m_output=fill if tier.usd_per_1m_output is None else tier.usd_per_1m_output,
    )


def cost_of(usage: Usage, priced: Priced) -> float:
    """Dollars that `usage` costs; cached tokens at their own price, or in full where none is known.

    Raises:
        ConfigError: A price is unknown. It never counts as $0.
    """
    if priced.usd_per_1m_input is None or priced.usd_per_1m_output is None:
        raise ConfigError("a price is unknown; set usd_per_1m_input and usd_per_1m_output for the deployment")
    n_input = max(usage.prompt_tokens, 0)
    details = usage.prompt_tokens_details
    n_cached = min(max((details.cached_tokens or 0) if details is not None else 0, 0), n_input)
    cached_usd = priced.usd_per_1m_cached_input
    if cached_usd is None:
        cached_usd = priced.usd_per_1m_input
    fresh = (n_input - n_cached) * priced.usd_per_1m_input + n_cached * cached_usd
    return (fresh + max(usage.completion_tokens, 0) * priced.usd_per_1m_output) * _PER_1M


def call_cost(tier: TierInfo, n_input_tokens: int, n_output_tokens: int) -> float | None:
    """Dollars for one call without cached tokens; None where a price is unknown."""
    if tier.usd_per_1m_input is None or tier.usd_per_1m_output is None:
        return None
    return (n_input_tokens * tier.usd_per_1m_input + n_output_tokens * tier.usd_per_1m_output) * _PER_1M


def expected_output_tokens(n_per_choice: int, wire: Wire) -> int:
    """Tokens that all choices together should hold."""
    most = wire.max_output_tokens
    return (min(n_per_choice, most) if most is not None else n_per_choice) * (wire.n or 1)


def allowed_output_tokens(
    tier: TierInfo, wire: Wire, *, n_input_tokens: int, reserve_tokens: int | None
) -> int:
    """Most tokens that all choices together can hold.

    Args:
        reserve_tokens: Limit for a choice where the caller set none; None: the tier's own limit.
    """
    asked = wire.max_output_tokens
    most = reserve_tokens if asked is None else asked
    return most_output_tokens(tier, n_input_tokens, most) * (wire.n or 1)


def most_output_tokens(tier: TierInfo, n_input_tokens: int, most: int | None) -> int:
    """Most tokens that one choice can hold, where nobody lets it have more than `most`."""
    own = tier.max_output_tokens
    if own is None:
        own = max(tier.window_or_assumed - n_input_tokens, 1)
    return own if most is None or own < most else most


def reserve_usd(decision: Decision) -> float:
    """Dollars to reserve before the first try: the dearest tier of the chain at its upper bound."""
    most = 0.0
    for e in decision.estimates:
        if e.max_cost_usd is not None and e.max_cost_usd > most and e.tier in decision.chain:
            most = e.max_cost_usd
    return most
