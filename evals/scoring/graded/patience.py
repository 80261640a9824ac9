"""Ask a judge until it answers, as patiently as a run asks tiers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from stepwell.base.errors import AllTiersFailed, RateLimited, StepwellError, TierError
from stepwell.evals.pacing import Pacing
from stepwell.router.limits import up

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Got(Generic[T]):
    """What came in the end, and what tries before it have cost."""

    value: T
    lost_nano_usd: int


async def patiently(ask: Callable[[], Awaitable[T]], pacing: Pacing) -> Got[T]:
    """Ask again after 429s, timeouts and 5xx.

    Raises:
        StepwellError: The last one, where patience ran out; its `spent_usd` is that of all tries.
    """
    lost_nano_usd, waited_s, n_failures = 0, 0.0, 0
    while True:
        try:
            return Got(await ask(), lost_nano_usd)
        except StepwellError as e:
            lost_nano_usd += up(e.spent_usd)
            n_failures += not _was_refused(e)
            wait_s = _wait_s(e, pacing, n_failures)
            waited_s += wait_s
            if not _may_answer(e) or n_failures >= pacing.max_failures or waited_s > pacing.max_wait_s:
                e.spent_usd = lost_nano_usd / 1e9
                raise
        await asyncio.sleep(wait_s)


async def each(
    items: Iterable[T], do: Callable[[T], Awaitable[None]], *, concurrency: int, is_over: Callable[[], bool]
) -> None:
    """Do something for every item, `concurrency` at once, until there are none left or it is over."""
    left = iter(items)

    async def work() -> None:
        for item in left:
            if is_over():
                return
            await do(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(work())
    except ExceptionGroup as errors:  # one is easier to read than a group of one
        raise errors.exceptions[0] from None


def _tries(error: StepwellError) -> tuple[BaseException, ...]:
    return error.exceptions if isinstance(error, AllTiersFailed) else (error,)


def _may_answer(error: StepwellError) -> bool:
    return any(isinstance(e, TierError) and e.is_retryable for e in _tries(error))


def _was_refused(error: StepwellError) -> bool:
    return any(isinstance(e, RateLimited) for e in _tries(error))


def _wait_s(error: StepwellError, pacing: Pacing, n_failures: int) -> float:
    asked_s = error.retry_after_s if isinstance(error, TierError | AllTiersFailed) else None
    if asked_s is not None:
        return asked_s
    doublings = min(max(n_failures, 1) - 1, 16)
    return min(pacing.max_backoff_s, pacing.backoff_s * 2.0**doublings) * random.uniform(0.5, 1)
