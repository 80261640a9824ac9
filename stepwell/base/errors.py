"""Every error a caller can meet, in one tree.

    StepwellError
    ├── ConfigError                 a file, key or constructor argument is wrong
    ├── BadRequest                  the request itself is wrong (HTTP 400)
    │   ├── ContextTooLong          no window can hold it
    │   ├── UnknownModel            no tier or model has that name (HTTP 404)
    │   ├── UnknownReply            no reply of yours has that id, or it waited too long (HTTP 404)
    │   ├── UnknownConversation     no conversation of yours has that id (HTTP 404)
    │   ├── ForeignConversation     it belongs to another user of the tenant (HTTP 403)
    │   ├── UnknownReview           the review queue has nothing of yours with that id (HTTP 404)
    │   ├── ReviewDecided           somebody has decided otherwise before (HTTP 409)
    │   └── NoCapableTier           no tier has the window, tools, schema or images it needs
    ├── BadKey                      the API key is missing or unknown (HTTP 401)
    ├── Unroutable                  a promise leaves no tier to ask
    │   ├── BudgetExceeded          a dollar promise would be broken (HTTP 402)
    │   └── QualityFloorUnmet       only tiers under the quality floor are left (HTTP 503)
    ├── GuardBlocked                a guard said no (HTTP 400, code content_blocked)
    │   ├── HeldForReview           a person has to look at it first (HTTP 400, code held_for_review)
    │   └── GuardUnavailable        a check that is closed on errors failed or was too slow (HTTP 503)
    ├── TierError                   one deployment failed; the original is __cause__
    │   ├── RateLimited             429, or no free place within the deadline
    │   ├── TierTimeout             too slow
    │   ├── TierUnavailable         refused, broken, 5xx, no key
    │   └── TierRefused             the upstream calls the request wrong (4xx)
    ├── StoreUnavailable            what is kept can't be read or changed just now (HTTP 503)
    ├── ConversationErased          it was erased, or begun by another caller, meanwhile (HTTP 409)
    ├── AllTiersFailed              an ExceptionGroup, one error a try (HTTP 503)
    └── StreamBroken                the answer broke off after its first token

No message holds prompt text, answer text or a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepwell.base.decisions import TierEstimate, Verdict


class StepwellError(Exception):
    """Base of every error that Stepwell raises on purpose.

    Attributes:
        spent_usd: What the request had cost by then: an upper bound where tries failed that may have been billed.
    """

    status_code: int = 500
    code: str = "stepwell_error"
    type: str = "server_error"
    spent_usd: float = 0.0

    @property
    def param(self) -> str | None:
        """The request field at fault, where one is."""
        return None


class ConfigError(StepwellError):
    code = "config_error"


class BadRequest(StepwellError):
    status_code = 400
    code = "invalid_request"
    type = "invalid_request_error"

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self._param = param
        if code is not None:
            self.code = code

    @property
    def param(self) -> str | None:
        return self._param


class ContextTooLong(BadRequest):
    code = "context_length_exceeded"

    def __init__(self, message: str, *, n_tokens: int, window_tokens: int) -> None:
        super().__init__(message, param="messages")
        self.n_tokens = n_tokens
        self.window_tokens = window_tokens


class NoCapableTier(BadRequest):
    code = "no_capable_tier"


class UnknownModel(BadRequest):
    """`model` names neither a tier nor a model of one."""

    status_code = 404
    code = "model_not_found"


class UnknownReply(BadRequest):
    """No reply of this tenant has that id, or it has waited too long for its feedback."""

    status_code = 404
    code = "reply_not_found"


class BadKey(StepwellError):
    status_code = 401
    code = "invalid_api_key"
    type = "authentication_error"


class Unroutable(StepwellError):
    """A promise leaves no tier to ask; `estimates` (base.decisions.TierEstimate) tell how each looked."""

    estimates: tuple[TierEstimate, ...] = ()


class BudgetExceeded(Unroutable):
    """A dollar promise would be broken; `remaining_usd` is what is left of it."""

    status_code = 402
    code = "budget_exceeded"
    type = "insufficient_quota"

    def __init__(self, message: str, *, budget: str, remaining_usd: float) -> None:
        super().__init__(message)
        self.budget = budget
        self.remaining_usd = remaining_usd


class StoreUnavailable(StepwellError):
    """A store (the cache's, the log of conversations) did not confirm what it was asked to do."""

    status_code = 503
    code = "store_unavailable"


class ForeignConversation(BadRequest):
    """The conversation belongs to another user of the tenant."""

    status_code = 403
    code = "foreign_conversation"


class UnknownConversation(BadRequest):
    """There is no such conversation (any more)."""

    status_code = 404
    code = "conversation_not_found"


class UnknownReview(BadRequest):
    """The review queue has nothing of this tenant with that id."""

    status_code = 404
    code = "review_not_found"


class ReviewDecided(BadRequest):
    """Somebody, or the time limit, has decided otherwise before."""

    status_code = 409
    code = "review_decided"


class ConversationErased(StepwellError):
    """The conversation was erased, or begun by another caller, while this request was under way."""

    status_code = 409
    code = "conversation_erased"


class GuardBlocked(StepwellError):
    """A guard said no. `verdict` (base.decisions.Verdict) names checks and spans, never text."""

    status_code = 400
    code = "content_blocked"
    type = "invalid_request_error"

    def __init__(self, message: str, *, verdict: Verdict) -> None:
        super().__init__(message)
        self.verdict = verdict


class GuardUnavailable(GuardBlocked):
    """A check that must not be passed over failed, or was too slow: nothing is known against the text; try again."""

    status_code = 503
    code = "guard_unavailable"
    type = "server_error"


class HeldForReview(GuardBlocked):
    """It waits for a person; `review_id` names it in the queue.

    Sent again after they approved it, a request passes; one whose answer was held gets that very answer, at no cost.
    """

    code = "held_for_review"

    def __init__(self, message: str, *, verdict: Verdict, review_id: str) -> None:
        super().__init__(message, verdict=verdict)
        self.review_id = review_id


class TierError(StepwellError):
    """One try at one deployment failed.

    Attributes:
        tier: Name of the tier.
        upstream_status: HTTP status that the upstream sent, or None.
        retry_after_s: What the upstream asked for, or None.
        is_retryable: Whether another try may help.
        was_billed: Whether the upstream may have done paid work.
    """

    status_code = 502
    code = "tier_error"
    is_retryable = True

    def __init__(
        self,
        message: str,
        *,
        tier: str,
        upstream_status: int | None = None,
        retry_after_s: float | None = None,
        was_billed: bool = False,
    ) -> None:
        super().__init__(message)
        self.tier = tier
        self.upstream_status = upstream_status
        self.retry_after_s = retry_after_s
        self.was_billed = was_billed


class RateLimited(TierError):
    status_code = 429
    code = "rate_limited"
    type = "rate_limit_error"


class TierTimeout(TierError):
    status_code = 504
    code = "tier_timeout"


class TierUnavailable(TierError):
    status_code = 503
    code = "tier_unavailable"


class TierRefused(TierError):
    """The upstream calls the request itself wrong; another try would not help."""

    status_code = 400
    code = "upstream_refused"
    type = "invalid_request_error"
    is_retryable = False


class AllTiersFailed(StepwellError, ExceptionGroup[TierError]):
    """Every tier that could serve was tried and failed; `.exceptions` has one error a try."""

    status_code = 503
    code = "all_tiers_failed"

    def __new__(cls, message: str, errors: Sequence[TierError]) -> AllTiersFailed:
        made = super().__new__(cls, message, list(errors))
        last = errors[-1]
        if isinstance(last, RateLimited | TierTimeout):
            made.status_code = last.status_code
            made.type = last.type
        return made

    def derive(self, excs: Sequence[TierError]) -> AllTiersFailed:  # type: ignore[override]
        return AllTiersFailed(self.message, excs)

    @property
    def retry_after_s(self) -> float | None:
        """The shortest wait that an upstream asked for, or None."""
        waits = [e.retry_after_s for e in self.exceptions if isinstance(e, TierError) and e.retry_after_s]
        return min(waits, default=None)


class QualityFloorUnmet(Unroutable):
    """Only tiers under the quality floor are left.

    Attributes:
        wanted_tier: The tier that would have answered.
    """

    status_code = 503
    code = "quality_floor_unmet"

    def __init__(self, message: str, *, wanted_tier: str) -> None:
        super().__init__(message)
        self.wanted_tier = wanted_tier


class StreamBroken(TierError):
    """The answer broke off after its first token; what came before it stands, unfinished."""

    code = "stream_broken"
    is_retryable = False
