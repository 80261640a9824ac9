"""Run a suite against tiers: journal every sample, resume where a run broke off, report at the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from stepwell.base.errors import ConfigError
from stepwell.evals.ask import AUTO, Again, Asks, ask, rescored
from stepwell.evals.entries import Entry, Header, Outcome, read, read_entries
from stepwell.evals.journal import Journal
from stepwell.evals.pacing import Pacing, Waiting
from stepwell.evals.plan import Sample, plan
from stepwell.evals.report import Report, make_report
from stepwell.evals.suite import Suite

# (samples done, samples planned, dollars spent, seconds left or None)
Progress = Callable[[int, int, float, float | None], None]
PROGRESS_EVERY_S = 0.1
PATIENT = Pacing()


async def run_suite(
    well: Asks,
    suite: Suite,
    *,
    tiers: Sequence[str],
    journal_path: str | Path,
    concurrency: int = 8,
    repeats: int = 1,
    max_usd: float | None = None,
    on_progress: Progress | None = None,
    seed: int | None = None,
    pacing: Pacing = PATIENT,
) -> Report:
    """Ask every row on every tier and report.

    What the journal holds with a score is not asked again; what ended as an error is.

    Args:
        tiers: Names of tiers; "auto" lets the router choose.
        concurrency: Requests in flight at most.
        max_usd: Stop before a call once this much is spent, earlier runs on this journal counted; the
            overshoot is at most what is in flight.
        on_progress: Called at most every 0.1 s and at the end.
        seed: Sent with each request, plus the number of the repeat.

    Raises:
        ConfigError: A tier is unknown, lacks its key or is named twice, or a number is out of range.
        JournalError: The journal can't be read or written, or another run holds it.
    """
    _check(well, tiers, concurrency, repeats)
    samples = list(plan(suite, _models(well, tiers), repeats=repeats, seed=seed))
    keys = frozenset(s.key for s in samples)
    with Journal(journal_path) as journal:
        old_header, old = read(journal_path)
        header = Header(suite.name, suite.sha256, len(samples), tuple(tiers), seed)
        if header != old_header:
            journal.append(header)
        missing = _without_scored(samples, old, journal)
        run = _Run(
            well, journal, Waiting(missing, pacing), pacing, n_planned=len(keys), on_progress=on_progress
        )
        run.n_done = run.n_before = len(keys) - len(missing)
        run.spent_nano_usd = sum({o.ask: o.nano_usd for o in old.values()}.values())
        run.max_nano_usd = None if max_usd is None else round(max_usd * 1e9)
        del samples, missing, old
        await run.work(concurrency)
        header_now, outcomes = read(journal_path)
    return make_report(header_now, (o for k, o in outcomes.items() if k in keys))


def _check(well: Asks, tiers: Sequence[str], concurrency: int, repeats: int) -> None:
    known = [AUTO, *(t.name for t in well.tiers)]
    unknown = [t for t in tiers if t not in known]
    if unknown:
        raise ConfigError(f"no tier {unknown[0]!r}; there are {', '.join(known)}")
    for tier, key in ((t.name, t.missing_key) for t in well.tiers):
        if tier in tiers and key is not None:
            raise ConfigError(f"tier {tier!r} can't be asked: it lacks {key}")
    if not tiers or len(set(tiers)) != len(tiers):
        raise ConfigError("name at least one tier, and each only once")
    if concurrency < 1 or repeats < 1:
        raise ConfigError(f"concurrency ({concurrency}) and repeats ({repeats}) must be at least 1")


def _models(well: Asks, tiers: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The models behind each tier; behind "auto" are all of them."""
    models = {t.name: tuple(t.models) for t in well.tiers}
    every = tuple(m for of_tier in models.values() for m in of_tier)
    return {t: every if t == AUTO else models[t] for t in tiers}


def _without_scored(samples: Iterable[Sample], old: dict[str, Outcome], journal: Journal) -> list[Sample]:
    """What is left to ask; an answer that is there under another scorer or target is scored anew instead."""
    missing = [s for s in samples if s.key not in old or old[s.key].score is None]
    answered = {o.ask for o in old.values() if o.score is not None}
    by_ask = {s.ask: s for s in missing if s.ask in answered}
    if not by_ask:
        return missing
    fresh = {e.ask: rescored(by_ask[e.ask], e) for e in read_entries(journal.path) if _can_serve(e, by_ask)}
    for entry in fresh.values():
        journal.append(entry)
    return [s for s in missing if s.ask not in fresh or by_ask[s.ask] is not s]


def _can_serve(entry: Entry, wanted: dict[str, Sample]) -> bool:
    return entry.ask in wanted and entry.score is not None


@dataclass(slots=True)
class _Run:
    well: Asks
    journal: Journal
    waiting: Waiting
    pacing: Pacing
    n_planned: int
    on_progress: Progress | None
    n_before: int = 0
    n_done: int = 0
    spent_nano_usd: int = 0
    max_nano_usd: int | None = None
    began: float = field(default_factory=monotonic)
    told: float = 0.0

    async def work(self, concurrency: int) -> None:
        async with self.journal.synced():
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(concurrency, self.waiting.n_left)):
                        group.create_task(self._work())
            except ExceptionGroup as errors:  # one is easier to read than a group of one
                raise errors.exceptions[0] from None
        self._tell(is_last=True)

    async def _work(self) -> None:
        while (sample := await self.waiting.take()) is not None:
            if self.max_nano_usd is not None and self.spent_nano_usd >= self.max_nano_usd:
                self.waiting.stop()
                return
            end = await ask(self.well, sample)
            if isinstance(end, Again):
                if self._asks_again(sample, end):
                    continue
                end = end.entry
            self.spent_nano_usd += end.nano_usd
            self.journal.append(end)
            self.waiting.finish(sample)
            self.n_done += 1
            self._tell()

    def _asks_again(self, sample: Sample, end: Again) -> bool:
        if not end.was_refused and sample.tries >= self.pacing.max_failures:
            return False
        wait_s = end.wait_s
        if wait_s is None:
            ceiling_s = min(self.pacing.max_backoff_s, self.pacing.backoff_s * 2 ** min(sample.tries - 1, 16))
            wait_s = ceiling_s * random.uniform(0.5, 1)
        sample.waited_s += wait_s
        if sample.waited_s > self.pacing.max_wait_s:
            return False
        self.waiting.put_back(sample, wait_s=wait_s, was_refused=end.was_refused)
        return True

    def _tell(self, *, is_last: bool = False) -> None:
        now = monotonic()
        if self.on_progress is None or (now - self.told < PROGRESS_EVERY_S and not is_last):
            return
        self.told = now
        n_new = self.n_done - self.n_before
        eta_s = (now - self.began) / n_new * (self.n_planned - self.n_done) if n_new else None
        self.on_progress(self.n_done, self.n_planned, self.spent_nano_usd / 1e9, eta_s)
