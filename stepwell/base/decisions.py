"""What each stage decided about one request: the typed things that a completion's trace holds.

Structs, not dataclasses: a frozen dataclass takes three times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Stage = Literal["input", "retrieved", "tool_args", "tool_result", "output", "stream"]
Action = Literal["allow", "log", "redact", "mask", "keep_to", "escalate", "reask", "review", "block"]
"""What a finding does, mildest first."""
CacheStatus = Literal["off", "miss", "hit", "semantic_hit", "shadow_hit", "bypass"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that a check found in one text.

    Attributes:
        kind: What it is, in capitals: "EMAIL", "CREDIT_CARD", "AWS_ACCESS_KEY".
        start, end: Span in the checked text, in characters.
        score: 0..1, the check's own certainty.
        check: Name of the check.
    """

    kind: str
    start: int
    end: int
    score: float = 1.0
    check: str = ""


class Noted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finding as it is kept: where, what and how sure; never text.

    Attributes:
        where: Path of the text: "messages.3.content".
        start, end: Characters of that text as it was checked.
    """

    kind: str
    where: str
    start: int
    end: int
    score: float
    check: str
    action: Action


class Verdict(msgspec.Struct, frozen=True):
    """What a guard decided about what came in ("input") or went out ("output"). Holds kinds and counts, never text.

    Attributes:
        action: The most severe one taken.
        findings: The first of them, up to a bound.
        keep_to: Tiers that the request is bound to; None: to none in particular.
        policy: Names the effective rules.
        ms: What the checks took.
        review_id: Where a person has to look at it first.
    """

    stage: str
    action: Action = "allow"
    kinds: tuple[str, ...] = ()
    n_findings: int = 0
    errors: tuple[str, ...] = ()
    findings: tuple[Noted, ...] = ()
    keep_to: tuple[str, ...] | None = None
    policy: str = ""
    ms: float = 0.0
    review_id: str | None = None

    @property
    def why(self) -> str:
        return self.action if not self.kinds else f"{self.action}({','.join(self.kinds)})"


class CacheDecision(msgspec.Struct, frozen=True):
    """What the cache did, and why.

    Attributes:
        similarity: Cosine of the nearest cached prompt, -1..1, where one was looked for.
        hit_id: Names this hit: `report_bad` takes it. None where nothing was served, in shadow too.
        saved_usd: What the hit saved (or would have).
        p_same: Probability that the neighbour's answer would do, 0..1, where one was weighed.
        age_s: How old the answer served is.
        is_degraded: Another's call under way gave the answer, and it is under the promise (Reply.is_degraded).
    """

    status: CacheStatus
    reason: str = ""
    similarity: float | None = None
    hit_id: str | None = None
    saved_usd: float = 0.0
    p_same: float | None = None
    age_s: float | None = None
    is_degraded: bool = False

    @property
    def is_hit(self) -> bool:
        """True where the answer came from the cache, or from another's call under way."""
        return self.status in ("hit", "semantic_hit")


class FitDecision(msgspec.Struct, frozen=True):
    """What fitting the conversation into the window kept.

    Attributes:
        kept: Places in the history of the messages that stay, rising; a conversation's own history counts, and what
            was sent follows it.
        n_tokens: Tokens of what is sent. Exact where `is_exact`, else an upper bound.
        n_dropped: Messages left out.
        n_recalled: Messages kept from before the latest exchanges, because they matter now.
        expected_recall: Share of the older messages that matter now that is sent, by estimate, 0..1; 1 where all is.
        n_summary_tokens: Tokens of the summary that stands for what was left out, 0 where there is none.
        n_same_tokens: Tokens at the prompt's beginning that are as they were in the conversation's last prompt:
            a provider's prompt cache may serve them. None where that is not known.
    """

    kept: tuple[int, ...]
    n_tokens: int
    window_tokens: int
    is_exact: bool = False
    n_dropped: int = 0
    n_recalled: int = 0
    expected_recall: float = 1.0
    n_summary_tokens: int = 0
    n_same_tokens: int | None = None


class TierEstimate(msgspec.Struct, frozen=True):
    """How one tier looked to the router.

    Attributes:
        p_ok: Probability that its answer is good enough, 0..1; None where it was not asked for (a pin).
        cost_usd: Expected cost; None where the price is unknown.
        max_cost_usd: Upper bound: every allowed output token is written.
        status: "chosen", "fallback" (would be tried next), or why not: "below_floor", "no_key", "over_budget",
            "window", "context" (its window would forget more than is promised), "tools", "json_schema", "images",
            "rule", "keep_to" (the request is bound to other tiers), "narrow" (it is fine-tuned for one kind of ask, and
            the policy does not know the ask to be of it), "unknown_price",
            "unhealthy", "costs_quality" (a learned policy expects too much quality lost for
            the saving).
    """

    tier: str
    p_ok: float | None
    cost_usd: float | None
    max_cost_usd: float | None
    status: str


class CascadePlan(msgspec.Struct, frozen=True):
    """Ask cheap tiers first, compare what they say, and go up where they disagree.

    Attributes:
        opinions: Tiers to ask at once; one that stands twice is asked twice, in other words the second time.
        kind: How answers are compared: "number", "choice", "json", "code_output", "short".
        accept_above: Least probability of being right, 0..1, at which the cheap answer is taken.
        escalate_to: Where it goes otherwise, in order.
    """

    opinions: tuple[str, ...]
    kind: str
    accept_above: float
    escalate_to: tuple[str, ...]


class Escalation(msgspec.Struct, frozen=True):
    """One step up after an answer that was not good enough.

    Attributes:
        why: "disagree", "low_confidence", or the check that failed; never text of an answer.
        cost_usd: What the answer that was dropped had cost.
    """

    from_tier: str
    to_tier: str
    why: str
    cost_usd: float = 0.0


class Decision(msgspec.Struct, frozen=True):
    """Which tier answers, and why.

    Attributes:
        tier: The tier to ask first.
        chain: Tiers to try, in order; begins with `tier`.
        model: A model's own name where the caller pinned one, else None.
        policy: Name of the policy that gave p_ok ("pinned" where none was asked).
        threshold: Least p_ok that counts as good enough; None for a pin.
        estimates: Every tier, cheapest first.
        rules: The user's rules that fired.
        reasons: Top reasons, most important first, in plain words.
        n_input_tokens, n_output_tokens: What the cost stands on; both estimates.
        saved_usd: Expected saving against the baseline tier, signed; None means not measured.
        wanted_tier: The tier that would have been chosen, had it a key and been healthy; None where it was chosen.
        is_degraded: True where the chosen tier is under the floor, or not what a tuned policy asks for, and the caller
            allowed that; or where the answer failed a check and no better one could be had.
        need: Rank of this request's need for the dearest tier among known traffic, 0..1; None where not learned.
        novelty: Rank of its distance from known traffic, 0..1; None where not measured.
        nearest: Ids of the nearest known examples, nearest first.
        price: The tuned trade: quality points that a premium call's cost must win; None where not tuned.
        budget: State of a share or dollar target in plain words, "" where there is none.
        is_explored: It goes to another tier than the best one, for a label.
        propensity: Probability, by tier, with which exploring could have sent it there; None where it could not.
        cascade: Set where cheap answers are compared before one is taken.
    """

    tier: str
    chain: tuple[str, ...]
    policy: str
    estimates: tuple[TierEstimate, ...] = ()
    model: str | None = None
    threshold: float | None = None
    rules: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    n_input_tokens: int = 0
    n_output_tokens: int = 0
    saved_usd: float | None = None
    wanted_tier: str | None = None
    is_degraded: bool = False
    need: float | None = None
    novelty: float | None = None
    nearest: tuple[str, ...] = ()
    price: float | None = None
    budget: str = ""
    is_explored: bool = False
    cascade: CascadePlan | None = None
    propensity: Mapping[str, float] | None = None

    def estimate(self, tier: str) -> TierEstimate | None:
        for estimate in self.estimates:
            if estimate.tier == tier:
                return estimate
        return None

    @property
    def why(self) -> str:
        """One line in plain ASCII, fit for a header."""
        parts = [f"{self.tier} by {self.policy}", *self.rules, *self.reasons]
        if self.wanted_tier is not None:
            parts.append(f"would have gone to {self.wanted_tier}")
        if self.is_degraded:
            parts.append(f"degraded: {self._fault}")
        return "; ".join(parts)

    @property
    def _fault(self) -> str:
        chosen = self.estimate(self.tier)
        p_ok = None if chosen is None else chosen.p_ok
        if p_ok is not None and self.threshold is not None and p_ok < self.threshold:
            return "below the quality floor"
        return "not good enough by the tuned policy or a check"


class Attempt(msgspec.Struct, frozen=True):
    """One try at one deployment."""

    tier: str
    deployment: str
    outcome: str
    ms: float
    upstream_status: int | None = None


class Trace(msgspec.Struct):
    """What every stage decided about one request, in the order of its way through the house.

    Attributes:
        is_logged: The exchange is in the conversation's log, on the disk; None where no conversation was named.
        lost_usd: What failed tries (an upper bound) and answers that were dropped did cost; part of the reply's cost.
    """

    request_id: str
    guard_input: Verdict | None = None
    cache: CacheDecision | None = None
    context: FitDecision | None = None
    route: Decision | None = None
    attempts: list[Attempt] = msgspec.field(default_factory=list)
    escalations: list[Escalation] = msgspec.field(default_factory=list)
    guard_output: Verdict | None = None
    ms: float = 0.0
    ttft_ms: float | None = None
    is_logged: bool | None = None
    lost_usd: float = 0.0

    @property
    def is_degraded(self) -> bool:
        """True where the answer is under the promise, or failed a check, whoever asked for it."""
        route, cache = self.route, self.cache
        return (route is not None and route.is_degraded) or (cache is not None and cache.is_degraded)
