"""Answers that people have to look at first: kept meanwhile, for the request that they were given to."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.base.decisions import CacheDecision
from stepwell.base.errors import GuardBlocked, GuardUnavailable, HeldForReview, StoreUnavailable
from stepwell.base.messages import Usage, decode_answer
from stepwell.base.reply import Reply
from stepwell.base.request import ChatRequest
from stepwell.guarding import Guarding
from stepwell.guards.policy import OUTPUTS
from stepwell.memory.cache.key import exact_key
from stepwell.run import Run

if TYPE_CHECKING:
    from stepwell.guards.review.queue import ReviewQueue

APPROVED = CacheDecision("hit", "a person approved it")


@dataclass(frozen=True, slots=True)
class HeldAnswers:
    """Gives the answer that was approved to who asks the same again, once; no other one is paid for until then."""

    guarding: Guarding
    reviews: ReviewQueue | None

    def name(self, run: Run) -> None:
        """Name the request as it came; call it before a guard changes that."""
        if self.reviews is not None and self.guarding.guard.policy(run.request).acts("review", OUTPUTS):
            run.ask = ask_of(run.request, is_stream=run.is_stream)

    async def approved(self, run: Run) -> Reply | None:
        """The answer that was approved; None where there is none.

        Raises:
            HeldForReview: Nobody has looked at it yet.
        """
        if self.reviews is None or not run.ask:
            return None
        if run.talk is not None:  # the same words later in a conversation are another request
            run.ask += f"{run.talk.epoch} {run.talk.n_turns}".encode()
        held, keep_to = await self.reviews.answer(run.ask), run.request.keep_to
        if held is None or (keep_to is not None and held.tier not in keep_to):
            return None
        try:
            body, answer = await self.guarding.hand_out(run, held.body, decode_answer(held.body))
        except (HeldForReview, GuardUnavailable):
            raise
        except GuardBlocked:  # rejected, or today's rules refuse it
            await self.reviews.drop_answer(run.ask)
            return None
        await self.reviews.drop_answer(run.ask)
        run.trace.cache = APPROVED
        return Reply(body, held.tier, held.model, 0.0, answer.usage or Usage(), run.trace, False, answer)

    async def keep(self, run: Run, review_id: str, body: bytes, tier: str, model: str) -> None:
        """Keep an answer, as its tier gave it, while it waits under `review_id`."""
        from stepwell.guards.review.answer_file import HeldAnswer

        if self.reviews is None or not run.ask:
            return
        with suppress(StoreUnavailable):  # the caller has to know that it is held, and under which id
            await self.reviews.keep_answer(run.ask, review_id, HeldAnswer(body, tier, model))


def ask_of(request: ChatRequest, *, is_stream: bool) -> bytes:
    """Names a request: whose it is, and all that it says."""
    whose = [request.caller.user, request.wishes.conversation, is_stream]
    return exact_key(request, scope=repr(whose), versions="held")
