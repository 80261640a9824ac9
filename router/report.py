"""Write a choice down as a Decision: every tier's estimate, the reasons, the saving."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from stepwell.base.decisions import Decision, TierEstimate
from stepwell.base.errors import TierUnavailable
from stepwell.base.request import ChatRequest
from stepwell.router.choose import Look, Terms, lacks, over_budget
from stepwell.router.cost import expected_output_tokens
from stepwell.router.policy.base import Estimates
from stepwell.router.pricing import Pricing
from stepwell.router.sizes import Sizes
from stepwell.router.steer import Steered
from stepwell.router.tierinfo import TierInfo

# a pin computes no features: the length of an ordinary answer
_N_PINNED_OUTPUT_TOKENS = 250
_NO_P_OK: Mapping[str, float] = {}


def routed_decision(
    pricing: Pricing,
    request: ChatRequest,
    looks: Sequence[Look],
    steered: Steered,
    estimates: Estimates,
    rules: tuple[str, ...],
    sizes: Sizes,
    n_output_tokens: int,
    said: tuple[str, ...] = (),
) -> Decision:
    """The Decision for what the router chose."""
    choice, terms = steered.choice, steered.terms
    chosen, wanted = choice.chain[0], choice.wanted
    names = tuple(look.tier.name for look in choice.chain)
    missed = (f"{wanted.tier.name} {lacks(wanted)}",) if wanted is not chosen else ()
    return Decision(
        tier=names[0],
        chain=names,
        policy=estimates.policy,
        estimates=tuple(_estimate(look, names, terms) for look in looks),
        threshold=terms.min_p_ok if terms.price is None else None,
        rules=rules,
        reasons=(*steered.reasons, *said, *estimates.reasons, *missed),
        n_input_tokens=sizes.on(chosen.tier),
        n_output_tokens=expected_output_tokens(n_output_tokens, request.wire),
        saved_usd=_saved(pricing, looks, chosen),
        wanted_tier=wanted.tier.name if wanted is not chosen else None,
        is_degraded=choice.is_degraded,
        need=estimates.need,
        novelty=estimates.novelty,
        nearest=estimates.nearest,
        price=terms.price,
        budget=steered.budget,
        is_explored=steered.is_explored,
        cascade=steered.cascade,
        propensity=steered.propensity,
    )


def _estimate(look: Look, chain: tuple[str, ...], terms: Terms) -> TierEstimate:
    name = look.tier.name
    if name == chain[0]:
        status = "chosen"
    elif name in chain:
        status = "fallback"
    else:
        status = look.bar or _misses(look, terms) or look.obstacle or "unhealthy"
    return TierEstimate(name, look.p_ok, look.cost_usd, look.max_cost_usd, status)


def _misses(look: Look, terms: Terms) -> str | None:
    """What of the promise a tier misses by its numbers alone."""
    if look.p_ok < terms.min_p_ok:
        return "below_floor"
    return "costs_quality" if terms.price is not None or look.rank < terms.least else None


def refused_estimates(looks: Sequence[Look], floor: float) -> tuple[TierEstimate, ...]:
    """How each tier looked where none was chosen."""
    return tuple(_estimate(look, ("",), Terms(floor, None, "refuse")) for look in looks)


def pinned_decision(
    pricing: Pricing,
    request: ChatRequest,
    rank: int,
    model: str | None,
    rules: tuple[str, ...],
    sizes: Sizes,
    limit_usd: float | None,
) -> Decision:
    """The Decision for one tier that was named; nothing but key, price and limit is asked.

    Raises:
        TierUnavailable: It has no key or no known price.
        BudgetExceeded: It is over the request's limit.
    """
    bars = [None if i == rank else "rule" for i in range(len(pricing.tiers))]
    looks = pricing.looks(request, sizes, _N_PINNED_OUTPUT_TOKENS, _NO_P_OK, bars, limit_usd)
    chosen = looks[rank]
    name = chosen.tier.name
    if chosen.obstacle == "over_budget" and limit_usd is not None:
        raise over_budget(chosen, limit_usd)
    if chosen.obstacle is not None:
        raise TierUnavailable(f"{name} was named but {lacks(chosen)}.", tier=name)
    return Decision(
        tier=name,
        chain=(name,),
        policy="pinned",
        estimates=tuple(
            TierEstimate(k.tier.name, None, k.cost_usd, k.max_cost_usd, "chosen" if k is chosen else "rule")
            for k in looks
        ),
        model=model,
        rules=rules,
        reasons=recall_said(sizes, [chosen.tier], ()),
        n_input_tokens=sizes.on(chosen.tier),
        n_output_tokens=expected_output_tokens(_N_PINNED_OUTPUT_TOKENS, request.wire),
        saved_usd=_saved(pricing, looks, chosen),
    )


def recall_said(sizes: Sizes, able: Sequence[TierInfo], forgetful: Collection[str]) -> tuple[str, ...]:
    """What packing has to do with the choice; nothing where nobody needs it."""
    if not sizes.packed:
        return ()
    passed = [f"{t.name} would keep {sizes.recall_on(t):.2f}" for t in able if t.name in forgetful]
    kept = max((sizes.recall_on(t) for t in able if t.name not in forgetful), default=1.0)
    if passed:
        return (f"context: {', '.join(passed)} of what matters, {sizes.min_recall:.2f} is promised",)
    if kept < sizes.min_recall:
        return (f"context: no window keeps {sizes.min_recall:.2f} of what matters, the best {kept:.2f}",)
    return ()


def _saved(pricing: Pricing, looks: Sequence[Look], chosen: Look) -> float | None:
    if pricing.baseline_tier is None:
        return None
    base = next((k for k in looks if k.tier.name == pricing.baseline_tier), None)
    if base is None or base.cost_usd is None or chosen.cost_usd is None:
        return None
    return base.cost_usd - chosen.cost_usd
