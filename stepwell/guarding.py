"""A request's way in through the guards, and its answer's way out: values leave as placeholders and come back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from stepwell.base.decisions import Verdict
from stepwell.base.embedding import RequestVector
from stepwell.base.errors import GuardBlocked, GuardUnavailable
from stepwell.base.messages import Answer, decode_answer
from stepwell.base.request import ChatRequest
from stepwell.conversing import Conversing
from stepwell.guards.guard import Guard
from stepwell.guards.masks.held_names import HeldNames
from stepwell.guards.policy import INPUTS
from stepwell.guards.scan import aside
from stepwell.memory.context.log.log import Name, Past
from stepwell.run import Run

if TYPE_CHECKING:
    from stepwell.guards.masks.store import MaskStore
    from stepwell.guards.review.one_request import RequestReviews


@dataclass(frozen=True, slots=True)
class Guarding:
    """Guards a run.

    Attributes:
        masks: What placeholders of conversations stand for.
        vector_of: The embedding of a request's own text.
        conversing: Where conversations are held.
    """

    guard: Guard
    masks: Callable[[], MaskStore] | None
    vector_of: Callable[[ChatRequest], RequestVector]
    conversing: Conversing | None = None
    _held_names: HeldNames = field(default_factory=HeldNames)

    async def receive(self, run: Run, *, is_asked: bool = True) -> None:
        """Check and change the request; what it is bound to holds for every stage after this.

        Args:
            is_asked: A tier will be asked; False hands nothing to people.

        Raises:
            GuardBlocked, HeldForReview, BadRequest
        """
        run.reviews = self._reviews_of(run, holds=is_asked)
        if self.guard.policy(run.request).acts("mask", INPUTS):
            await self._open_vault(run)

        def take(request: ChatRequest) -> RequestVector:
            if request.wire is not run.request.wire:
                run.vector = self.vector_of(request)
            run.request = request
            return run.vector

        try:
            async with _within(run) if self.guard.policy(run.request).may_wait else _AT_ONCE:
                verdict, request = await self.guard.check_input(
                    run.request, vector_of=take, masking=run.masking, reviews=run.reviews
                )
        except GuardBlocked as e:
            run.trace.guard_input = e.verdict
            raise
        take(request)
        if verdict.policy or verdict.keep_to is not None:
            run.trace.guard_input = verdict
        if request.keep_to is not None:
            run.request = without_meaning(request)
        await self.keep_masks(run)

    async def hand_out(self, run: Run, body: bytes, answer: Answer) -> tuple[bytes, Answer]:
        """Check an answer, then put values back; `run.said` is the answer without them, where there were any.

        Raises:
            GuardBlocked: AskAgain, where the policy wants another answer.
        """
        try:
            verdict, body, answer = await self.guard.check_output(
                body, answer, run.request, reviews=run.reviews
            )
        except GuardBlocked as e:
            run.trace.guard_output = e.verdict
            raise
        if verdict.policy:
            run.trace.guard_output = verdict
        if run.vault is None or run.vault.is_empty:
            return body, answer
        from stepwell.guards.masks.restorer import restore_body

        run.said = body
        body = restore_body(body, run.vault)
        return body, decode_answer(body)

    async def shown(self, past: Past, name: Name) -> Past:
        """What the log has of a conversation, as its caller knows it: with values in place of placeholders.

        Raises:
            StoreUnavailable: What they stand for can't be read just now.
        """
        if self.masks is None or not (past.turns or past.summary) or not self.guard.any_acts("mask"):
            return past
        from stepwell.guards.masks.restorer import restore_message

        vault = await self.masks().read(name.tenant, name.user, name.id)
        turns = tuple(msgspec.structs.replace(t, raw=restore_message(t.raw, vault)) for t in past.turns)
        summary = past.summary
        if summary is not None:
            summary = msgspec.structs.replace(summary, text=vault.restore(summary.text))
        return msgspec.structs.replace(past, turns=turns, summary=summary)

    def _reviews_of(self, run: Run, *, holds: bool) -> RequestReviews | None:
        reviews = self.guard.reviews
        if reviews is None:
            return None
        from stepwell.guards.review.one_request import RequestReviews

        def unmasked(text: str) -> str:
            return text if run.vault is None else run.vault.restore(text)

        return RequestReviews(reviews, unmasked, holds=holds)

    async def _open_vault(self, run: Run) -> None:
        """Of the conversation that is named, else of this request alone."""
        from stepwell.guards.masks.masker import Masker
        from stepwell.guards.masks.vault import Vault

        name, caller = run.request.wishes.conversation, run.request.caller
        if name is None or self.masks is None:
            run.vault = Vault()
        else:
            # what is logged now was masked before: the vault that is opened after it knows it, or has lost it
            held = await self._names_in(Name(name, caller.tenant or "", caller.user or ""))
            run.vault = await self.masks().open(caller.tenant or "", caller.user or "", name)
            run.vault.reserve_names(held)
        run.masking = masker = Masker(run.vault)
        n_bytes = sum(memoryview(raw).nbytes for raw in run.request.fields.values())
        run.request = await aside(partial(masker.own_words, run.request), n_bytes)

    async def _names_in(self, name: Name) -> set[str]:
        """What stands like a placeholder in the conversation.

        One that stands for nothing any more must not stand for the next value: a history says something of it.
        """
        if self.conversing is None:
            return set()
        talk = await self.conversing.conversations.open(name)
        if talk.is_empty:
            return set()
        others = [message.text for message, _ in talk.system] + [pin.text for pin in talk.pins]
        if talk.summary is not None:
            others.append(talk.summary.text)
        return await self._held_names.of((name, talk.epoch), talk.raws, others)

    async def keep_masks(self, run: Run) -> None:
        """Keep what was masked since the last time; at once where nothing was."""
        name, caller = run.request.wishes.conversation, run.request.caller
        if run.vault is not None and name is not None and self.masks is not None:
            await self.masks().save(caller.tenant or "", caller.user or "", name, run.vault)


_AT_ONCE = nullcontext()


@asynccontextmanager
async def _within(run: Run) -> AsyncIterator[None]:
    """Bound checks that take their time by the request's deadline.

    Raises:
        GuardUnavailable: It has passed.
    """
    try:
        async with asyncio.timeout(run.deadline_s - time.monotonic()):
            yield
    except TimeoutError:
        verdict = Verdict("input", "block", errors=("deadline",))
        raise GuardUnavailable(
            "The guards took all the time that the request has.", verdict=verdict
        ) from None


def without_meaning(request: ChatRequest) -> ChatRequest:
    """A request that is bound to tiers, so that only the very same one shares its answer.

    Judges of meaning may ask tiers, and would send them what it says.
    """
    wishes = request.wishes
    cache = "exact" if wishes.cache in (True, "exact") else False
    return msgspec.structs.replace(request, wishes=msgspec.structs.replace(wishes, cache=cache))
