"""Ask one sample and score the answer: it ends scored, as an error, or wants another try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import msgspec

from stepwell.base.errors import AllTiersFailed, RateLimited, StepwellError, TierError
from stepwell.base.reply import Reply
from stepwell.evals.entries import Entry
from stepwell.evals.plan import Sample
from stepwell.evals.scorers import SCORERS

AUTO = "auto"
WRONG_TIER = "served_by_another_tier"


class Known(Protocol):
    """A tier, as `router.tierinfo.TierInfo` describes it."""

    @property
    def name(self) -> str: ...
    @property
    def models(self) -> Sequence[str]: ...
    @property
    def missing_key(self) -> str | None: ...


class Asks(Protocol):
    """What a run needs of a `Stepwell`."""

    @property
    def tiers(self) -> Sequence[Known]: ...

    async def achat(
        self,
        messages: str | list[dict[str, Any]],
        *,
        model: str = "auto",
        tier: str | None = None,
        cache: bool = True,
        **params: Any,
    ) -> Reply: ...


@dataclass(frozen=True, slots=True)
class Again:
    """The upstream may answer another time.

    Attributes:
        wait_s: What it asked for, or None.
        was_refused: True for 429, False for timeouts and 5xx.
        entry: How the sample ends if it is not asked again.
    """

    wait_s: float | None
    was_refused: bool
    entry: Entry


async def ask(well: Asks, sample: Sample) -> Entry | Again:
    """Ask without the cache, so that every repeat is a new answer."""
    row = sample.row
    params: dict[str, Any] = dict(row.params)
    if sample.seed is not None:
        params["seed"] = sample.seed
    tier = None if sample.tier == AUTO else sample.tier
    sample.tries += 1
    start = perf_counter()
    try:
        reply = await well.achat(row.messages, tier=tier, cache=False, **params)
    except StepwellError as e:
        return _failed(sample, e, (perf_counter() - start) * 1e3)
    return _answered(sample, reply, (perf_counter() - start) * 1e3)


def _answered(sample: Sample, reply: Reply, ms: float) -> Entry:
    text = reply.text
    is_own = sample.tier in (AUTO, reply.tier)
    return Entry(
        key=sample.key,
        ask=sample.ask,
        row=sample.row.id,
        tier=sample.tier,
        repeat=sample.repeat,
        # a fallback's answer says nothing about the tier that was asked
        score=SCORERS[sample.row.scorer].best(text, sample.row.targets) if is_own else None,
        error=None if is_own else WRONG_TIER,
        served=reply.tier if reply.tier != sample.tier else None,
        nano_usd=round(reply.cost_usd * 1e9),
        in_tokens=reply.usage.prompt_tokens,
        out_tokens=reply.usage.completion_tokens,
        ms=round(ms, 3),
        tries=sample.tries,
        is_degraded=reply.is_degraded,
        is_cost_estimated=reply.is_cost_estimated,
        answer=text,
    )


def _failed(sample: Sample, error: StepwellError, ms: float) -> Entry | Again:
    entry = Entry(
        key=sample.key,
        ask=sample.ask,
        row=sample.row.id,
        tier=sample.tier,
        repeat=sample.repeat,
        error=_code(error),
        ms=round(ms, 3),
        tries=sample.tries,
    )
    tries = error.exceptions if isinstance(error, AllTiersFailed) else (error,)
    if not any(isinstance(e, TierError) and e.is_retryable for e in tries):
        return entry
    wait_s = error.retry_after_s if isinstance(error, TierError | AllTiersFailed) else None
    return Again(wait_s, any(isinstance(e, RateLimited) for e in tries), entry)


def _code(error: StepwellError) -> str:
    if isinstance(error, AllTiersFailed):
        codes = {e.code for e in error.exceptions if isinstance(e, TierError)}
        return codes.pop() if len(codes) == 1 else error.code
    return error.code


def rescored(sample: Sample, old: Entry) -> Entry:
    """The same answer under the sample's own key, judged by its present scorer and targets."""
    scorer = SCORERS[sample.row.scorer]
    score = scorer.best(old.answer or "", sample.row.targets)
    return msgspec.structs.replace(old, key=sample.key, row=sample.row.id, score=score)
