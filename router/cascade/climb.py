"""One request on its way up: what it may still do, what it did cost, and what is told of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from stepwell.base.decisions import Decision, Escalation, Trace
from stepwell.base.messages import Answer, PromptDetails, Usage
from stepwell.base.request import ChatRequest
from stepwell.router.dispatch import Served
from stepwell.router.purse import Purse
from stepwell.router.tiers.base import Completed


class Priced(msgspec.Struct, frozen=True):
    """What one answer did cost."""

    usage: Usage
    cost_usd: float
    is_estimated: bool = False


class Paid(msgspec.Struct, frozen=True):
    """One whole answer, paid."""

    completed: Completed
    served: Served
    priced: Priced

    @property
    def tier(self) -> str:
        return self.served.deployment.tier


class Label(msgspec.Struct, frozen=True):
    """What is known of one tier's answer once it was looked at: an outcome.

    Attributes:
        request_id: The trace's; labels of one request belong together.
        score: 1 for a good answer, 0 for a poor one.
        source: "validate": a check said so; "cascade": a dearer tier said the same, or not.
    """

    request_id: str
    tier: str
    score: float
    source: Literal["validate", "cascade"]
    why: str
    usage: Usage
    cost_usd: float


class Climb(msgspec.Struct):
    """One request on its way up.

    Attributes:
        price: What an answer did cost.
        guard: Why an output guard blocks the answer, or None.
        may_serve_below_floor: The caller takes flagged answers of tiers under the quality floor.
        usage: Tokens of every answer paid so far.
        is_estimated: One of them was priced by estimate.
        n_steps: Steps up so far.
        n_again: How often the same tier was asked again.
    """

    request: ChatRequest
    decision: Decision
    trace: Trace
    deadline_s: float
    purse: Purse
    price: Callable[[Answer, Served], Priced]
    guard: Callable[[Completed], Awaitable[str | None]]
    may_serve_below_floor: bool = False
    usage: Usage = msgspec.field(default_factory=Usage)
    is_estimated: bool = False
    n_steps: int = 0
    n_again: int = 0

    def pay(self, answer: Answer, served: Served) -> Priced:
        """Count an answer that is there, whether or not it is served."""
        priced = self.price(answer, served)
        self.purse.pay(priced.cost_usd)
        self.count(priced)
        return priced

    def count(self, priced: Priced) -> None:
        """Count the tokens of an answer that was paid."""
        self.usage = added(self.usage, priced.usage)
        self.is_estimated |= priced.is_estimated

    def above(self, tier: str) -> tuple[str, ...]:
        """Tiers that may answer and are dearer than `tier`, the next one first."""
        plan = self.decision.cascade
        may = self.decision.chain if plan is None else plan.escalate_to
        names = [e.tier for e in self.decision.estimates]
        dearer = names[names.index(tier) + 1 :] if tier in names else []
        return tuple(name for name in dearer if name in may)

    def on(self, chain: tuple[str, ...]) -> Decision:
        """The decision as the dispatcher needs it to ask these tiers."""
        return msgspec.structs.replace(self.decision, tier=chain[0], chain=chain, cascade=None)

    def label(self, paid: Paid, score: float, source: Literal["validate", "cascade"], why: str) -> Label:
        """What was found out about an answer."""
        priced = paid.priced
        return Label(self.trace.request_id, paid.tier, score, source, why, priced.usage, priced.cost_usd)

    def rise(self, from_tier: str, to_tier: str, why: str, cost_usd: float) -> None:
        """Record one step up."""
        self.n_steps += 1
        self.trace.escalations.append(Escalation(from_tier, to_tier, why, cost_usd))
        self.note(f"escalated from {from_tier} to {to_tier}: {why}")

    def note(self, reason: str, *, is_degraded: bool = False) -> None:
        """Say it in the decision that the caller sees."""
        now = self.trace.route or self.decision
        self.trace.route = msgspec.structs.replace(
            now, reasons=(*now.reasons, reason), is_degraded=now.is_degraded or is_degraded
        )


def added(a: Usage, b: Usage) -> Usage:
    """Tokens of both."""
    details = [d.cached_tokens for d in (a.prompt_tokens_details, b.prompt_tokens_details) if d is not None]
    cached = [n for n in details if n is not None]
    return Usage(
        a.prompt_tokens + b.prompt_tokens,
        a.completion_tokens + b.completion_tokens,
        a.total_tokens + b.total_tokens,
        PromptDetails(sum(cached)) if cached else None,
    )
