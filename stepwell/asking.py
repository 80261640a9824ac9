"""Ask the upstream as decided: one call, or a ladder of them; settle the bill, and guard what comes."""

from __future__ import annotations

from dataclasses import dataclass

from stepwell.afterwards import Records, cost_with_losses, settle, usage_of
from stepwell.base.config import PromisesConfig
from stepwell.base.decisions import Decision
from stepwell.base.errors import GuardBlocked, HeldForReview
from stepwell.base.messages import Answer
from stepwell.base.reply import Reply
from stepwell.guarding import Guarding
from stepwell.guards.reask import asked_again
from stepwell.guards.scan import AskAgain
from stepwell.held_answers import HeldAnswers
from stepwell.router.cascade.climb import Climb, Paid, Priced
from stepwell.router.cascade.run import Ladder
from stepwell.router.cost import cost_of
from stepwell.router.dispatch import Dispatcher, Served
from stepwell.router.tiers.base import Completed
from stepwell.run import Run
from stepwell.stream_flights import Call, OnFull
from stepwell.streaming import Asked, Streaming


@dataclass(frozen=True, slots=True)
class Asking:
    """Gets answers for requests that were routed; their money is held, and is paid here."""

    promises: PromisesConfig
    guarding: Guarding
    held: HeldAnswers
    dispatcher: Dispatcher
    ladder: Ladder | None
    plain: Ladder
    records: Records
    streaming: Streaming

    async def whole(self, run: Run, decision: Decision) -> Reply:
        """A whole answer, guarded and kept.

        Raises:
            StepwellError: AllTiersFailed, TierRefused, GuardBlocked.
        """
        if self.ladder is not None or self.guarding.guard.asks_again(run.request):
            return await self._climbed(run, decision, self.ladder or self.plain)
        spent = 0.0
        try:
            completed, served = await self.dispatcher.complete(
                run.request, decision, run.trace, run.deadline_s, run.purse
            )
            usage, is_estimated = usage_of(run, completed.answer)
            spent = cost_with_losses(run, usage, served)
        except BaseException:
            spent = run.lost_usd
            raise
        finally:
            await settle(run, spent)
        return await self._handed_out(run, completed, served, Priced(usage, spent, is_estimated))

    async def open(self, run: Run, decision: Decision, on_full: OnFull | None) -> Call[Asked]:
        """A stream whose first token is there; whoever reads it settles the bill at its end.

        Args:
            on_full: As of SharedStream.

        Raises:
            StepwellError: AllTiersFailed, TierRefused.
        """
        try:
            if self.ladder is None or not self.ladder.confidence:
                opened, served = await self.dispatcher.open(
                    run.request, decision, run.trace, run.deadline_s, run.purse
                )
                asked = Asked(run, served)
            else:
                climb = self._start(run, decision)
                opened, served = await self.ladder.open(climb)
                asked = Asked(run, served, climb.usage)
        except BaseException:
            await settle(run, run.lost_usd)
            raise
        return self.streaming.call(asked, opened, on_full)

    async def _climbed(self, run: Run, decision: Decision, ladder: Ladder) -> Reply:
        """As `whole`, where answers are looked at before one is taken."""
        climb = self._start(run, decision)
        try:
            paid = await ladder.answer(climb)
            while (better := await self._better(run, climb, ladder, paid)) is not None:
                paid = better
        finally:
            spent = run.lost_usd
            await settle(run, spent)
        priced = Priced(climb.usage, spent, climb.is_estimated)
        return await self._handed_out(run, paid.completed, paid.served, priced)

    async def _better(self, run: Run, climb: Climb, ladder: Ladder, paid: Paid) -> Paid | None:
        """Another answer, where the guard's policy wants one and it can be had."""
        guard = self.guarding.guard
        if not guard.asks_again(run.request):
            return None
        try:
            await guard.check_output(
                paid.completed.body, paid.completed.answer, run.request, reviews=run.looking
            )
        except AskAgain as e:
            run.trace.guard_output = e.verdict
            why = f"guard: {', '.join(e.verdict.kinds)}"
            if e.action == "escalate":
                return await ladder.up(climb, paid, why)
            if climb.n_again >= e.n_reasks:
                return None
            asked = asked_again(run.request.for_tier(paid.tier), paid.completed.answer, e.hints)
            return await ladder.again(climb, paid, asked, why)
        except GuardBlocked:
            return None
        return None

    def _start(self, run: Run, decision: Decision) -> Climb:
        assert run.purse is not None  # made when the request was routed

        def price(answer: Answer, served: Served) -> Priced:
            usage, is_estimated = usage_of(run, answer)
            return Priced(usage, cost_of(usage, served.deployment.card), is_estimated)

        async def checked(completed: Completed) -> str | None:
            try:
                await self.guarding.guard.check_output(
                    completed.body, completed.answer, run.request, reviews=run.looking
                )
            except GuardBlocked:
                return "blocked"
            return None

        below = run.request.wishes.below_floor or self.promises.below_floor
        return Climb(
            run.request, decision, run.trace, run.deadline_s, run.purse, price, checked, below == "flag"
        )

    async def _handed_out(self, run: Run, completed: Completed, served: Served, priced: Priced) -> Reply:
        """The reply: its own body, and what all calls for it did cost."""
        body, tier, model = completed.body, served.deployment.tier, served.deployment.answered_as
        try:
            body, answer = await self.guarding.hand_out(run, body, completed.answer)
        except HeldForReview as e:
            await self.held.keep(run, e.review_id, body, tier, model)
            raise
        reply = Reply(
            body,
            tier,
            model,
            priced.cost_usd,
            priced.usage,
            run.trace,
            priced.is_estimated,
            answer,
        )
        await self.records.remember(run, reply, cost_usd=reply.cost_usd, took_s=run.took_s)
        return reply
