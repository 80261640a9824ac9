"""One line of the decision log, as it is written and as it is read back."""

from __future__ import annotations

import time

import msgspec

from stepwell.base.decisions import Decision
from stepwell.base.reply import Reply
from stepwell.base.request import ChatRequest
from stepwell.router.outcome_notes import conversation_digest, plain_id, tenant_digest, user_digest
from stepwell.run import Run

PINNED = "pinned"


class Needs(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a request asks of a tier, beside its text: enough to decide again where it may go."""

    max_tokens: int | None = None
    has_tools: bool = False
    has_images: bool = False
    response_format: str = ""


class Logged(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request that has ended, from our own log or from another's.

    Attributes:
        id: The request id: feedback names it. `body_id` is the one in the answer.
        tenant, user: Hashes of their names; "" where none was given.
        conversation: Hash of the name of the conversation or the session; "" where it has none.
        status: HTTP's; `error` is the code of what went wrong.
        tier: Where it was sent first. `own` is the policy's choice, where exploring sent it elsewhere.
        served, model: Who answered.
        p_ok, expected_usd: By tier, as the router saw them.
        states: By tier why it was or was not taken: the codes of base.decisions.TierEstimate.
        propensity: By tier the odds that exploring drew it; {} where it could not.
        cost_usd: All that the request cost; None where nobody knows. `is_whole`: it is of one call.
        traits, vector: Of the last ask, as outcome notes keep them: float32 and float16, little-endian.
        words: Hashes of its words, uint16, little-endian; where the configuration keeps them.
        messages, answer: Only where text is kept; `is_masked` says that values in it were replaced.
        scores: By tier, 0..1: what people or graders said of an answer of it.
        source: Whose log it was.
    """

    id: str
    at_s: float = 0.0
    source: str = "stepwell"
    tenant: str = ""
    status: int = 200
    error: str = ""
    cache: str = ""
    body_id: str = ""
    policy: str = ""
    tier: str = ""
    own: str = ""
    served: str = ""
    model: str = ""
    p_ok: dict[str, float] = {}
    expected_usd: dict[str, float] = {}
    states: dict[str, str] = {}
    rules: tuple[str, ...] = ()
    is_explored: bool = False
    propensity: dict[str, float] = {}
    need: float | None = None
    novelty: float | None = None
    in_tokens: int = 0
    out_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = None
    is_cost_estimated: bool = False
    is_whole: bool = False
    ms: float = 0.0
    ttft_ms: float | None = None
    needs: Needs = Needs()
    n_input_tokens: int = 0
    traits: bytes = b""
    traits_hash: str = ""
    vector: bytes = b""
    embedder: str = ""
    words: bytes = b""
    messages: tuple[dict[str, object], ...] = ()
    answer: str | None = None
    is_masked: bool = False
    scores: dict[str, float] = {}
    user: str = ""
    conversation: str = ""

    @property
    def chosen(self) -> str:
        """The tier that the policy itself chose."""
        return self.own or self.tier

    @property
    def is_decided(self) -> bool:
        """Whether a policy chose: not a pin, and not the cache."""
        return bool(self.tier) and self.policy != PINNED


def line_of(run: Run, status: int, reply: Reply | None, error: str) -> Logged:
    """The line but for text, traits and vector."""
    trace, route = run.trace, run.trace.route
    tenant, user, conversation = _asked_by(run.request)
    line = Logged(
        id=trace.request_id,
        at_s=round(time.time(), 3),
        tenant=tenant,
        user=user,
        conversation=conversation,
        status=status,
        error=error,
        cache="" if trace.cache is None or trace.cache.status == "off" else trace.cache.status,
        cost_usd=run.spent_usd,
        ms=round(trace.ms, 3),
        ttft_ms=None if trace.ttft_ms is None else round(trace.ttft_ms, 3),
        needs=_needs_of(run.request),
    )
    if route is not None:
        line = msgspec.structs.replace(line, **_routed(route))
    return line if reply is None else msgspec.structs.replace(line, **_served(run, reply))


def _asked_by(request: ChatRequest) -> tuple[str, str, str]:
    """Digests of tenant, user and conversation."""
    caller, name = request.caller, request.wishes.conversation or request.wishes.session
    tenant = tenant_digest(caller.tenant)
    return (
        "" if caller.tenant is None else tenant.hex(),
        "" if caller.user is None else user_digest(tenant, caller.user).hex(),
        "" if name is None else conversation_digest(tenant, caller.user, name).hex(),
    )


def _needs_of(request: ChatRequest) -> Needs:
    wire = request.wire
    return Needs(
        wire.max_output_tokens,
        bool(wire.tools),
        any(m.has_images for m in wire.messages),
        "" if wire.response_format is None else wire.response_format.type,
    )


def _routed(route: Decision) -> dict[str, object]:
    return {
        "policy": route.policy,
        "tier": route.tier,
        # the explored tier was put in front of the chain that would have been
        "own": route.chain[1] if route.is_explored and len(route.chain) > 1 else "",
        "p_ok": {e.tier: e.p_ok for e in route.estimates if e.p_ok is not None},
        "expected_usd": {e.tier: e.cost_usd for e in route.estimates if e.cost_usd is not None},
        "states": {e.tier: e.status for e in route.estimates},
        "rules": route.rules,
        "is_explored": route.is_explored,
        "propensity": dict(route.propensity or {}),
        "need": route.need,
        "novelty": route.novelty,
        "n_input_tokens": route.n_input_tokens,
    }


def _served(run: Run, reply: Reply) -> dict[str, object]:
    details = reply.usage.prompt_tokens_details
    is_hit = run.trace.cache is not None and run.trace.cache.is_hit
    return {
        "served": reply.tier,
        "model": reply.model,
        "body_id": plain_id(reply.answer.id),
        "cost_usd": reply.cost_usd,
        "is_cost_estimated": reply.is_cost_estimated,
        "is_whole": not is_hit and not run.trace.escalations and len(run.trace.attempts) <= 1,
        "in_tokens": reply.usage.prompt_tokens,
        "out_tokens": reply.usage.completion_tokens,
        "cached_tokens": (details.cached_tokens or 0) if details is not None else 0,
    }
