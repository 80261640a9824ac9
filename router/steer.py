"""The choice with all that pulls at it: promise, share, conversation, exploring, and whether a cascade pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from stepwell.base.config.promises import PromisesConfig
from stepwell.base.config.routing import RoutingConfig
from stepwell.base.decisions import CascadePlan, Decision
from stepwell.base.request import ChatRequest
from stepwell.router.cascade.compare import kind_of
from stepwell.router.cascade.plan import Look as CascadeLook
from stepwell.router.cascade.plan import Prior, plan_cascade
from stepwell.router.choose import Choice, Look, Terms
from stepwell.router.explore import explores, may_explore, odds_of
from stepwell.router.features import Ask
from stepwell.router.held import held
from stepwell.router.policy.base import Estimates
from stepwell.router.session import Advice
from stepwell.router.share import ShareControl
from stepwell.router.terms import Promises
from stepwell.router.tierinfo import TierInfo


class Steered(msgspec.Struct, frozen=True):
    """A choice and what led to it.

    Attributes:
        reasons: Beyond the policy's own.
        budget: State of the share or dollar target, "" where there is none.
        propensity: As of a Decision.
    """

    choice: Choice
    terms: Terms
    reasons: tuple[str, ...] = ()
    budget: str = ""
    is_explored: bool = False
    cascade: CascadePlan | None = None
    propensity: Mapping[str, float] | None = None


class Steering:
    """Chooses for one router.

    Args:
        tiers: Cheapest first.
        cascade: How the cheap tiers' opinions agree, learnt by a tuning; None: no cascade is planned. What cheap
            models of others do vouches for too little: their agreement is paid and then seldom served.
    """

    def __init__(
        self,
        promises: PromisesConfig,
        routing: RoutingConfig,
        tiers: Sequence[TierInfo],
        *,
        explore_share: float = 0.0,
        cascade: Prior | None = None,
    ) -> None:
        self.promises = Promises(promises, routing, tiers)
        self._explore_share = explore_share
        self._is_cascading = routing.cascade == "on" and cascade is not None
        self._prior = cascade
        self._ranks = {t.name: i for i, t in enumerate(tiers)}
        # they say the same however they are asked: their own prompt goes out in place of another's hint
        self._narrow = frozenset(t.name for t in tiers if t.is_narrow)
        self._dearest = len(tiers) - 1
        self.share: ShareControl | None = None
        if routing.target_share is not None or routing.target_usd_per_day is not None:
            self.share = ShareControl(
                target_share=routing.target_share,
                target_usd_per_day=None if routing.target_share is not None else routing.target_usd_per_day,
            )

    def choose(
        self,
        request: ChatRequest,
        ask: Ask,
        looks: Sequence[Look],
        estimates: Estimates,
        advice: Advice,
        limit_usd: float | None,
        *,
        escalates: bool,
        n_input_tokens: int,
        n_output_tokens: int,
    ) -> Steered:
        """Choose for one request.

        Raises:
            BudgetExceeded: Nothing good enough is affordable.
            QualityFloorUnmet: Only tiers under the floor are left. Either has the terms as `terms`.
        """
        rises_to, budget = self._share_of(estimates)
        terms = self.promises.terms(
            request, estimates, looks, limit_usd, ask=ask.text, escalates=escalates, rises_to=rises_to
        )
        choice, reasons = held(looks, terms, advice, n_input_tokens, n_output_tokens)
        is_lifted = escalates or bool(reasons)
        least = choice.chain[0].rank if is_lifted else self._ranks.get(advice.min_tier or "", 0)
        explored, propensity = self._explored(
            ask,
            looks[choice.chain[0].rank + 1 if is_lifted else least :],
            choice,
            terms,
            is_tuned=estimates.price is not None or bool(estimates.mix),
            is_tool_loop=advice.is_tool_loop,
        )
        if explored is not None:
            said = ("exploring, for a label", *reasons)
            return Steered(explored, terms, said, budget, is_explored=True, propensity=propensity)
        cascade = None
        if self._is_cascading and not (is_lifted or rises_to):
            cascade = self._cascade(request, ask, looks[least:], choice, terms)
        return Steered(choice, terms, reasons, budget, cascade=cascade, propensity=propensity)

    def observe(self, decision: Decision, cost_usd: float) -> None:
        """Take one request that was answered, for a share or dollar target."""
        if self.share is None:
            return
        need = decision.need
        if need is None:
            need = _gain({e.tier: e.p_ok for e in decision.estimates if e.p_ok is not None})
        if need is None:  # a pin: not steered, but its dollars are gone
            self.share.pay(cost_usd)
        else:
            self.share.observe(need, cost_usd, went_up=decision.tier == decision.estimates[-1].tier)

    def _share_of(self, estimates: Estimates) -> tuple[int, str]:
        """Place from which the share wants the choice to come, and the share's state."""
        if self.share is None:
            return 0, ""
        need = estimates.need
        if need is None:
            need = _gain({t: estimates.p_ok.get(t, 0.0) for t in self._ranks})
        goes_up = need is not None and need >= self.share.cut()
        return self._dearest if goes_up else 0, self.share.state().said

    def _explored(
        self,
        ask: Ask,
        looks: Sequence[Look],
        choice: Choice,
        terms: Terms,
        *,
        is_tuned: bool,
        is_tool_loop: bool,
    ) -> tuple[Choice | None, Mapping[str, float] | None]:
        """Another tier of `looks`, for a label; under a tuned promise only what keeps it: dearer and as good.

        And what the odds were, by tier.
        """
        if not self._explore_share or choice.is_degraded:
            return None, None
        chosen = choice.chain[0]
        if is_tuned:
            looks = [k for k in looks if k.rank > chosen.rank and self._is_as_good(k, chosen)]
        allowed = may_explore(looks, chosen.tier.name, min_p_ok=terms.min_p_ok, is_tool_loop=is_tool_loop)
        odds = odds_of(self._explore_share, chosen.tier.name, allowed)
        name = explores(ask.text, self._explore_share, allowed)
        if name is None:
            return None, odds
        first = next(look for look in looks if look.tier.name == name)
        return Choice((first, *(k for k in choice.chain if k is not first)), first), odds

    def _is_as_good(self, look: Look, chosen: Look) -> bool:
        """The dearest is by what is promised: a share of its own quality."""
        return look.p_ok >= chosen.p_ok or look.rank == self._dearest

    def _cascade(
        self, request: ChatRequest, ask: Ask, looks: Sequence[Look], choice: Choice, terms: Terms
    ) -> CascadePlan | None:
        """Cheap opinions first, where p_ok is learned, answers compare and it is expected to pay."""
        if terms.price is None or request.wire.stream or choice.is_degraded:
            return None
        able = [k for k in looks if k.bar is None and k.obstacle is None and not k.is_resting]
        cheaper = [k.tier.name for k in able if k.rank < choice.chain[0].rank] or [
            k.tier.name for k in able if k.rank == choice.chain[0].rank
        ]
        above = [k for k in able if k.rank > able[0].rank]
        kind = kind_of(request, ask) if above and cheaper else None
        if kind is None:
            return None
        strong = choice.chain[0] if choice.chain[0].rank > able[0].rank else above[-1]
        opinions = [*cheaper[:2], *(c for c in cheaper[:1] if c not in self._narrow)][:2]
        known = [CascadeLook(k.tier.name, k.p_ok, k.cost_usd or 0.0) for k in able]
        plan = plan_cascade(
            known,
            kind,
            opinions=opinions,
            strong=strong.tier.name,
            price=terms.price,
            prior=self._prior,
        )
        if plan is None or plan.accept_above >= terms.min_p_ok:
            return plan
        return msgspec.structs.replace(plan, accept_above=terms.min_p_ok)


def _gain(p_ok: Mapping[str, float]) -> float | None:
    """What the dearest tier would win over the cheapest, for policies that rank no need; None where nothing is known.

    Args:
        p_ok: Cheapest tier first.
    """
    values = list(p_ok.values())
    return values[-1] - values[0] if values else None
