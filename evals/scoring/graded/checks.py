"""Show judges planted answers, in the form in which a suite asks them, and journal what they make of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stepwell.base.errors import StepwellError
from stepwell.base.messages import encode_json
from stepwell.evals.ask import code_of
from stepwell.evals.entries import Planted
from stepwell.evals.held import read_held
from stepwell.evals.journal import Journal
from stepwell.evals.pacing import Pacing
from stepwell.evals.scoring.graded.duel import duel
from stepwell.evals.scoring.graded.forms import Form
from stepwell.evals.scoring.graded.judge import Judge
from stepwell.evals.scoring.graded.judge_report import JudgeReport, judge_reports
from stepwell.evals.scoring.graded.patience import each, patiently
from stepwell.evals.scoring.graded.planted import N_CASES, RIGHT, STYLES, Case, drawn, kinds_of, shipped_cases
from stepwell.evals.scoring.graded.scorer import GradedScorer, check_tier
from stepwell.evals.suite import Row, Suite, canonical_json
from stepwell.router.limits import up

if TYPE_CHECKING:
    from stepwell.evals.ask import Asks

ACCEPTED_FROM = 0.5
PATIENT = Pacing()


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How judges are measured.

    Attributes:
        n_cases: Planted questions, each with every style of answer.
        seed: Which ones.
        concurrency: Requests in flight at most.
        max_usd: Stop before a request once this much is spent, all that the journal holds counted.
    """

    n_cases: int = N_CASES
    seed: int = 0
    concurrency: int = 8
    max_usd: float | None = None
    pacing: Pacing = PATIENT


@dataclass(frozen=True, slots=True)
class Check:
    """One planted answer to be shown."""

    form: Form
    case: str
    row: Row
    style: str
    answer: str
    right: str | None = None

    @property
    def key(self) -> str:
        said = [self.form.sha256, self.row.sha256.hex(), self.style, self.answer, self.right]
        return hashlib.sha256(canonical_json(said)).hexdigest()


async def check_judges(
    well: Asks,
    forms: Sequence[Form],
    journal_path: str | Path,
    *,
    cases: Sequence[Case] | None = None,
    options: CheckOptions = CheckOptions(),
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[JudgeReport, ...]:
    """Measure judges; what the journal holds is not asked again.

    Args:
        cases: In place of those that ship.
        on_progress: Called with answers judged, and answers planned.

    Raises:
        ConfigError: A judge is no tier, or lacks its key.
        JournalError: The journal can't be read or written, or another run holds it.
    """
    for form in forms:
        check_tier(well, form.judge)
    picked = drawn(shipped_cases() if cases is None else cases, options.n_cases, seed=options.seed)
    checks = list(planned(forms, picked))
    held = await run_checks(well, checks, journal_path, options=options, on_progress=on_progress)
    return judge_reports(held, kinds=kinds_of(picked))


def planned(forms: Sequence[Form], cases: Sequence[Case]) -> Iterator[Check]:
    """Every answer of every case for each form; where pairs are compared, each wrong one beside the right one."""
    for form in forms:
        for case in cases:
            row = planted_row(case.id, case.question, case.gold, form)
            for style in STYLES:
                if not form.is_pair:
                    yield Check(form, case.id, row, style, case.answer(style))
                elif style != RIGHT:
                    yield Check(form, case.id, row, style, case.answer(style), case.right)


def planted_row(case: str, question: str, gold: str, form: Form) -> Row:
    options = msgspec.to_builtins(msgspec.structs.replace(form.options, judge=form.judge, votes=form.n_votes))
    line = {"id": case, "prompt": question, "target": gold, "scorer": {"name": "graded", **options}}
    return Suite.parse([encode_json(line).decode()], name="planted").rows[0]


async def run_checks(
    well: Asks,
    checks: Sequence[Check],
    journal_path: str | Path,
    *,
    options: CheckOptions = CheckOptions(),
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Planted]:
    """The journal's line for each check that was made, in their order."""
    with Journal(journal_path) as journal:
        held = read_held(journal_path)
        spent = held.spent_nano_usd
        run = _Checking(well, journal, held.planted, len(checks), options, on_progress, spent)
        async with journal.synced():
            left = [check for check in checks if not run.is_done(check)]
            run.tell()
            await each(left, run.make, concurrency=options.concurrency, is_over=run.is_spent)
    return [run.held[check.key] for check in checks if check.key in run.held]


@dataclass(slots=True)
class _Checking:
    well: Asks
    journal: Journal
    held: dict[str, Planted]
    n_planned: int
    options: CheckOptions
    on_progress: Callable[[int, int], None] | None
    spent_nano_usd: int
    n_done: int = 0
    judges: dict[str, Judge] = field(default_factory=dict)
    scorers: dict[str, GradedScorer] = field(default_factory=dict)

    def is_done(self, check: Check) -> bool:
        line = self.held.get(check.key)
        is_done = line is not None and line.is_accepted is not None
        self.n_done += is_done
        return is_done

    def is_spent(self) -> bool:
        limit = self.options.max_usd
        return limit is not None and self.spent_nano_usd >= round(limit * 1e9)

    async def make(self, check: Check) -> None:
        earlier = self.held.get(check.key)
        try:
            line = await (self._compared(check) if check.form.is_pair else self._graded(check))
        except StepwellError as e:
            line = _line(check, None, up(e.spent_usd), code_of(e))
        self.spent_nano_usd += line.nano_usd
        if earlier is not None:  # it was tried before, and paid for
            line = msgspec.structs.replace(line, nano_usd=line.nano_usd + earlier.nano_usd)
        self.journal.append(line)
        self.held[check.key] = line
        self.n_done += 1
        self.tell()

    def tell(self) -> None:
        if self.on_progress is not None:
            self.on_progress(self.n_done, self.n_planned)

    async def _graded(self, check: Check) -> Planted:
        name = check.form.judge
        scorer = self.scorers.setdefault(name, GradedScorer(self.well, judge=name))
        got = await patiently(lambda: scorer.score(check.row, [check.answer]), self.options.pacing)
        scored = got.value
        is_accepted = None if scored.score is None else scored.score >= ACCEPTED_FROM
        return _line(check, is_accepted, up(scored.judge_usd) + got.lost_nano_usd, scored.error)

    async def _compared(self, check: Check) -> Planted:
        name = check.form.judge
        judge = self.judges.setdefault(name, Judge(self.well, name))
        options, right = check.form.options, check.right or ""
        found = await duel(judge, check.row, [check.answer], [right], options, pacing=self.options.pacing)
        # not to see that the right answer is better is to accept the wrong one
        is_accepted = None if found.score is None else found.score >= ACCEPTED_FROM
        return _line(check, is_accepted, found.nano_usd, found.error)


def _line(check: Check, is_accepted: bool | None, nano_usd: int, error: str | None) -> Planted:
    form = check.form
    return Planted(check.key, check.case, check.style, is_accepted, nano_usd, error, form.judge, form.name)
