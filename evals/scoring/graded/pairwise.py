"""Compare arms by showing a judge their answers side by side, in both orders."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stepwell.base.errors import ConfigError, StepwellError
from stepwell.evals.ask import code_of
from stepwell.evals.entries import Compared, Entry, read_entries
from stepwell.evals.held import read_held
from stepwell.evals.journal import Journal
from stepwell.evals.pacing import Pacing
from stepwell.evals.plan import Planned
from stepwell.evals.scoring.graded.duel import Duel, duel
from stepwell.evals.scoring.graded.forms import Form, forms_of, options_of
from stepwell.evals.scoring.graded.judge import Judge
from stepwell.evals.scoring.graded.options import GradedOptions
from stepwell.evals.scoring.graded.patience import each
from stepwell.evals.scoring.graded.preferences import Preference, preferences
from stepwell.evals.scoring.graded.scorer import check_tier
from stepwell.evals.suite import Row, Suite, canonical_json
from stepwell.evals.verdict.fixed import asked_pairs
from stepwell.router.limits import up

if TYPE_CHECKING:
    from stepwell.evals.ask import Asks

PATIENT = Pacing()


@dataclass(frozen=True, slots=True)
class PairOptions:
    """How answers are compared.

    Attributes:
        rubric: What counts, in place of the rows' own.
        margin: Preferences within +-margin of one another are tied: 0.1 is 55 to 45.
        max_usd: Stop before a request once this much is spent, all that the journal holds counted.
    """

    rubric: str | None = None
    margin: float | None = None
    concurrency: int = 8
    max_usd: float | None = None
    pacing: Pacing = PATIENT


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two arms' answers to one row."""

    row: Row
    repeat: int
    a: Entry
    b: Entry
    options: GradedOptions

    def key(self, form: Form) -> str:
        who = [form.version, form.judge, list(form.models), self.a.tier, self.b.tier, self.repeat]
        said = [who, self.row.sha256.hex(), self.options, answers_of(self.a), answers_of(self.b)]
        return hashlib.sha256(canonical_json(said)).hexdigest()


async def pairwise(
    well: Asks,
    suite: Suite,
    journal_path: str | Path,
    *,
    judge: str,
    pairs: Sequence[tuple[str, str]] | None = None,
    options: PairOptions = PairOptions(),
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Preference, ...]:
    """Compare the answers that a run's journal holds, where both arms answered; nothing that is there is asked again.

    Args:
        pairs: Names of arms; None: each against the run's baseline, or each against each where it has none.

    Raises:
        ConfigError: The judge is no tier, or lacks its key; the journal holds no run.
        JournalError: The journal can't be read or written, or another run holds it.
    """
    check_tier(well, judge)
    with Journal(journal_path) as journal:
        held = read_held(journal_path)
        if held.header is None:
            raise ConfigError("the journal holds no run to compare")
        named: dict[str, dict[str, float]] = {arm: {} for arm in held.header.tiers}
        wanted = asked_pairs(named, held.header.baseline) if pairs is None else pairs
        keys = Planned.of(held.header, suite.rows)
        meetings = list(_meetings(suite, journal_path, wanted, options.rubric, keys))
        form = _form(well, suite, judge, options.rubric)
        run = _Comparing(
            Judge(well, judge),
            form,
            journal,
            held.compared,
            len(meetings),
            options,
            on_progress,
            held.spent_nano_usd,
        )
        async with journal.synced():
            left = [m for m in meetings if not run.is_done(m)]
            run.tell()
            await each(left, run.compare, concurrency=options.concurrency, is_over=run.is_spent)
    lines = [run.held[key] for m in meetings if (key := m.key(form)) in run.held]
    clusters = {row.id: row.cluster for row in suite.rows if row.cluster is not None}
    return preferences(lines, clusters=clusters, margin=options.margin)


def answers_of(entry: Entry) -> list[str]:
    """The answers to all turns, the last one last."""
    return [*entry.earlier, entry.answer or ""]


def _meetings(
    suite: Suite,
    journal: str | Path,
    pairs: Sequence[tuple[str, str]],
    rubric: str | None,
    keys: Planned | None,
) -> Iterator[Meeting]:
    arms = {arm for pair in pairs for arm in pair}
    found: dict[tuple[str, int, str], Entry] = {}
    for entry in read_entries(journal):
        if entry.tier in arms and entry.has_answer and (keys is None or entry.key in keys):
            found[entry.row, entry.repeat, entry.tier] = entry
    repeats = sorted({repeat for _, repeat, _ in found})
    for repeat in repeats:
        for row in suite.rows:
            options = _options(row, rubric)
            for a, b in pairs:
                of_a, of_b = found.get((row.id, repeat, a)), found.get((row.id, repeat, b))
                if of_a is not None and of_b is not None:
                    yield Meeting(row, repeat, of_a, of_b, options)


def _form(well: Asks, suite: Suite, judge: str, rubric: str | None) -> Form:
    """The one that the judge is measured in."""
    (form,) = forms_of(well, suite.rows, judge=judge, is_pair=True)
    return (
        form
        if rubric is None
        else replace(form, options=msgspec.structs.replace(form.options, rubric=rubric))
    )


def _options(row: Row, rubric: str | None) -> GradedOptions:
    options = options_of(row)
    return options if rubric is None else msgspec.structs.replace(options, rubric=rubric)


@dataclass(slots=True)
class _Comparing:
    judge: Judge
    form: Form
    journal: Journal
    held: dict[str, Compared]
    n_planned: int
    options: PairOptions
    on_progress: Callable[[int, int], None] | None
    spent_nano_usd: int
    n_done: int = 0

    def is_done(self, meeting: Meeting) -> bool:
        line = self.held.get(self._key(meeting))
        is_done = line is not None and line.score is not None
        self.n_done += is_done
        return is_done

    def is_spent(self) -> bool:
        limit = self.options.max_usd
        return limit is not None and self.spent_nano_usd >= round(limit * 1e9)

    async def compare(self, m: Meeting) -> None:
        a, b = answers_of(m.a), answers_of(m.b)
        try:
            found = await duel(self.judge, m.row, a, b, m.options, pacing=self.options.pacing)
        except StepwellError as e:
            found = Duel(None, nano_usd=up(e.spent_usd), error=code_of(e))
        self.spent_nano_usd += found.nano_usd
        key = self._key(m)
        earlier = self.held.get(key)
        line = Compared(
            key=key,
            row=m.row.id,
            a=m.a.tier,
            b=m.b.tier,
            repeat=m.repeat,
            score=found.score,
            is_consistent=found.is_consistent,
            nano_usd=found.nano_usd + (earlier.nano_usd if earlier else 0),
            error=found.error,
            favours=found.favours,
            longer=_longer(m, a, b),
            judge=self.form.judge,
            form=self.form.name,
        )
        self.journal.append(line)
        self.held[key] = line
        self.n_done += 1
        self.tell()

    def tell(self) -> None:
        if self.on_progress is not None:
            self.on_progress(self.n_done, self.n_planned)

    def _key(self, meeting: Meeting) -> str:
        return meeting.key(self.form)


def _longer(m: Meeting, a: Sequence[str], b: Sequence[str]) -> str | None:
    n_a, n_b = sum(map(len, a)), sum(map(len, b))
    return None if n_a == n_b else m.a.tier if n_a > n_b else m.b.tier
