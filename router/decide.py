"""Decide which tier answers: rules, capability gate, policy, floor, budget."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from stepwell.base.config.promises import PromisesConfig
from stepwell.base.config.routing import RoutingConfig
from stepwell.base.decisions import Decision
from stepwell.base.embedding import RequestVector
from stepwell.base.errors import BadRequest, ConfigError, Unroutable
from stepwell.base.request import ChatRequest
from stepwell.router.cascade.plan import Prior
from stepwell.router.features import read_ask
from stepwell.router.gate import (
    Needs,
    forgetful,
    lack_of,
    needs_of,
    no_capable_tier,
    prompt_room,
    without_narrow,
)
from stepwell.router.names import AUTO, Names
from stepwell.router.policy.base import Policy
from stepwell.router.policy.run import PolicyRunner, load_policy
from stepwell.router.pricing import Pricing
from stepwell.router.report import pinned_decision, recall_said, refused_estimates, routed_decision
from stepwell.router.rules import NOTHING, Fired, Rules
from stepwell.router.session import Advice, SessionState, Trouble
from stepwell.router.sizes import Sizes
from stepwell.router.steer import Steering
from stepwell.router.tasks import read_task
from stepwell.router.tierinfo import TierInfo
from stepwell.router.turns import Turn
from stepwell.router.wrappers import last_ask

NO_ADVICE = Advice()


class _Bounds(msgspec.Struct, frozen=True):
    """Where a request may go before anything is known of its difficulty.

    Attributes:
        lo, hi: Places of the cheapest and the dearest tier allowed.
        model: The model that the caller pinned.
        is_pinned: One tier was named, by the caller or by a rule.
    """

    lo: int
    hi: int
    ask: str = ""
    model: str | None = None
    is_pinned: bool = False
    fired: Fired = NOTHING


class Router:
    """Gives every request a Decision.

    Args:
        tiers: In any order; the router sorts them by price.
        is_healthy: Whether a tier (by name) can be asked at the moment.
        reserve_tokens: Room for the reply where the caller sets no max_tokens.
        policy: In place of the one that `routing.policy` names.
        embedder: Name of the embedder that makes the requests' vectors.
        explore_share: 0..1 of requests that go another way, for labels.

    Raises:
        ConfigError: No tier, or the policy can't be loaded.
    """

    def __init__(
        self,
        routing: RoutingConfig,
        promises: PromisesConfig,
        tiers: Sequence[TierInfo],
        *,
        is_healthy: Callable[[str], bool] = lambda tier: True,
        reserve_tokens: int = 1024,
        policy: Policy | None = None,
        embedder: str = "",
        explore_share: float = 0.0,
    ) -> None:
        if not tiers:
            raise ConfigError("a router needs at least one tier")
        self._pricing = Pricing(
            tiers, promises, routing, reserve_tokens=reserve_tokens, is_healthy=is_healthy
        )
        self._tiers = self._pricing.tiers
        self._reserve_tokens = reserve_tokens
        self._names = Names(self._tiers)
        self._by_name = frozenset(t.name for t in self._tiers)
        self._has_narrow = any(t.is_narrow for t in self._tiers)
        self._rules = Rules(routing)
        policy = policy or load_policy(
            routing.policy, tiers=self._tiers, embedder=embedder, min_quality=promises.min_quality
        )
        self._timeout_s = routing.policy_timeout_s
        self.sessions = SessionState(
            self._tiers,
            max_sessions=routing.session_max,
            ttl_s=routing.session_ttl_s,
            cache_ttl_s=routing.session_cache_ttl_s,
            trouble=Trouble(n_failures=routing.session_failures, n_repeats=routing.session_repeats),
        )
        self._policy = PolicyRunner(policy, timeout_s=self._timeout_s)
        self._steering = Steering(
            promises, routing, self._tiers, explore_share=explore_share, cascade=_cascade_of(policy)
        )
        self._promises = self._steering.promises

    @property
    def needs_vector(self) -> bool:
        """Whether the policy reads the ask's embedding."""
        return self._policy.needs_vector

    @property
    def tiers(self) -> list[TierInfo]:
        """Every tier, cheapest first."""
        return list(self._tiers)

    async def decide(
        self,
        request: ChatRequest,
        *,
        sizes: Sizes,
        vector: RequestVector | None = None,
        turn: Turn | None = None,
    ) -> Decision:
        """Decide for one request.

        Args:
            sizes: How long the prompt is on each tier.
            vector: Of the last ask; computed only where the policy reads it.
            turn: Where the conversation stands, read before the context was fitted.

        Raises:
            BadRequest: Unknown model or tier; ContextTooLong and NoCapableTier where none can take it.
            BudgetExceeded: Nothing good enough is affordable.
            QualityFloorUnmet: Only tiers under the floor are left, and the caller did not allow those.
            TierUnavailable: The pinned tier has no key or no known price.
        """
        bounds = self._bounds(request)
        limit_usd = self._pricing.limit_usd(request)
        lacks = self._lacks(request, bounds, sizes)
        if bounds.is_pinned:
            rank = lacks.index(None, bounds.lo)
            return pinned_decision(
                self._pricing, request, rank, bounds.model, bounds.fired.said, sizes, limit_usd
            )
        lacks, said_of_recall = self._without_forgetful(lacks, sizes)
        row = None
        if self._policy.needs_vector and vector is not None:
            row = await vector.get_for_routing(self._timeout_s)
        advice = NO_ADVICE if turn is None else self.sessions.advise(turn)
        said = bounds.ask if turn is None else turn.ask  # "yes, go on" is as hard as what it goes on with
        ask = read_ask(said, vector=row)
        estimates = await self._policy.estimate(ask, self._tiers)
        lacks = self._without_narrow(request, bounds, sizes, lacks, estimates.knows)
        n_output = estimates.n_output_tokens or read_task(ask).n_output_tokens
        looks = self._pricing.looks(
            request,
            sizes,
            n_output,
            estimates.p_ok,
            lacks,
            limit_usd,
            estimates.n_output_tokens_by_tier,
            advice.n_cached_tokens,
        )
        try:
            steered = self._steering.choose(
                request,
                ask,
                looks,
                estimates,
                advice,
                limit_usd,
                escalates=bounds.fired.escalates,
                n_input_tokens=sizes.n_tokens,
                n_output_tokens=n_output,
            )
        except Unroutable as e:
            e.estimates = refused_estimates(looks, self._promises.floor(estimates, looks))
            raise
        return routed_decision(
            self._pricing,
            request,
            looks,
            steered,
            estimates,
            bounds.fired.said,
            sizes,
            n_output,
            said_of_recall,
        )

    def observe(self, decision: Decision, cost_usd: float) -> None:
        """Take a request that was answered: a target share or dollars a day follow what happens."""
        self._steering.observe(decision, cost_usd)

    def rooms(self, request: ChatRequest) -> list[tuple[TierInfo, int]]:
        """The tiers that this request may go to, cheapest first, and how many tokens of prompt each has room for.

        Raises:
            BadRequest: Unknown model or tier; NoCapableTier where none has what the request needs.
        """
        bounds = self._bounds(request)
        lacks = self._lacks(request, bounds, None)
        able = [t for t, lack in zip(self._tiers, lacks, strict=True) if lack is None]
        if bounds.is_pinned:
            able = able[:1]
        needs = needs_of(request, sizes=None, reserve_tokens=self._reserve_tokens)
        return [(t, prompt_room(t, needs)) for t in [t for t in able if self._pricing.can_ask(t)] or able]

    def scope(self, request: ChatRequest) -> str:
        """What of the choice is fixed beforehand: answers may be shared only within one scope."""
        if request.keep_to is None:
            return self._scope(request)
        return f"{self._scope(request)}+keep:{','.join(sorted(request.keep_to))}"

    def _scope(self, request: ChatRequest) -> str:
        bounds = self._bounds(request)
        if bounds.model is not None:
            return f"model:{bounds.model}"
        if bounds.is_pinned:
            return f"tier:{self._tiers[bounds.lo].name}"
        parts = [AUTO]
        if bounds.lo:
            parts.append(f"min:{self._tiers[bounds.lo].name}")
        if bounds.fired.escalates:
            parts.append("escalated")
        if self._promises.below_floor(request) == "flag":
            parts.append("below_floor")
        return "+".join(parts)

    def limit_usd(self, request: ChatRequest) -> float | None:
        """The tighter of the caller's and the configured limit for one request."""
        return self._pricing.limit_usd(request)

    def output_cap(self, request: ChatRequest) -> int | None:
        """max_completion_tokens that must go upstream so that the request's dollar limit holds; else None."""
        if request.wire.max_output_tokens is not None or self._pricing.limit_usd(request) is None:
            return None
        return self._reserve_tokens

    def listed_models(self) -> list[tuple[str, int | None]]:
        """Names that a caller may use now, with their windows; "auto" has the widest that can be served."""
        open_tiers = [t for t in self._tiers if self._pricing.can_ask(t)]
        windows = [t.window_tokens for t in open_tiers if t.window_tokens is not None]
        listed: dict[str, int | None] = {AUTO: max(windows, default=None)}
        for tier in open_tiers:
            listed[tier.name] = tier.window_tokens
        for tier in open_tiers:
            for model in tier.models:
                listed.setdefault(model, tier.window_tokens)
        return list(listed.items())

    def _bounds(self, request: ChatRequest) -> _Bounds:
        wishes = request.wishes
        pin = self._names.pin(request.wire.model, wishes.tier)
        least = 0 if wishes.min_tier is None else self._names.rank(wishes.min_tier)
        if pin is not None:
            if pin[0] < least:
                raise BadRequest("The pinned model is cheaper than the least tier wished for.", param="model")
            return _Bounds(pin[0], pin[0], model=pin[1], is_pinned=True)
        ask = last_ask(request.wire.messages)
        fired = self._rules.read(request, ask)
        if fired is NOTHING:
            return _Bounds(least, len(self._tiers) - 1, ask)
        least = max([least, *map(self._names.rank, fired.min_tiers)])
        if fired.pin is not None:
            least = max(least, self._names.rank(fired.pin))
        return _Bounds(least, len(self._tiers) - 1, ask, is_pinned=fired.pin is not None, fired=fired)

    def _lacks(self, request: ChatRequest, bounds: _Bounds, sizes: Sizes | None) -> list[str | None]:
        """What bars each tier; raises where every allowed tier lacks something."""
        needs = needs_of(request, sizes=sizes, reserve_tokens=self._reserve_tokens)
        lo, hi = bounds.lo, bounds.hi
        keep_to = self._kept_to(request)
        lacks = [
            "rule" if not lo <= i <= hi else "keep_to" if t.name not in keep_to else lack_of(t, needs)
            for i, t in enumerate(self._tiers)
        ]
        if bounds.is_pinned:
            lacks = without_narrow(self._tiers, lacks, {bounds.fired.pin or self._tiers[lo].name})
        self._some_left(bounds, lacks, needs)
        return lacks

    def _without_narrow(
        self,
        request: ChatRequest,
        bounds: _Bounds,
        sizes: Sizes,
        lacks: list[str | None],
        known: frozenset[str],
    ) -> list[str | None]:
        """Bar what was fine-tuned for another kind of ask; raises where nothing else may serve."""
        if not self._has_narrow:
            return lacks
        lacks = without_narrow(self._tiers, lacks, known)
        self._some_left(bounds, lacks, needs_of(request, sizes=sizes, reserve_tokens=self._reserve_tokens))
        return lacks

    def _some_left(self, bounds: _Bounds, lacks: list[str | None], needs: Needs) -> None:
        """Raises:
        NoCapableTier, ContextTooLong: Every tier that is allowed lacks something.
        """
        if None not in lacks:
            lo, hi = bounds.lo, bounds.hi
            allowed = [lack for lack in lacks[lo : hi + 1] if lack is not None]
            raise no_capable_tier(self._tiers[lo : hi + 1], allowed, needs)

    def _kept_to(self, request: ChatRequest) -> Collection[str]:
        """The tiers that may see the request.

        Raises:
            UnknownModel: It is bound to a tier that does not exist.
        """
        if request.keep_to is None:
            return self._by_name
        for name in sorted(request.keep_to):
            self._names.rank(name)
        return request.keep_to

    def _without_forgetful(
        self, lacks: list[str | None], sizes: Sizes
    ) -> tuple[list[str | None], tuple[str, ...]]:
        """Bar the tiers for which packing would lose too much; and what to say of it."""
        if not sizes.packed:
            return lacks, ()
        askable = [
            lack if lack is not None or self._pricing.can_ask(t) else "no_key"
            for t, lack in zip(self._tiers, lacks, strict=True)
        ]
        barred = forgetful(self._tiers, askable, sizes)
        able = [t for t, lack in zip(self._tiers, askable, strict=True) if lack is None]
        kept = ["context" if t.name in barred else lack for t, lack in zip(self._tiers, lacks, strict=True)]
        return kept, recall_said(sizes, able, barred)


def _cascade_of(policy: Policy) -> Prior | None:
    """How cheap tiers agree, where the policy has learnt that."""
    card = getattr(getattr(policy, "bundle", None), "card", None)
    found: Prior | None = getattr(card, "cascade", None)
    return found
