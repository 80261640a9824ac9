"""Ask, look at the answer, and go a tier up where it is not good enough: every call paid, counted and recorded.

Three ways to see that an answer is poor: cheap opinions disagree (the decision's `cascade`), a check fails
(`routing.validators`), or the tier's own log-probabilities say so (`routing.confidence`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from stepwell.base.config.routing import RoutingConfig
from stepwell.base.decisions import CascadePlan, Escalation
from stepwell.base.errors import AllTiersFailed, BudgetExceeded, TierError
from stepwell.base.request import ChatRequest
from stepwell.router.cascade.accept import AcceptScore
from stepwell.router.cascade.climb import Climb, Label, Paid
from stepwell.router.cascade.compare import normalise
from stepwell.router.cascade.confidence import (
    LOW_CONFIDENCE,
    Calibration,
    asks_logprobs,
    read_signal,
    usable,
    without_logprobs,
)
from stepwell.router.cascade.doubt import Doubt
from stepwell.router.cascade.held import Holding
from stepwell.router.cascade.opinions import Compared, compare
from stepwell.router.cascade.validate import Validator, load_validators, validate
from stepwell.router.dispatch import Dispatcher, Served
from stepwell.router.opened import OpenStream
from stepwell.router.tierinfo import TierInfo
from stepwell.router.tiers.base import Completed

GUARD = "guard"
_N_FRAME_TOKENS = 8
OnLabel = Callable[[ChatRequest, Label], None]


@dataclass(frozen=True, slots=True)
class Ladder:
    """What looks at answers, and how far up it may lead.

    Attributes:
        max_steps: For one request; a cascade's own step not counted.
        validators: Checks of whole answers; a stream has been released by the time it could be checked.
        checks_guard: A block by an output guard is a failed check, too.
        confidence: By tier, of those that give log-probabilities.
        opinion_time_share: Share of the time left that opinions may take.
        on_label: Takes what is found out: 0 for an answer that failed a check, 1 for a dearer one that then passed it;
            for opinions, whether the tier that decided says the same.
    """

    dispatcher: Dispatcher
    max_steps: int = 1
    validators: tuple[Validator, ...] = ()
    checks_guard: bool = False
    confidence: Mapping[str, Calibration] = field(default_factory=dict)
    accept: AcceptScore = field(default_factory=AcceptScore)
    opinion_time_share: float = 0.67
    on_label: OnLabel | None = None

    async def answer(self, climb: Climb) -> Paid:
        """A whole answer; what all calls did cost is in the climb's purse.

        Where no answer passes its checks the last one comes back, and the decision says `is_degraded`: it is paid, and
        callers who parse it look at it anyway, as they do with one tier.

        Raises:
            AllTiersFailed, TierRefused: Nobody answered, or only tiers under the quality floor.
            BudgetExceeded: The same, where nothing is left for a dearer one.
        """
        plan = climb.decision.cascade
        if plan is None:
            best = await self._ask(climb, climb.decision.chain)
        else:
            best = await self._compared(climb, plan)
        return self._released(climb, await self._checked(climb, best))

    async def open(self, climb: Climb) -> tuple[OpenStream, Served]:
        """A stream; what calls did cost that are dropped is in the climb's purse.

        Raises:
            AllTiersFailed, TierRefused
        """
        return await Holding(climb, self.dispatcher, Doubt(self.confidence, self.max_steps)).open()

    async def up(self, climb: Climb, best: Paid, why: str) -> Paid | None:
        """A dearer tier's answer in place of one that can't be handed out; None where none can be had."""
        return await self._step_up(climb, best, why)

    async def again(self, climb: Climb, best: Paid, asked: ChatRequest, why: str) -> Paid | None:
        """Another answer of the same tier; None where there is no money or no answer.

        Args:
            asked: The request, with what was wrong.
        """
        added = asked.messages[len(climb.request.for_tier(best.tier).messages) :]
        n_more = sum(len(m.text.encode()) + _N_FRAME_TOKENS for m in added)  # no token is less than a byte
        share = climb.purse.share(n_more * self.dispatcher.usd_per_input_token(best.tier))
        if not await share.allows(best.tier):
            return None
        climb.n_again += 1
        try:
            completed, served = await self.dispatcher.complete(
                asked, climb.on((best.tier,)), climb.trace, climb.deadline_s, share
            )
        except (AllTiersFailed, TierError):
            return None
        finally:
            share.close()
        climb.trace.escalations.append(Escalation(best.tier, best.tier, why, best.priced.cost_usd))
        climb.note(f"asked {best.tier} again: {why}")
        return Paid(completed, served, climb.pay(completed.answer, served))

    async def _compared(self, climb: Climb, plan: CascadePlan) -> Paid:
        made = await compare(climb, plan, self.dispatcher, self.accept, self.opinion_time_share)
        if made.best is not None and made.is_accepted:
            climb.note(f"{len(plan.opinions)} opinions: {made.why}")
            return made.best
        return await self._beyond(climb, plan, made)

    async def _beyond(self, climb: Climb, plan: CascadePlan, made: Compared) -> Paid:
        """The answer of a tier that decides where opinions don't."""
        best, up = made.best, plan.escalate_to
        try:
            if not await climb.purse.allows(up[0]):
                raise _no_dollar_left(up[0])
            better = await self._ask(climb, up)
        except (AllTiersFailed, TierError, BudgetExceeded):
            if best is None or not (best.tier in climb.decision.chain or climb.may_serve_below_floor):
                raise
            climb.note(f"{made.why}, and no dearer tier can be asked", is_degraded=True)
            climb.n_steps = self.max_steps
            return best
        climb.rise(plan.opinions[0] if best is None else best.tier, better.tier, made.why, made.usd)
        climb.n_steps -= 1
        self._label_opinions(climb, plan, made, better)
        return better

    def _label_opinions(self, climb: Climb, plan: CascadePlan, made: Compared, better: Paid) -> None:
        decided = normalise(better.completed.answer.text, plan.kind)
        if self.on_label is None or decided is None:
            return
        for paid, answer in made.said:
            self.on_label(climb.request, climb.label(paid, float(answer == decided), "cascade", made.why))

    async def _checked(self, climb: Climb, best: Paid) -> Paid:
        """The answer, or a dearer one where a check fails."""
        failed = ""
        while fault := await self._fault(climb, best):
            self._label(climb, best, 0.0, fault)
            better = await self._step_up(climb, best, fault)
            if better is None:
                is_check = fault != LOW_CONFIDENCE
                climb.note(f"{best.tier} answers in spite of {fault}", is_degraded=is_check)
                return best
            best, failed = better, fault
        if failed:
            self._label(climb, best, 1.0, failed)
        return best

    async def _fault(self, climb: Climb, best: Paid) -> str:
        """Why the answer is not good enough; "" where it is."""
        if self.validators:
            checked = validate(climb.request, best.completed.answer, self.validators)
            if not checked.is_ok:
                return checked.why
            if checked.why:
                climb.note(checked.why)
        if self.checks_guard:
            blocked = await climb.guard(best.completed)
            if blocked is not None:
                return f"{GUARD}: {blocked}"
        if not self.confidence:
            return ""
        signal = read_signal(best.completed.body)
        doubt = Doubt(self.confidence, self.max_steps)
        return LOW_CONFIDENCE if doubt.of(climb, best.tier, signal) else ""

    async def _step_up(self, climb: Climb, best: Paid, why: str) -> Paid | None:
        """A dearer tier's answer; None where none can be had."""
        up = climb.above(best.tier)
        if not up or climb.n_steps >= self.max_steps or not await climb.purse.allows(up[0]):
            return None
        try:
            better = await self._ask(climb, up)
        except (AllTiersFailed, TierError):
            return None
        climb.rise(best.tier, better.tier, why, best.priced.cost_usd)
        return better

    async def _ask(self, climb: Climb, chain: tuple[str, ...]) -> Paid:
        probe = Doubt(self.confidence, self.max_steps).probe(climb, chain) if self.confidence else None
        completed, served = await self.dispatcher.complete(
            climb.request, climb.on(chain), climb.trace, climb.deadline_s, climb.purse, probe
        )
        return Paid(completed, served, climb.pay(completed.answer, served))

    def _released(self, climb: Climb, best: Paid) -> Paid:
        """The answer without log-probabilities that only we asked for."""
        if best.tier not in self.confidence or asks_logprobs(climb.request):
            return best
        completed = Completed(without_logprobs(best.completed.body), best.completed.answer)
        return msgspec.structs.replace(best, completed=completed)

    def _label(self, climb: Climb, paid: Paid, score: float, why: str) -> None:
        if self.on_label is not None and why != LOW_CONFIDENCE:  # what a tier thinks of itself is no outcome
            self.on_label(climb.request, climb.label(paid, score, "validate", why))


def make_ladder(
    routing: RoutingConfig,
    dispatcher: Dispatcher,
    tiers: Sequence[TierInfo],
    *,
    confidence: Mapping[str, Calibration] | None = None,
    accept: AcceptScore | None = None,
    opinion_time_share: float = 0.67,
    on_label: OnLabel | None = None,
) -> Ladder | None:
    """What the configuration asks for; None where it wants no answer looked at.

    Args:
        confidence: Calibrations by tier, from the policy's bundle.
        accept: The learned accept score, from there too.

    Raises:
        ConfigError: A validator can't be loaded.
    """
    known = usable(tiers, confidence or {}) if routing.confidence == "on" else {}
    if routing.cascade == "off" and not routing.validators and not known:
        return None
    names = [v for v in routing.validators if v != GUARD]
    return Ladder(
        dispatcher,
        max_steps=routing.max_escalations,
        validators=load_validators(names),
        checks_guard=len(names) < len(routing.validators),
        confidence=known,
        accept=accept or AcceptScore(),
        opinion_time_share=opinion_time_share,
        on_label=on_label,
    )


def _no_dollar_left(tier: str) -> BudgetExceeded:
    return BudgetExceeded(
        f"Cheap answers disagree, and the dollar limit leaves nothing to ask {tier}. Raise the limit, or set "
        "routing.cascade to off.",
        budget="request",
        remaining_usd=0.0,
    )
