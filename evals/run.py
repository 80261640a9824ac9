"""Run a suite against arms: journal every sample, resume where a run broke off, report at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from stepwell.base.errors import ConfigError
from stepwell.evals.arms import AUTO, Arm, arm_of_tier, check_names
from stepwell.evals.ask import Again, Asking, Asks, OnError, unheard
from stepwell.evals.entries import UNSCORED, ArmLine, Entry, Header
from stepwell.evals.held import read_held
from stepwell.evals.journal import Journal
from stepwell.evals.left import Left, left_of
from stepwell.evals.line_faults import MAX_LOOKS, MAX_REPEATS
from stepwell.evals.pacing import Pacing, Waiting
from stepwell.evals.plan import Planned, Sample, arm_digest, judge_of, plan
from stepwell.evals.report import Question, Report, by_arm, pairs_of, report_of
from stepwell.evals.scoring.open import Judging
from stepwell.evals.staged import looks_of, order_of, stages_of
from stepwell.evals.suite import Suite, sha256_of
from stepwell.evals.throttle import Throttle
from stepwell.evals.verdict.sequential import may_stop

# (samples done, samples planned, dollars spent, seconds left or None)
Progress = Callable[[int, int, float, float | None], None]
PROGRESS_EVERY_S = 0.1
PATIENT = Pacing()


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a suite is run.

    Attributes:
        concurrency: Requests in flight at each tier, at most.
        max_usd: Stop before a call once this much is spent, earlier runs on this journal and judges counted; the
            overshoot is at most what is in flight.
        seed: Sent with each request, plus the number of the repeat.
        is_streamed: Ask for streams, to know the time to the first token.
        baseline, margin: As of Header: what the verdict is about.
        judge: Tier that grades.
        n_looks: Look so often on the way, and stop where the verdict is in; 0: ask everything.
    """

    concurrency: int = 8
    repeats: int = 1
    max_usd: float | None = None
    seed: int | None = None
    is_streamed: bool = False
    baseline: str | None = None
    margin: float | None = None
    judge: str | None = None
    n_looks: int = 0
    pacing: Pacing = PATIENT


async def run_suite(
    well: Asks,
    suite: Suite,
    *,
    tiers: Sequence[str] = (),
    arms: Sequence[Arm] = (),
    journal_path: str | Path,
    options: RunOptions = RunOptions(),
    by_policy: Mapping[str, Asks] | None = None,
    judging: Judging | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """As `ask_suite`, and report on what was planned."""
    planned = await ask_suite(
        well,
        suite,
        tiers=tiers,
        arms=arms,
        journal_path=journal_path,
        options=options,
        by_policy=by_policy,
        judging=judging,
        on_progress=on_progress,
    )
    return report_of(read_held(journal_path, keys=planned), suite=suite)


async def ask_suite(
    well: Asks,
    suite: Suite,
    *,
    tiers: Sequence[str] = (),
    arms: Sequence[Arm] = (),
    journal_path: str | Path,
    options: RunOptions = RunOptions(),
    by_policy: Mapping[str, Asks] | None = None,
    judging: Judging | None = None,
    on_progress: Progress | None = None,
    on_error: OnError = unheard,
) -> Planned:
    """Ask every row of every arm; what comes of it is in the journal.

    What the journal holds with a score is not asked again; what ended as an error is.

    Args:
        tiers: Names of tiers; "auto" lets the router choose.
        arms: More columns than tiers.
        by_policy: As of Asking.
        judging: Opened scorers, where rows need more than plain ones.
        on_progress: Called at most every 0.1 s and at the end.
        on_error: As of Asking.

    Returns:
        The keys of what was planned.

    Raises:
        ConfigError: A tier is unknown, lacks its key or is named twice, or a number is out of range.
        JournalError: The journal can't be read or written, or another run holds it.
    """
    every = [*(arm_of_tier(t) for t in tiers), *arms]
    check_run(well, every, by_policy or {}, options)
    judging = judging or Judging()
    judges = _judges(suite, options.judge, judging)
    columns = _models(well, every)
    planned = plan(
        suite, columns, repeats=options.repeats, seed=options.seed, judge=options.judge, judges=judges
    )
    header = _header(suite, columns, options, judges)
    keys = Planned.by(header, suite.rows)
    with Journal(journal_path) as journal:
        held = read_held(journal_path)
        if header != held.header:
            journal.append(header)
        left = left_of(planned, keys, held.ends, journal, judging)
        asking = Asking(well, judging, by_policy or {}, options.is_streamed, on_error)
        run = _Run(asking, journal, options, left, on_progress)
        run.n_done = run.n_before = len(planned) - len(left.places)
        run.spent_nano_usd = held.spent_nano_usd
        del held
        await run.work(lambda: _may_stop(header, journal_path, keys, suite), _stages(header, suite))
    return keys


def _judges(suite: Suite, judge: str | None, judging: Judging) -> dict[str, str]:
    """As of Header."""
    found: dict[str, str] = {}
    for row in suite.rows:
        by = judge_of(row, judge)
        if by is not None and by not in found:
            found[by] = judging.key(row)
    return found


def _stages(header: Header, suite: Suite) -> list[frozenset[str]] | None:
    looks = looks_of(header)
    return None if looks is None else stages_of(order_of((r.id for r in suite.rows), header.seed), looks)


def _may_stop(header: Header, path: str | Path, keys: Planned, suite: Suite) -> frozenset[str]:
    """The arms whose verdict is in, by the journal."""
    ends = read_held(path, keys=keys).ends
    question = Question(header.baseline, header.margin)
    return may_stop(pairs_of(header, by_arm(ends, header.tiers), suite, question))


def check_run(well: Asks, arms: Sequence[Arm], by_policy: Mapping[str, Asks], options: RunOptions) -> None:
    """Raises:
    ConfigError: A tier is unknown, lacks its key or is named twice, or a number is out of range.
    """
    known = [AUTO, *(t.name for t in well.tiers)]
    for arm in arms:
        if arm.tier is not None and arm.tier not in known:
            raise ConfigError(f"no tier {arm.tier!r}; there are {', '.join(known)}")
        if arm.policy is not None and arm.policy not in by_policy:
            raise ConfigError(f"nobody routes by the policy of {arm.name!r}")
    for tier, key in ((t.name, t.missing_key) for t in well.tiers):
        if key is not None and any(arm.tier == tier for arm in arms):
            raise ConfigError(f"tier {tier!r} can't be asked: the variable {key} is not set")
    check_names([arm.name for arm in arms])
    if options.baseline is not None and options.baseline not in {arm.name for arm in arms}:
        raise ConfigError(f"the baseline {options.baseline!r} is none of what is compared")
    if options.concurrency < 1 or options.repeats < 1:
        numbers = f"concurrency ({options.concurrency}) and repeats ({options.repeats})"
        raise ConfigError(f"{numbers} must be at least 1")
    if options.repeats > MAX_REPEATS or not 0 <= options.n_looks <= MAX_LOOKS:
        raise ConfigError(f"at most {MAX_REPEATS} repeats, and 0 to {MAX_LOOKS} looks")
    if options.margin is not None and not 0 <= options.margin <= 1:
        raise ConfigError(f"a margin is a difference of scores, from 0 to 1; got {options.margin:g}")


def _models(well: Asks, arms: Sequence[Arm]) -> list[tuple[Arm, tuple[str, ...]]]:
    """The models behind each arm; behind the router are all of them."""
    models = {t.name: tuple(t.models) for t in well.tiers}
    every = tuple(m for of_tier in models.values() for m in of_tier)
    return [(arm, models[arm.tier] if arm.tier else (arm.model,) if arm.model else every) for arm in arms]


def _header(
    suite: Suite, columns: Sequence[tuple[Arm, Sequence[str]]], options: RunOptions, judges: dict[str, str]
) -> Header:
    return Header(
        suite.name,
        suite.sha256,
        len(suite.rows) * len(columns) * options.repeats,
        tuple(arm.name for arm, _ in columns),
        options.seed,
        tuple(_line(arm, models) for arm, models in columns),
        options.baseline,
        options.margin,
        options.n_looks,
        len(suite.rows),
        options.judge,
        options.repeats,
        judges,
    )


def _line(arm: Arm, models: Sequence[str]) -> ArmLine:
    said = (arm.system or "") + "\0" + (arm.template or "")
    prompt = None if said == "\0" else sha256_of(said.encode())[:16]
    is_plain = not arm.is_routed and prompt is None and not arm.params
    digest = arm_digest(arm, models).hex()
    return ArmLine(arm.name, arm.tier, arm.model, arm.policy, prompt, digest, is_plain)


@dataclass(slots=True)
class _Run:
    asking: Asking
    journal: Journal
    options: RunOptions
    left: Left
    on_progress: Progress | None
    waiting: Waiting = field(init=False)
    throttles: dict[str, Throttle] = field(default_factory=dict)
    n_before: int = 0
    n_done: int = 0
    spent_nano_usd: int = 0
    began: float = field(default_factory=monotonic)
    told: float = 0.0

    async def work(
        self, stopped: Callable[[], frozenset[str]], stages: Sequence[frozenset[str]] | None
    ) -> None:
        """Ask what is left; in stages, with a look after each at which arms may stop."""
        async with self.journal.synced():
            if stages is None:
                await self._ask_all(self.left.places)
            else:
                await self._ask_in_stages(stopped, stages)
        self._tell(is_last=True)

    async def _ask_in_stages(
        self, stopped: Callable[[], frozenset[str]], stages: Sequence[frozenset[str]]
    ) -> None:
        by_row = self.left.by_row()
        for rows in stages:
            if self._is_spent():
                break
            done = stopped()
            arm_at = self.left.planned.arm
            of_stage = [
                (self.left.planned.repeat(place), row, place)
                for row in rows
                for place in by_row.get(row, ())
                if arm_at(place).name not in done
            ]
            if of_stage:
                await self._ask_all([place for _, _, place in sorted(of_stage)])

    async def _ask_all(self, places: Sequence[int]) -> None:
        self.waiting = Waiting(
            places,
            self.options.pacing,
            arm_at=self.left.planned.arm,
            sample_at=self.left.sample,
            most_at_once=self.options.concurrency,
            throttles=self.throttles,
        )
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.options.concurrency * self.waiting.n_lanes, self.waiting.n_left)):
                    group.create_task(self._work())
        except ExceptionGroup as errors:  # one is easier to read than a group of one
            raise errors.exceptions[0] from None

    async def _work(self) -> None:
        while (sample := await self.waiting.take()) is not None:
            if self._is_spent():
                self.waiting.stop()
                return
            end = await self.asking.ask(sample)
            if isinstance(end, Entry) and end.error == UNSCORED:
                end = await self._judged(sample, end)
            if isinstance(end, Again):
                if self._asks_again(sample, end):
                    continue
                end = end.entry
            self._book(end)
            self.waiting.finish(sample)
            self.n_done += 1
            self._tell()

    async def _judged(self, sample: Sample, answered: Entry) -> Entry | Again:
        """An answer is in the journal before its scorer is asked: a killed run asks the tier no second time."""
        self._book(answered)
        sample.unscored, sample.n_failed = answered, 0
        return await self.asking.judge(sample, answered)

    def _book(self, entry: Entry) -> None:
        self.spent_nano_usd += entry.nano_usd + entry.judge_nano_usd
        self.journal.append(entry)

    def _is_spent(self) -> bool:
        limit = self.options.max_usd
        return limit is not None and self.spent_nano_usd >= round(limit * 1e9)

    def _asks_again(self, sample: Sample, end: Again) -> bool:
        pacing = self.options.pacing
        sample.n_failed += not end.was_refused
        if sample.n_failed >= pacing.max_failures:
            return False
        wait_s = end.wait_s
        if wait_s is None:
            wait_s = self.waiting.backoff_s(sample, was_refused=end.was_refused)
        sample.waited_s += wait_s
        if sample.waited_s > pacing.max_wait_s:
            return False
        self._book_lost(sample, end.entry)
        self.waiting.put_back(sample, wait_s=wait_s, was_refused=end.was_refused)
        return True

    def _book_lost(self, sample: Sample, entry: Entry) -> None:
        """A try that may have been billed is written down before the next one."""
        if entry.nano_usd or entry.judge_nano_usd:
            self._book(entry)

    def _tell(self, *, is_last: bool = False) -> None:
        now = monotonic()
        if self.on_progress is None or (now - self.told < PROGRESS_EVERY_S and not is_last):
            return
        self.told = now
        n_new = self.n_done - self.n_before
        eta_s = (now - self.began) / n_new * (len(self.left.planned) - self.n_done) if n_new else None
        self.on_progress(self.n_done, len(self.left.planned), self.spent_nano_usd / 1e9, eta_s)
