"""What the router knows of a tier: prices, window, capabilities, key."""

from __future__ import annotations

from dataclasses import dataclass

# What every chat model offers that we know of; counted on where a window is not known
ASSUMED_WINDOW_TOKENS = 8_192


@dataclass(frozen=True, slots=True)
class TierInfo:
    """One tier as the router sees it. Prices are the dearest deployment's, so that reservations hold.

    Attributes:
        models: Full names: "openai/gpt-4.1".
        quality: Cold-start capability, 0..1.
        window_tokens: Input and output together; None where unknown.
        max_output_tokens: Most that one answer may hold; None where unknown.
        capabilities: Of "tools", "json_schema", "images", "logprobs".
        usd_per_1m_input, usd_per_1m_cached_input, usd_per_1m_output: None where unknown.
        missing_key: Name of the environment variable that is not set, else None.
        is_local: Runs on this machine: nobody bills for it.
        n_system_tokens: Of the longest system prompt that a deployment adds.
        is_narrow: Fine-tuned for one kind of ask: only who knows that it is of that kind may send one there.
    """

    name: str
    models: tuple[str, ...]
    quality: float
    window_tokens: int | None
    max_output_tokens: int | None
    capabilities: frozenset[str]
    usd_per_1m_input: float | None
    usd_per_1m_cached_input: float | None
    usd_per_1m_output: float | None
    missing_key: str | None
    is_local: bool
    n_system_tokens: int = 0
    is_narrow: bool = False

    @property
    def window_or_assumed(self) -> int:
        return self.window_tokens if self.window_tokens is not None else ASSUMED_WINDOW_TOKENS

    @property
    def has_price(self) -> bool:
        return self.usd_per_1m_input is not None and self.usd_per_1m_output is not None
