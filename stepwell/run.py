"""One request on its way, and the record that it leaves behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from stepwell.base.decisions import Decision, FitDecision, Trace
from stepwell.base.embedding import RequestVector
from stepwell.base.errors import StepwellError
from stepwell.base.reply import Reply
from stepwell.base.request import ChatRequest
from stepwell.base.telemetry.record import ContextRecord, Record
from stepwell.memory.cache.cache import Lookup
from stepwell.memory.context.packing.packed import Packed
from stepwell.router.purse import Purse
from stepwell.router.turns import Turn
from stepwell.stream import CLIENT_LEFT

if TYPE_CHECKING:
    from stepwell.guards.masks.vault import Vault
    from stepwell.guards.review.one_request import RequestReviews
    from stepwell.guards.spans import Masking
    from stepwell.memory.context.talk import Talk
    from stepwell.memory.context.thread.thread import Thread


class Run(msgspec.Struct):
    """One request on its way: what it is by now, and what was decided so far.

    Attributes:
        asked_s: When it went upstream, on the monotonic clock.
        talk: The conversation that was named.
        sent: The request before the conversation's messages were put in front.
        guarded: Names the guard rules that what was sent has passed.
        fits: What of the conversation goes to each tier, where it was packed; `n_history` messages in all.
        n_lead: How many system messages headed what was sent.
        has_history: The conversation had one when the request came.
        held: Of the request's messages those that came from the conversation: their place in it.
        thread: Where what was sent is a long conversation of its own.
        vault: Values that placeholders stand for in what is sent; `masking` makes them, where the policy masks.
        reviews: The review queue, as this request asks it.
        ask: Names the request to that queue, where its policy has people look at answers; b"" elsewhere.
        said: The answer as the tier gave it, after its guards, where placeholders in it were replaced for the caller.
    """

    request: ChatRequest
    trace: Trace
    began_s: float
    deadline_s: float
    vector: RequestVector
    is_stream: bool
    lookup: Lookup | None = None
    purse: Purse | None = None
    spent_usd: float = 0.0
    turn: Turn | None = None
    asked_s: float = 0.0
    talk: Talk | None = None
    sent: ChatRequest | None = None
    guarded: bytes = b""
    fits: Mapping[str, Packed] = msgspec.field(default_factory=dict)
    n_history: int = 0
    n_lead: int = 0
    has_history: bool = False
    held: Mapping[int, int] = msgspec.field(default_factory=dict)
    thread: Thread | None = None
    vault: Vault | None = None
    masking: Masking | None = None
    reviews: RequestReviews | None = None
    ask: bytes = b""
    said: bytes | None = None

    @property
    def looking(self) -> RequestReviews | None:
        """`reviews`, for what nobody has to look at yet."""
        return None if self.reviews is None else self.reviews.looking

    @property
    def lost_usd(self) -> float:
        """Upper bound of the tries that failed and may have been billed."""
        return self.purse.lost_usd if self.purse is not None else 0.0

    @property
    def took_s(self) -> float:
        """Seconds since it went upstream."""
        return time.monotonic() - self.asked_s


def bill(error: BaseException, run: Run) -> None:
    """Say in the error what the request has cost."""
    if isinstance(error, StepwellError):
        error.spent_usd = run.spent_usd


def record_of(run: Run, status: int, reply: Reply | None, error: str) -> Record:
    """What is known of the request, now that it has ended; sets the trace's time."""
    trace, caller = run.trace, run.request.caller
    trace.ms = ms = (time.monotonic() - run.began_s) * 1e3
    cache, route = trace.cache, trace.route
    record = Record(
        ts_s=time.time(),
        request_id=trace.request_id,
        status=status,
        ms=ms,
        tenant=caller.tenant or "",
        is_stream=run.is_stream,
        ttft_ms=trace.ttft_ms,
        error=error,
        cache=cache.status if cache is not None else "",
        attempts=[(a.tier, a.outcome) for a in trace.attempts],
        guard_input=trace.guard_input.action if trace.guard_input is not None else "",
        guard_output=trace.guard_output.action if trace.guard_output is not None else "",
        cost_usd=run.spent_usd,
    )
    if trace.escalations:
        record.n_escalations = len(trace.escalations)
    record.is_degraded = trace.is_degraded
    if route is not None:
        _add_route(record, route)
    if reply is not None:
        record.tier, record.model, record.cost_usd = reply.tier, reply.model, reply.cost_usd
        record.n_input_tokens = reply.usage.prompt_tokens
        record.n_output_tokens = reply.usage.completion_tokens
        details = reply.usage.prompt_tokens_details
        record.n_cached_tokens = (details.cached_tokens or 0) if details is not None else 0
    record.is_logged = trace.is_logged
    if trace.context is not None and run.fits:
        record.context = _context_of(trace.context)
    return record


def _context_of(fit: FitDecision) -> ContextRecord:
    return ContextRecord(
        len(fit.kept),
        fit.n_dropped,
        fit.n_recalled,
        fit.n_tokens,
        fit.expected_recall,
        fit.n_summary_tokens,
        fit.n_same_tokens,
    )


def _add_route(record: Record, route: Decision) -> None:
    record.policy = route.policy
    record.tier = route.tier
    record.saved_usd = route.saved_usd
    record.need, record.novelty, record.price = route.need, route.novelty, route.price
    record.budget = route.budget
    estimate = route.estimate(route.tier)
    record.p_ok = estimate.p_ok if estimate is not None else None


def last_user_text(request: ChatRequest) -> str:
    for message in reversed(request.wire.messages):
        if message.role == "user":
            return message.text
    return ""


def wants_usage(run: Run) -> bool:
    options = run.request.wire.stream_options
    return options is not None and options.include_usage


def status_of(e: BaseException) -> int:
    if isinstance(e, StepwellError):
        return e.status_code
    return CLIENT_LEFT if isinstance(e, asyncio.CancelledError) else 500


def code_of(e: BaseException) -> str:
    return e.code if isinstance(e, StepwellError) else type(e).__name__
