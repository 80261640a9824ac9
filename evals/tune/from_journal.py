"""A run as the outcomes that `stepwell tune` reads: of its folder, or as a file of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from stepwell.base.messages import encode_json
from stepwell.evals.arms import AUTO, arm_of_tier
from stepwell.evals.by_row import entries_by_row
from stepwell.evals.entries import Header, Outcome, last_of, read
from stepwell.evals.folder import RunFolder
from stepwell.evals.outcomes import outcome_rows
from stepwell.evals.plan import plan
from stepwell.evals.suite import Row, Suite

IsIn = Callable[[Outcome], bool]


def write_outcomes(
    path: Path, journal: Path, suite: Suite, models: Mapping[str, Sequence[str]], *, repeats: int = 1
) -> int:
    """Write a row for each row of the suite that some tier has a score on; gives how many.

    With the answers as they came, so that a cascade can be learnt. What the router sent somewhere itself, and
    what belongs to another run of the journal, is left out.

    Args:
        models: Tier -> the models behind it.
    """
    tiers = [(arm_of_tier(tier), of) for tier, of in models.items() if tier != AUTO]
    planned = plan(suite, tiers, repeats=repeats)

    def of_run(row: Row) -> IsIn:
        keys = {s.key for s in planned.of_row(row)}
        return lambda o: o.key in keys

    n_lines = 0
    with path.open("wb") as file:
        for line in _lines(journal, suite, of_run):
            file.write(line)
            n_lines += 1
    return n_lines


def outcomes_of(folder: RunFolder) -> Iterator[bytes]:
    """A run's outcomes, of its journal and its rows: nothing else of the folder is needed.

    Columns are the arms that are a tier or a model with the prompt as it is; what a router or a prompt of its own
    made of a row says nothing about a tier.

    Yields:
        JSON lines: id, prompt or messages, and by tier scores, out_tokens, cost_usd, answers.

    Raises:
        JournalError: The journal or the rows can't be read.
    """
    suite = folder.read_suite()
    names = plain_arms(read(folder.journal)[0])
    yield from _lines(folder.journal, suite, lambda _: lambda o: not names or o.tier in names)


def plain_arms(header: Header | None) -> tuple[str, ...]:
    """Arms that are a tier or a model and nothing more, in the order of the run."""
    if header is None:
        return ()
    if not header.arms:
        return tuple(t for t in header.tiers if t != AUTO)
    return tuple(
        a.name for a in header.arms if (a.tier or a.model) and a.policy is None and a.prompt_sha256 is None
    )


def _lines(journal: Path, suite: Suite, of_run: Callable[[Row], IsIn]) -> Iterator[bytes]:
    for row, entries in zip(suite.rows, entries_by_row(journal, (r.id for r in suite.rows)), strict=True):
        is_in = of_run(row)
        kept = [o for o in last_of(entries) if o.tier != AUTO and is_in(o)]
        answers = {
            e.tier: e.answer for e in entries if e.score is not None and e.answer is not None and is_in(e)
        }
        for line in outcome_rows([row], kept):
            yield encode_json(line | {"answers": answers}) + b"\n"
