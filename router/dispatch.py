"""Ask the tiers of a decision, in order, until one answers: one deadline over all tries."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

import msgspec

from stepwell.base.config import DispatchConfig
from stepwell.base.decisions import Attempt, Decision, Trace
from stepwell.base.errors import (
    AllTiersFailed,
    StreamBroken,
    TierError,
    TierRefused,
    TierTimeout,
    TierUnavailable,
)
from stepwell.base.messages import Event
from stepwell.base.request import ChatRequest
from stepwell.router.deadline import Deadline
from stepwell.router.opened import OpenStream, read_head
from stepwell.router.purse import Payer
from stepwell.router.tiers.base import Completed
from stepwell.router.tiers.tier import Deployment, Tier

T = TypeVar("T")

_FAIR_TRY_S = 1.0


class Served(msgspec.Struct):
    """Who answered."""

    deployment: Deployment


class Probe(msgspec.Struct, frozen=True):
    """What is asked of some tiers in place of the request, so that their first tokens can be judged.

    Attributes:
        requests: By tier.
        n_tokens: Of a stream, hold back this many before it is handed over; one elsewhere.
        is_lost: Whether some of a tier's events alone show that holding back more is of no use.
    """

    requests: Mapping[str, ChatRequest]
    n_tokens: int
    is_lost: Callable[[str, list[Event]], bool]


class _Search(msgspec.Struct):
    """The state of one request's tries.

    Attributes:
        is_hurried: The caller gave less time than the configuration does.
        keep_to: The only tiers that may be asked; None: any.
    """

    deadline_s: float
    trace: Trace
    purse: Payer | None
    is_hurried: bool
    keep_to: frozenset[str] | None
    errors: list[TierError] = msgspec.field(default_factory=list)
    tried: list[Deployment] = msgspec.field(default_factory=list)


class Dispatcher:
    """Retries with full jitter and Retry-After, then falls back along the decision's chain."""

    def __init__(
        self, config: DispatchConfig, tiers: Mapping[str, Tier], rng: random.Random | None = None
    ) -> None:
        self._config = config
        self._tiers = tiers
        self._rng = rng or random.Random()

    def is_healthy(self, tier: str) -> bool:
        """False while every deployment of the tier rests after failures."""
        now_s = time.monotonic()
        for deployment in self._tiers[tier].deployments:  # noqa: SIM110 - half the cost of `any`, for each tier
            if deployment.rests_until_s <= now_s:
                return True
        return False

    def usd_per_input_token(self, tier: str) -> float:
        """Of the tier's dearest deployment; 0 where no price is known."""
        prices = [d.card.usd_per_1m_input or 0.0 for d in self._tiers[tier].deployments]
        return max(prices, default=0.0) * 1e-6

    def deadline_s(self, request: ChatRequest) -> float:
        """On the monotonic clock."""
        asked = request.wishes.timeout_s
        limit = self._config.timeout_s
        return time.monotonic() + (limit if asked is None else min(asked, limit))

    async def complete(
        self,
        request: ChatRequest,
        decision: Decision,
        trace: Trace,
        deadline_s: float,
        purse: Payer | None = None,
        probe: Probe | None = None,
    ) -> tuple[Completed, Served]:
        """Get a whole answer.

        Raises:
            AllTiersFailed, TierRefused
        """

        async def ask(deployment: Deployment) -> Completed:
            asked = request if probe is None else probe.requests.get(deployment.tier, request)
            try:
                return await deployment.backend.complete(asked.for_tier(deployment.tier))
            finally:
                deployment.leave_place()

        return await self._first(decision, self._search(request, trace, deadline_s, purse), ask)

    async def open(
        self,
        request: ChatRequest,
        decision: Decision,
        trace: Trace,
        deadline_s: float,
        purse: Payer | None = None,
        probe: Probe | None = None,
    ) -> tuple[OpenStream, Served]:
        """Get a stream whose first token is there: up to that point a failure falls back like any other.

        Args:
            probe: Of its tiers more than the first token is held back.

        Raises:
            AllTiersFailed, TierRefused
        """

        async def ask(deployment: Deployment) -> OpenStream:
            asked, n_tokens, is_lost = request, 1, None
            if probe is not None and deployment.tier in probe.requests:
                asked, n_tokens = probe.requests[deployment.tier], probe.n_tokens
                is_lost = partial(probe.is_lost, deployment.tier)
            source = deployment.backend.stream(asked.for_tier(deployment.tier))
            try:
                head = await read_head(source, n_tokens, is_lost)
            except StreamBroken as e:
                await source.aclose()
                deployment.leave_place()
                raise _before_first_token(e) from e
            except BaseException:
                await source.aclose()
                deployment.leave_place()
                raise
            return OpenStream(head, source, deployment)

        return await self._first(decision, self._search(request, trace, deadline_s, purse), ask)

    def _search(self, request: ChatRequest, trace: Trace, deadline_s: float, purse: Payer | None) -> _Search:
        asked_s = request.wishes.timeout_s
        is_hurried = asked_s is not None and asked_s < self._config.timeout_s
        return _Search(deadline_s, trace, purse, is_hurried, request.keep_to)

    async def _first(
        self, decision: Decision, search: _Search, ask: Callable[[Deployment], Awaitable[T]]
    ) -> tuple[T, Served]:
        """Ask along the chain; `ask` is given a place at the deployment, and leaves it."""
        last = decision.chain[-1]
        for name in decision.chain:
            found = await self._on_tier(self._tiers[name], decision.model, name == last, search, ask)
            if found is not None:
                return found
            if time.monotonic() >= search.deadline_s:
                break
        if not search.errors:  # a name that no deployment of the chain has
            nobody = TierUnavailable(f"tier {last} has no deployment to ask", tier=last)
            raise AllTiersFailed(str(nobody), [nobody])
        raise AllTiersFailed(f"{len(search.errors)} tries failed: {_summary(search.trace)}", search.errors)

    async def _on_tier(
        self,
        tier: Tier,
        model: str | None,
        is_last_tier: bool,
        search: _Search,
        ask: Callable[[Deployment], Awaitable[T]],
    ) -> tuple[T, Served] | None:
        if search.keep_to is not None and tier.name not in search.keep_to:  # whoever made the chain
            search.trace.attempts.append(Attempt(tier.name, "", "kept_from", 0.0))
            return None
        for n in range(self._config.max_retries + 1):
            deployment = tier.pick(time.monotonic(), model=model, tried=search.tried)
            if deployment is None:
                return None
            if search.purse is not None and not await search.purse.allows(tier.name):
                return None
            is_last = is_last_tier and (n == self._config.max_retries or len(tier.deployments) == 1)
            try:
                found = await self._try(deployment, search, ask, is_last)
            except TierRefused:
                raise
            except TierError as e:
                search.errors.append(e)
                search.tried.append(deployment)
                others = [d for d in tier.deployments if d not in search.tried and model in (None, d.model)]
                if not await self._wait(bool(others), e, n, search, is_last_tier):
                    return None
            else:
                return found, Served(deployment)
        return None

    async def _try(
        self,
        deployment: Deployment,
        search: _Search,
        ask: Callable[[Deployment], Awaitable[T]],
        is_last: bool,
    ) -> T:
        began = time.monotonic()
        given_s = (search.deadline_s - began) * (1.0 if is_last else self._config.try_share)
        outcome, status, is_asked = "ok", None, False
        try:
            with Deadline(max(0.0, given_s)):
                if given_s <= 0:
                    raise TimeoutError
                await deployment.take_place()
                is_asked = True
                found = await ask(deployment)
            deployment.n_failures = 0
            return found
        except TimeoutError:
            outcome = "timeout"
            if is_asked:
                self._lose(deployment, search)
                # one caller's short deadline says nothing of the deployment
                if given_s >= _FAIR_TRY_S or not search.is_hurried:
                    self._rest(deployment)
            raise TierTimeout(
                f"tier {deployment.tier}: no answer within {max(0.0, given_s):.3g} s",
                tier=deployment.tier,
                was_billed=is_asked,
            ) from None
        except TierError as e:
            outcome, status = e.code, e.upstream_status
            if is_asked and not isinstance(e, TierRefused):
                self._rest(deployment, e.retry_after_s)
            if e.was_billed:
                self._lose(deployment, search)
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"
            if is_asked:
                self._lose(deployment, search)
            raise
        finally:
            ms = (time.monotonic() - began) * 1e3
            search.trace.attempts.append(
                Attempt(deployment.tier, deployment.answered_as, outcome, ms, status)
            )

    def _lose(self, deployment: Deployment, search: _Search) -> None:
        if search.purse is not None:
            search.purse.lose(deployment.tier)

    def _rest(self, deployment: Deployment, retry_after_s: float | None = None) -> None:
        deployment.n_failures += 1
        if retry_after_s is None and deployment.n_failures < self._config.failures_before_cooldown:
            return
        rest_s = self._config.cooldown_s if retry_after_s is None else retry_after_s
        deployment.rests_until_s = max(deployment.rests_until_s, time.monotonic() + rest_s)

    async def _wait(
        self, has_others: bool, error: TierError, n: int, search: _Search, is_last_tier: bool
    ) -> bool:
        """Sleep before the next try on this tier, unless another deployment is there; False: don't try again."""
        if has_others:
            return True
        if isinstance(error, TierTimeout):  # it is slow; asked again it would begin anew
            return False
        if not error.is_retryable or n == self._config.max_retries:
            return False
        top = min(self._config.max_backoff_s, self._config.backoff_s * 2**n)
        wait_s = self._rng.uniform(0, top) if error.retry_after_s is None else error.retry_after_s
        left_s = search.deadline_s - time.monotonic()
        if wait_s >= left_s or (not is_last_tier and wait_s > left_s * (1 - self._config.try_share)):
            return False
        await asyncio.sleep(wait_s)
        return True


def _before_first_token(e: StreamBroken) -> TierUnavailable:
    """Nothing reached the caller yet, so another try may help."""
    return TierUnavailable(str(e), tier=e.tier, upstream_status=e.upstream_status, was_billed=e.was_billed)


def _summary(trace: Trace) -> str:
    """The tries in one line: "standard rate_limited 429, premium timeout"."""
    return ", ".join(
        f"{a.tier} {a.outcome}{'' if a.upstream_status is None else f' {a.upstream_status}'}"
        for a in trace.attempts
    )
