"""Ask one sample and score the answer: it ends scored, as an error, or wants another try."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from stepwell.base.errors import AllTiersFailed, RateLimited, StepwellError, TierError
from stepwell.base.reply import Reply
from stepwell.evals.entries import JUDGE_ERROR, UNSCORED, Entry
from stepwell.evals.plan import Sample
from stepwell.evals.scored import Scored
from stepwell.evals.scoring.open import Judging
from stepwell.router.limits import up

if TYPE_CHECKING:
    from stepwell.stream import ReplyStream

WRONG_TIER = "served_by_another_tier"
FILTERED = "content_filter"
FAILED = "scorer_failed"


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


class Streams(Asks, Protocol):
    """What a run that measures the time to the first token needs, too."""

    async def astream(self, messages: str | list[dict[str, Any]], **params: Any) -> ReplyStream: ...


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


@dataclass(slots=True)
class _Bill:
    """What a sample's turns have cost so far."""

    nano_usd: int = 0
    lost_nano_usd: int = 0
    in_tokens: int = 0
    out_tokens: int = 0
    ttft_ms: float | None = None
    is_degraded: bool = False
    is_cost_estimated: bool = False
    served: str | None = None
    is_own: bool = True
    is_filtered: bool = False
    began: float = field(default_factory=perf_counter)

    @property
    def ms(self) -> float:
        return round((perf_counter() - self.began) * 1e3, 3)

    def add(self, sample: Sample, reply: Reply) -> None:
        self.nano_usd += up(reply.cost_usd)
        self.lost_nano_usd += up(reply.trace.lost_usd)
        self.in_tokens += reply.usage.prompt_tokens
        self.out_tokens += reply.usage.completion_tokens
        if self.ttft_ms is None and reply.trace.ttft_ms is not None:
            self.ttft_ms = round(reply.trace.ttft_ms, 3)
        self.is_degraded |= reply.is_degraded
        self.is_cost_estimated |= reply.is_cost_estimated
        self.served = reply.tier if reply.tier != sample.tier else None
        # a fallback's answer says nothing about the tier that was asked
        self.is_own &= sample.arm.tier is None or reply.tier == sample.arm.tier
        # the provider's filter stopped the answer: that is none, neither right nor wrong
        self.is_filtered |= any(c.finish_reason == FILTERED for c in reply.answer.choices)


OnError = Callable[[Sample, StepwellError], None]


def unheard(sample: Sample, error: StepwellError) -> None:
    """Says nothing."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How samples are asked.

    Attributes:
        well: Asked by every arm that names a tier or a model.
        by_policy: Wells that route, by the folder of their policy; "" is the configured one's, where it is not `well`.
        is_streamed: Ask for streams, to know the time to the first token.
        on_error: Hears of every failure, also of those that are tried again.
    """

    well: Asks
    judging: Judging = field(default_factory=Judging)
    by_policy: Mapping[str, Asks] = field(default_factory=dict)
    is_streamed: bool = False
    on_error: OnError = unheard

    async def ask(self, sample: Sample) -> Entry | Again:
        """Ask without the cache, so that every repeat is a new answer; what waits for its scorer ends as unscored."""
        if sample.unscored is not None:
            return await self.judge(sample, sample.unscored)
        sample.tries += 1
        bill, answers = _Bill(), list[str]()
        try:
            for messages in _turns(sample, answers):
                reply = await self._reply(sample, messages)
                bill.add(sample, reply)
                answers.append(reply.text)
        except StepwellError as e:
            self.on_error(sample, e)
            bill.nano_usd += up(e.spent_usd)
            bill.lost_nano_usd = bill.nano_usd
            return failed(e, _entry(sample, bill, error=code_of(e)))
        if not bill.is_own:
            return _entry(sample, bill, answers, error=WRONG_TIER)
        if bill.is_filtered:
            return _entry(sample, bill, answers, error=FILTERED)
        if self.judging.waits(sample.row):
            return _entry(sample, bill, answers, error=UNSCORED)
        return with_score(_entry(sample, bill, answers), self.judging.score_now(sample.row, answers[-1]))

    async def judge(self, sample: Sample, answered: Entry) -> Entry | Again:
        """Score an answer that is in the journal: the entry adds nothing to the tier's cost."""
        entry = msgspec.structs.replace(
            answered, nano_usd=0, lost_nano_usd=0, judge_nano_usd=0, is_copy=False
        )
        try:
            scored = await self.judging.score(sample.row, (*entry.earlier, entry.answer or ""))
        except StepwellError as e:
            self.on_error(sample, e)
            spent = up(e.spent_usd)
            return failed(
                e, msgspec.structs.replace(entry, error=JUDGE_ERROR + code_of(e), judge_nano_usd=spent)
            )
        return with_score(entry, scored)

    async def _reply(self, sample: Sample, messages: list[dict[str, Any]]) -> Reply:
        arm = sample.arm
        asks: dict[str, Any] = {**arm.params, **sample.row.params, "cache": False, "tier": arm.tier}
        if sample.seed is not None:
            asks["seed"] = sample.seed
        if arm.model is not None:
            asks["model"] = arm.model
        well = self.by_policy.get(arm.policy or "", self.well) if arm.is_routed else self.well
        if not self.is_streamed:
            return await well.achat(messages, **asks)
        return await _streamed(well, messages, asks)


async def _streamed(well: Asks, messages: list[dict[str, Any]], asks: dict[str, Any]) -> Reply:
    stream = await well.astream(messages, **asks)  # type: ignore[attr-defined]  # run_suite asked for Streams
    try:
        async for _ in stream:
            pass
    finally:
        await stream.aclose()
    reply: Reply = stream.reply
    return reply


def _turns(sample: Sample, answers: Sequence[str]) -> Any:
    """The messages of each turn, with the answers so far between them."""
    messages = sample.arm.messages(sample.row)
    yield messages
    for turn in sample.row.turns:
        messages = [
            *messages,
            {"role": "assistant", "content": answers[-1]},
            {"role": "user", "content": sample.arm.worded(turn)},
        ]
        yield messages


def _entry(sample: Sample, bill: _Bill, answers: Sequence[str] = (), error: str | None = None) -> Entry:
    return Entry(
        key=sample.key,
        ask=sample.ask,
        row=sample.row.id,
        tier=sample.tier,
        repeat=sample.repeat,
        error=error,
        served=bill.served,
        nano_usd=bill.nano_usd,
        lost_nano_usd=bill.lost_nano_usd,
        in_tokens=bill.in_tokens,
        out_tokens=bill.out_tokens,
        ms=bill.ms,
        ttft_ms=bill.ttft_ms,
        tries=sample.tries,
        is_degraded=bill.is_degraded,
        is_cost_estimated=bill.is_cost_estimated,
        answer=answers[-1] if answers else None,
        earlier=tuple(answers[:-1]),
    )


def with_score(entry: Entry, scored: Scored) -> Entry:
    """The entry with its verdict; a scorer that gives what is no share has failed, and leaves no score."""
    if any(not 0 <= value <= 1 for value in (scored.score or 0.0, *scored.parts.values())):
        scored = Scored(None, judge_usd=scored.judge_usd, error=FAILED)
    return msgspec.structs.replace(
        entry,
        score=scored.score,
        error=scored.error,
        parts=dict(scored.parts),
        why=scored.why,
        judge_nano_usd=up(scored.judge_usd),
    )


def failed(error: StepwellError, entry: Entry) -> Entry | Again:
    """What comes of an error: another try where the upstream may answer then, else the entry as it is."""
    tries = error.exceptions if isinstance(error, AllTiersFailed) else (error,)
    if not any(isinstance(e, TierError) and e.is_retryable for e in tries):
        return entry
    wait_s = error.retry_after_s if isinstance(error, TierError | AllTiersFailed) else None
    return Again(wait_s, any(isinstance(e, RateLimited) for e in tries), entry)


def code_of(error: StepwellError) -> str:
    """The code of what failed; where all tries failed alike, of those."""
    if isinstance(error, AllTiersFailed):
        codes = {e.code for e in error.exceptions if isinstance(e, TierError)}
        return codes.pop() if len(codes) == 1 else error.code
    return error.code


def rescored(sample: Sample, old: Entry, judging: Judging) -> Entry:
    """The same answer under the sample's own key, to be judged by its present scorer and targets."""
    entry = msgspec.structs.replace(
        old,
        key=sample.key,
        row=sample.row.id,
        tier=sample.tier,
        score=None,
        error=UNSCORED,
        judge_nano_usd=0,
        parts={},
        why="",
    )
    if judging.waits(sample.row):
        return entry
    return with_score(entry, judging.score_now(sample.row, old.answer or ""))
