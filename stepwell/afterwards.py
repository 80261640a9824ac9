"""What an answer leaves behind: its cost, the cache's copy, the conversation's memory and the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.base.decisions import Verdict
from stepwell.base.messages import Answer, Usage
from stepwell.base.reply import Reply
from stepwell.base.telemetry.metrics import Metrics
from stepwell.base.telemetry.record import Recorder
from stepwell.conversing import Conversing
from stepwell.memory.cache.cache import Cache
from stepwell.packing import Packing
from stepwell.router.cost import cost_of
from stepwell.router.decide import Router
from stepwell.router.dispatch import Served
from stepwell.router.outcome_notes import note_of
from stepwell.router.outcomes import OutcomeStore
from stepwell.run import Run, record_of

if TYPE_CHECKING:
    from stepwell.guards.audit import Audit
    from stepwell.traffic_log import TrafficLog

# what a check of ours finds and no secret: a plugged check's kinds may mean anything
PERSONAL = frozenset({"CREDIT_CARD", "EMAIL", "IBAN", "IP_ADDRESS", "PHONE", "US_SSN"})


def usage_of(run: Run, answer: Answer, n_pieces: int | None = None) -> tuple[Usage, bool]:
    """Tokens as the upstream counted them, or our estimate; and whether it is one.

    Args:
        n_pieces: Of a stream: about one a token.
    """
    if answer.usage is not None and (answer.usage.prompt_tokens or answer.usage.completion_tokens):
        return answer.usage, False
    n_in = run.trace.route.n_input_tokens if run.trace.route is not None else 0
    n_out = n_pieces if n_pieces is not None else sum(len(c.message.text) for c in answer.choices) // 4 + 1
    return Usage(n_in, n_out, n_in + n_out), True


def cost_with_losses(run: Run, usage: Usage, served: Served) -> float:
    """USD of the answer and of the tries that failed before it."""
    return cost_of(usage, served.deployment.card) + run.lost_usd


async def settle(run: Run, usd: float) -> None:
    """Pay, and give back what else was held."""
    run.spent_usd = usd
    run.trace.lost_usd = run.lost_usd
    if run.purse is not None:
        await run.purse.settle(usd)


@dataclass(frozen=True, slots=True)
class Records:
    """Keeps of every request what the cache, conversations, feedback, metrics and sinks need.

    Attributes:
        keeps_personal: The cache may hold answers where a guard found personal data.
    """

    cache: Cache | None
    keeps_personal: bool
    router: Router
    record: Recorder
    metrics: Metrics
    outcomes: OutcomeStore | None
    embedder_name: str
    conversing: Conversing | None
    packing: Packing
    audit: Audit | None = None
    traffic: TrafficLog | None = None

    async def converse(self, run: Run, reply: Reply) -> None:
        """Put the exchange into the log of its conversation, before the reply's end is out."""
        if self.conversing is not None:
            await self.conversing.keep(run, reply)

    async def remember(self, run: Run, reply: Reply, *, cost_usd: float, took_s: float) -> None:
        """Cache the answer, but where the caller forbids it, or a guard found something in it or the question.

        Args:
            cost_usd, took_s: What the answer cost, and how long the upstream took for it.
        """
        if self.cache is None or run.lookup is None or run.request.wishes.cache == "no-store":
            return
        if not all(self._may_keep(v) for v in (run.trace.guard_input, run.trace.guard_output)):
            return
        await self.cache.write(
            run.lookup,
            body=reply.body,
            answer=reply.answer,
            tier=reply.tier,
            model=reply.model,
            cost_usd=cost_usd,
            took_s=took_s,
            is_degraded=reply.is_degraded,
        )

    def _may_keep(self, verdict: Verdict | None) -> bool:
        if verdict is None or not (verdict.kinds or verdict.errors):
            return True
        is_personal = verdict.action != "block" and PERSONAL.issuperset(verdict.kinds)
        return self.keeps_personal and is_personal and not verdict.errors

    def add(self, run: Run, status: int, reply: Reply | None = None, error: str = "") -> None:
        """The request has ended."""
        self.metrics.n_in_flight -= 1
        if reply is not None:
            self._keep(run, reply)
        self.record(record_of(run, status, reply, error))
        if self.audit is not None:
            self.audit.write(run.trace, run.request, status, None if reply is None else reply.tier)
        if self.traffic is not None:
            vector = run.vector.made_for_routing() if self.router.needs_vector else None
            self.traffic.write(run, status, reply, error, vector)

    def _keep(self, run: Run, reply: Reply) -> None:
        """What the conversation and its feedback need of an answer."""
        if run.turn is not None:  # None: the cache served
            self.router.sessions.settle(run.turn, reply.tier, n_input_tokens=reply.usage.prompt_tokens)
        self.packing.observe(run, reply)
        self.packing.tend(run)
        if reply.trace.route is not None:
            self.router.observe(reply.trace.route, reply.cost_usd)
        if self.outcomes is not None:
            vector = run.vector.made_for_routing() if self.router.needs_vector else None
            note = note_of(
                run.request,
                reply,
                vector=vector,
                embedder=self.embedder_name,
                is_explored=reply.trace.route is not None and reply.trace.route.is_explored,
            )
            if note is not None:
                self.outcomes.remember(note)
