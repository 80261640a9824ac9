"""A run as the outcomes that `stepwell tune` reads: of its folder, or as a file of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stepwell.base.messages import encode_json
from stepwell.evals.arms import AUTO
from stepwell.evals.by_row import entries_by_row
from stepwell.evals.entries import Header, last_of, read_header
from stepwell.evals.folder import RunFolder
from stepwell.evals.outcomes import outcome_rows
from stepwell.evals.plan import Planned
from stepwell.evals.suite import Suite


def write_outcomes(folder: RunFolder, suite: Suite) -> None:
    """Write `outcomes_of` a run into its folder.

    Raises:
        JournalError: The journal can't be read, or the file can't be written.
    """
    folder.write_private(folder.outcomes, _lines(folder.journal, suite))


def outcomes_of(folder: RunFolder) -> Iterator[bytes]:
    """A run's outcomes, of its journal and its rows: nothing else of the folder is needed.

    Columns are the arms that are a tier or a model with the prompt as it is; what a router or a prompt of its own
    made of a row says nothing about a tier. What belongs to another run of the journal is left out.

    Yields:
        JSON lines: id, prompt or messages, and by tier scores, out_tokens, cost_usd, answers.

    Raises:
        JournalError: The journal or the rows can't be read.
    """
    yield from _lines(folder.journal, folder.read_suite())


def plain_arms(header: Header | None) -> tuple[str, ...]:
    """Arms that are a tier or a model and nothing more, in the order of the run."""
    if header is None:
        return ()
    if not header.arms:  # a journal that somebody else wrote
        return tuple(tier for tier in header.tiers if tier != AUTO)
    return tuple(arm.name for arm in header.arms if arm.is_plain)


def _lines(journal: Path, suite: Suite) -> Iterator[bytes]:
    header = read_header(journal)
    names, keys = frozenset(plain_arms(header)), Planned.of(header, suite.rows)
    for row, entries in zip(suite.rows, entries_by_row(journal, (r.id for r in suite.rows)), strict=True):
        ours = [e for e in entries if e.tier in names and (keys is None or e.key in keys)]
        answers = {e.tier: e.answer for e in ours if e.score is not None and e.answer is not None}
        for line in outcome_rows([row], last_of(ours)):
            yield encode_json(line | {"answers": answers}) + b"\n"
