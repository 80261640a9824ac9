"""What a run has to ask: every row, on every tier, as often as wanted, each under a key of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from stepwell.evals.scorers import SCORERS
from stepwell.evals.suite import Row, Suite, canonical_json


@dataclass(slots=True)
class Sample:
    """One row on one tier, once.

    Attributes:
        key: Names the finished sample in the journal.
        ask: Names what is asked, whoever scores it.
        tries: How often it was asked.
        waited_s: How long it has been held back for an upstream so far.
    """

    row: Row
    tier: str
    repeat: int
    key: str
    ask: str
    seed: int | None
    tries: int = 0
    waited_s: float = 0.0


def plan(
    suite: Suite, tiers: Mapping[str, Sequence[str]], *, repeats: int = 1, seed: int | None = None
) -> Iterator[Sample]:
    """Every sample, row by row, so that tiers are asked side by side.

    The repeat is part of the key, so repeats are never copies of one answer; repeat k asks with seed + k.

    Args:
        tiers: Tier -> the models behind it, which are part of the key too: another model is another answer.
    """
    for repeat in range(repeats):
        for row in suite.rows:
            for tier, models in tiers.items():
                asked_seed = None if seed is None else seed + repeat
                yield Sample(row, tier, repeat, *_keys(row, [tier, *models], asked_seed, repeat), asked_seed)


def _keys(row: Row, tier: list[str], seed: int | None, repeat: int) -> tuple[str, str]:
    scorer = SCORERS[row.scorer]
    asked = canonical_json([tier, seed, repeat])
    key = row.sha256 + row.ask_sha256 + canonical_json([scorer.name, scorer.version]) + asked
    return hashlib.sha256(key).hexdigest(), hashlib.sha256(row.ask_sha256 + asked).hexdigest()[:32]
