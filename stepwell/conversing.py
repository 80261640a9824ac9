"""A request's way into a conversation that was named, and the exchange's way into its log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from stepwell.base.decisions import Verdict
from stepwell.base.errors import GuardBlocked, GuardUnavailable, NoCapableTier
from stepwell.base.messages import n_leading
from stepwell.base.reply import Reply
from stepwell.base.request import ChatRequest
from stepwell.guards.guard import Guard
from stepwell.guards.tally import MAX_NOTED
from stepwell.memory.context.log.log import N_RULES_BYTES, Name
from stepwell.run import Run, last_user_text

if TYPE_CHECKING:
    from stepwell.memory.context.conversations import Conversations
    from stepwell.memory.context.talk import Talk


class _Said(msgspec.Struct):
    message: Raw


class _Body(msgspec.Struct):
    choices: list[_Said] = msgspec.field(default_factory=list)


_decode = msgspec.json.Decoder(_Body).decode


class Conversing:
    """Joins requests with their conversations.

    Args:
        open_: Makes what holds all conversations, when the first one is named.
    """

    def __init__(self, open_: Callable[[], Conversations], guard: Guard, *, log_wait_s: float = 2.0) -> None:
        self._open = open_
        self._guard = guard
        self._log_wait_s = log_wait_s
        self._late: set[asyncio.Task[bool]] = set()

    @cached_property
    def conversations(self) -> Conversations:
        """All conversations; made when first asked for."""
        return self._open()

    async def join(self, run: Run, asked: ChatRequest) -> None:
        """Find the conversation, and keep of the request what is new to it.

        Args:
            asked: The request as it came, before a guard changed it.

        Raises:
            ForeignConversation, StoreUnavailable
        """
        caller, conversation = asked.caller, asked.wishes.conversation
        assert conversation is not None
        name = Name(conversation, caller.tenant or "", caller.user or "")
        run.talk = talk = await self.conversations.open(name)
        if (bound := bound_by(talk.guarded)) is not None:
            run.request = kept_to(run.request, bound)
        run.guarded = mark_of(self._guard.policy(run.request).fingerprint, run.request.keep_to)
        # as it is now: another request may be answered before this one is packed
        run.has_history = not talk.is_empty
        run.n_lead = n_leading(asked.messages)
        run.request = run.sent = talk.news(run.request, asked)

    async def check_held(self, run: Run) -> None:
        """Let the guard read what of the conversation passed other rules than today's, or none, and its pins.

        A held message that is blocked is left out with its exchange; what was sent now has passed before.

        Raises:
            GuardBlocked: A pin or the system prompt is blocked.
        """
        talk = run.talk
        rules = self._guard.policy(run.request).fingerprint
        if talk is None or not run.has_history or not rules:
            return
        if not talk.pins and {rules_of(mark) for mark in talk.guarded} <= {rules}:
            return
        try:
            verdict, run.request = await self._guard.check_input(
                run.request, masking=run.masking, reviews=run.looking
            )
        except GuardUnavailable:
            raise
        except GuardBlocked:
            run.request = run.request.without(await self._blocked(run))
            verdict, run.request = await self._guard.check_input(
                run.request, masking=run.masking, reviews=run.reviews
            )
        run.guarded = mark_of(rules, run.request.keep_to)
        run.trace.guard_input = _both(run.trace.guard_input, verdict)

    async def _blocked(self, run: Run) -> set[int]:
        """Places in the request of the exchanges that hold a blocked message."""
        assert run.talk is not None
        exchange = run.talk.thread.shape.exchange
        bad = set()
        for at, place in run.held.items():
            alone = run.request.with_kept([at])
            try:
                await self._guard.check_input(alone, reviews=run.looking)
            except GuardBlocked:
                bad.add(int(exchange[place]))
        return {at for at, place in run.held.items() if int(exchange[place]) in bad}

    async def keep(self, run: Run, reply: Reply) -> None:
        """Put the exchange into the log; the trace says whether it is there.

        Waits for the log no longer than `log_wait_s`: a reply that was paid for goes out, and what is late may still
        be kept.
        """
        talk, sent = run.talk, run.sent
        if talk is None or sent is None:
            return
        said = _decode(run.said or reply.body).choices
        if not said:
            run.trace.is_logged = False
            return
        task = asyncio.ensure_future(self._close(talk, sent, run, said[0].message))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        done, _ = await asyncio.wait({task}, timeout=self._log_wait_s)
        run.trace.is_logged = bool(done) and task.result()

    async def _close(self, talk: Talk, sent: ChatRequest, run: Run, answer: Raw) -> bool:
        text = last_user_text(sent)
        made = run.vector.made(text)
        return await self.conversations.close_exchange(
            talk,
            sent,
            answer,
            guarded=run.guarded,
            n_lead=run.n_lead,
            answer_guarded=await self._passes(answer, run),
            asked_s=time.time() - (time.monotonic() - run.began_s),
            embedded=None if made is None else (text, *made),
        )

    async def _passes(self, answer: Raw, run: Run) -> bytes:
        """The mark of an answer: it is input from now on, under the rules of who asked.

        One that these would change, or refuse, has passed none; what binds it binds the conversation.
        """
        bound = bound_by({run.guarded})
        if not rules_of(run.guarded):
            return run.guarded
        body = b'{"messages":[' + bytes(answer) + b"]}"
        request = ChatRequest.parse(body, run.request.caller, run.request.wishes)
        try:
            _, checked = await self._guard.check_input(request, reviews=run.looking)
        except GuardBlocked:
            return mark_of(b"", bound)
        keep_to = bound if checked.keep_to is None else checked.keep_to
        return mark_of(rules_of(run.guarded) if checked.wire is request.wire else b"", keep_to)

    async def close(self) -> None:
        """Let go of the log, where it was opened."""
        if self._late:
            await asyncio.wait(self._late, timeout=self._log_wait_s)
        if "conversations" in self.__dict__:
            await self.conversations.close()


def mark_of(rules: bytes, keep_to: frozenset[str] | None) -> bytes:
    """What the log keeps beside a message: the rules that it passed, and the only tiers that may see it."""
    if keep_to is None:
        return rules
    return rules.ljust(N_RULES_BYTES, b"\0") + ",".join(sorted(keep_to)).encode()


def rules_of(mark: bytes) -> bytes:
    """The rules that a message passed; b"": none."""
    return mark[:N_RULES_BYTES].strip(b"\0") and mark[:N_RULES_BYTES]


def bound_by(marks: Iterable[bytes]) -> frozenset[str] | None:
    """The only tiers that may see all messages with such marks; None: any may."""
    kept = [frozenset(m[N_RULES_BYTES:].decode().split(",")) for m in marks if len(m) > N_RULES_BYTES]
    return frozenset.intersection(*kept) if kept else None


def kept_to(request: ChatRequest, tiers: frozenset[str]) -> ChatRequest:
    """The request, bound to these tiers too.

    Raises:
        NoCapableTier: None is left.
    """
    both = tiers if request.keep_to is None else tiers & request.keep_to
    if not both:
        raise NoCapableTier("The request and its conversation are bound to different tiers.")
    return msgspec.structs.replace(request, keep_to=both)


def _both(sent: Verdict | None, held: Verdict) -> Verdict:
    """What was found in what was sent, and in what was held."""
    if sent is None or not (sent.kinds or sent.errors):
        return held
    kinds = (*sent.kinds, *(kind for kind in held.kinds if kind not in sent.kinds))
    errors = (*sent.errors, *(error for error in held.errors if error not in sent.errors))
    action = sent.action if held.action == "allow" else held.action
    return Verdict(
        sent.stage,
        action,
        kinds,
        sent.n_findings + held.n_findings,
        errors,
        (*sent.findings, *held.findings)[:MAX_NOTED],
        held.keep_to or sent.keep_to,
        held.policy,
        sent.ms + held.ms,
        held.review_id or sent.review_id,
    )
