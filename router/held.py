"""The choice as a conversation may have it: up for its troubles, down only where a lost prompt cache pays."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.router.choose import Choice, Look, Terms, choose
from stepwell.router.session import Advice
from stepwell.router.switch import pays_to_fall


def held(
    looks: Sequence[Look], terms: Terms, advice: Advice, n_input_tokens: int, n_output_tokens: int
) -> tuple[Choice, tuple[str, ...]]:
    """Choose, then rise to what the session asks for; gives the reasons that changed the choice.

    Raises:
        BudgetExceeded, QualityFloorUnmet: As `choose`.
    """
    choice = choose(looks, terms)
    is_tuned = terms.price is not None
    rises_to, why = _rises_to(looks, choice, advice, n_input_tokens, n_output_tokens, is_tuned=is_tuned)
    if rises_to <= choice.chain[0].rank:
        return choice, ()
    # a task stays where it is; what its troubles ask for must keep a tuned promise, too
    risen = _lifted(looks, choice, terms, rises_to, only_better=is_tuned and advice.min_tier is None)
    return risen, why if risen is not choice else ()


def _lifted(
    looks: Sequence[Look], choice: Choice, terms: Terms, rises_to: int, *, only_better: bool
) -> Choice:
    """The cheapest tier from there on that keeps the promise and can be asked goes first."""
    can = [k for k in looks[rises_to:] if k.bar is None and k.obstacle is None and k.p_ok >= terms.min_p_ok]
    if only_better:
        can = [k for k in can if _is_as_good(k, choice.chain[0], looks)]
    first = next((k for k in can if not k.is_resting), None)
    if first is None or first.rank <= choice.chain[0].rank:
        return choice
    dearer = [k for k in choice.chain if k.rank > first.rank]
    others = [k for k in choice.chain if k.rank < first.rank]
    return Choice((first, *dearer, *others), first)


def _is_as_good(look: Look, chosen: Look, looks: Sequence[Look]) -> bool:
    """The dearest is by what a tuned policy promises: a share of its own quality."""
    return look.p_ok >= chosen.p_ok or look is looks[-1]


def _rises_to(
    looks: Sequence[Look],
    choice: Choice,
    advice: Advice,
    n_input_tokens: int,
    n_output_tokens: int,
    *,
    is_tuned: bool,
) -> tuple[int, tuple[str, ...]]:
    chosen = choice.chain[0]
    if advice.n_up:
        return min(chosen.rank + advice.n_up, len(looks) - 1), advice.reasons
    name = advice.min_tier or advice.keeps
    stay = next((look for look in looks if look.tier.name == name), None)
    if stay is None or stay.rank <= chosen.rank:
        return 0, ()
    if advice.min_tier is not None:
        return stay.rank, advice.reasons
    if is_tuned and not _is_as_good(stay, chosen, looks):
        return 0, ()
    if pays_to_fall(
        stay.tier,
        chosen.tier,
        n_input_tokens=n_input_tokens,
        n_output_tokens=n_output_tokens,
        n_calls=advice.n_calls,
        n_cached_tokens=advice.n_cached_tokens,
    ):
        return 0, ()
    return stay.rank, (f"session: leaving the prompt cache of {stay.tier.name} saves nothing",)
