"""How each tier looks for one request: price, key, health, and the request's dollar limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from stepwell.base.config.promises import PromisesConfig
from stepwell.base.config.routing import RoutingConfig
from stepwell.base.errors import BadRequest
from stepwell.base.request import ChatRequest
from stepwell.router.choose import Look
from stepwell.router.cost import call_cost, expected_output_tokens, most_output_tokens, with_prices
from stepwell.router.sizes import Sizes
from stepwell.router.switch import discount_usd
from stepwell.router.tierinfo import TierInfo

# prompts are usually longer than answers: three tokens in for one out
_INPUT_SHARE = 3


class Pricing:
    """Tiers by price, and what a request would cost on each.

    Attributes:
        tiers: Cheapest first; those without a price last.
        baseline_tier: What savings are counted against, or None.
    """

    def __init__(
        self,
        tiers: Sequence[TierInfo],
        promises: PromisesConfig,
        routing: RoutingConfig,
        *,
        reserve_tokens: int,
        is_healthy: Callable[[str], bool],
    ) -> None:
        priced = [with_prices(t, routing.unknown_price_usd_per_1m) for t in tiers]
        self.tiers: Sequence[TierInfo] = tuple(sorted(priced, key=_by_price))
        self.baseline_tier = routing.baseline_tier
        self._limit_usd = promises.max_usd_per_request
        self._reserve_tokens = reserve_tokens
        self._is_healthy = is_healthy

    def limit_usd(self, request: ChatRequest) -> float | None:
        """The tighter of the caller's and the configured limit for one request.

        Raises:
            BadRequest: The caller's limit is negative or not a number.
        """
        wished = request.wishes.max_usd
        if wished is None:
            return self._limit_usd
        if not wished >= 0:
            raise BadRequest("The dollar limit must be 0 or more.", param="max_usd")
        return wished if self._limit_usd is None else min(wished, self._limit_usd)

    def can_ask(self, tier: TierInfo) -> bool:
        """Whether the tier has a key and a price."""
        return tier.missing_key is None and tier.has_price

    def looks(
        self,
        request: ChatRequest,
        sizes: Sizes,
        n_output_tokens: int,
        p_ok: Mapping[str, float],
        bars: Sequence[str | None],
        limit_usd: float | None,
        n_by_tier: Mapping[str, int] | None = None,
        n_cached_tokens: Mapping[str, int] | None = None,
    ) -> list[Look]:
        """Every tier, cheapest first. `n_output_tokens` is what one choice should hold; `n_by_tier` goes before it.

        Args:
            n_cached_tokens: Of the prompt, by tier, in its prompt cache: the expected cost is less, not the bound.
        """
        wire = request.wire
        n_output, n_choices, most = (
            expected_output_tokens(n_output_tokens, wire),
            wire.n or 1,
            wire.max_output_tokens,
        )
        if most is None and limit_usd is not None:
            # under a dollar limit the reply is capped (Router.output_cap), so the bound is what that cap allows
            most = self._reserve_tokens
        found: list[Look] = []
        for tier, bar in zip(self.tiers, bars, strict=True):
            if n_by_tier is not None:
                n_output = expected_output_tokens(n_by_tier.get(tier.name, n_output_tokens), wire)
            n_input_tokens = sizes.on(tier)
            n_most = most_output_tokens(tier, n_input_tokens, most) * n_choices
            max_usd = call_cost(tier, n_input_tokens, n_most)
            usd = call_cost(tier, n_input_tokens, n_output) if n_output < n_most else max_usd
            if n_cached_tokens and usd is not None:
                usd -= discount_usd(tier, min(n_cached_tokens.get(tier.name, 0), n_input_tokens))
            obstacle = _obstacle(tier, max_usd, limit_usd)
            rests = not self._is_healthy(tier.name)
            p = p_ok.get(tier.name, 0.0)
            found.append(Look(tier, p, usd, max_usd, bar, obstacle, rests, len(found)))
        return found


def _obstacle(tier: TierInfo, most_usd: float | None, limit_usd: float | None) -> str | None:
    if most_usd is None:
        return "unknown_price"
    if tier.missing_key is not None:
        return "no_key"
    return "over_budget" if limit_usd is not None and most_usd > limit_usd else None


def _by_price(tier: TierInfo) -> tuple[bool, float, float]:
    price = call_cost(tier, _INPUT_SHARE, 1)
    return price is None, price or 0.0, tier.quality
