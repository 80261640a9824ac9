"""A run's journal as the file of outcomes that `stepwell tune` reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from stepwell.base.messages import encode_json
from stepwell.evals.arms import AUTO, arm_of_tier
from stepwell.evals.entries import read, read_entries
from stepwell.evals.outcomes import outcome_rows
from stepwell.evals.plan import plan
from stepwell.evals.suite import Suite


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
    keys = frozenset(s.key for s in plan(suite, tiers, repeats=repeats))
    kept = [o for key, o in read(journal)[1].items() if key in keys]
    answers: dict[object, dict[str, str]] = defaultdict(dict)
    for entry in read_entries(journal):
        if entry.key in keys and entry.score is not None and entry.answer is not None:
            answers[entry.row][entry.tier] = entry.answer
    rows = [encode_json(row | {"answers": answers[row["id"]]}) + b"\n" for row in outcome_rows(suite, kept)]
    path.write_bytes(b"".join(rows))
    return len(rows)
