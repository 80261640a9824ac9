"""What a run has to ask: every row, on every tier, as often as wanted, each under a key of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stepwell.evals.arms import Arm
from stepwell.evals.entries import Entry
from stepwell.evals.scorers import SCORERS
from stepwell.evals.suite import Row, Suite, canonical_json


@dataclass(slots=True)
class Sample:
    """One row on one tier, once.

    Attributes:
        key: Names the finished sample in the journal.
        ask: Names what is asked, whoever scores it.
        tries: How often it was asked.
        n_failed: Timeouts and 5xx in a row, of the tier or, once it has answered, of its judge.
        waited_s: How long it has been held back for an upstream so far.
        sent_s: Loop time at which it was handed out last.
        unscored: Its answer, where only the judge failed: the tier isn't asked, nor paid, again.
    """

    row: Row
    arm: Arm
    repeat: int
    key: str
    ask: str
    seed: int | None
    tries: int = 0
    n_failed: int = 0
    waited_s: float = 0.0
    sent_s: float = 0.0
    unscored: Entry | None = None

    @property
    def tier(self) -> str:
        """The arm's name."""
        return self.arm.name

    @property
    def lane(self) -> str:
        """Whom it queues for: arms that ask one tier share what that tier takes."""
        return self.arm.tier or self.arm.model or ""


def plan(
    suite: Suite,
    arms: Sequence[tuple[Arm, Sequence[str]]],
    *,
    repeats: int = 1,
    seed: int | None = None,
    judge: str | None = None,
) -> Iterator[Sample]:
    """Every sample, row by row, so that arms are asked side by side.

    The repeat is part of the key, so repeats are never copies of one answer; repeat k asks with seed + k.

    Args:
        arms: Each with the models behind it, which are part of the key too: another model is another answer.
        judge: Tier that grades, part of the key of what it grades: another judge scores the same answers anew.
    """
    asked_by = [(arm, arm.key(models)) for arm, models in arms]
    for repeat in range(repeats):
        asked_seed = None if seed is None else seed + repeat
        tail = canonical_json([asked_seed, repeat])
        for row in suite.rows:
            for arm, who in asked_by:
                yield Sample(row, arm, repeat, *_keys(row, who + tail, judge), asked_seed)


def _keys(row: Row, asked: bytes, judge: str | None) -> tuple[str, str]:
    scorer = SCORERS[row.scorer]
    scored_by = [scorer.name, scorer.version, *([judge] if judge and scorer.name == "graded" else [])]
    key = row.sha256 + row.ask_sha256 + canonical_json(scored_by) + asked
    return hashlib.sha256(key).hexdigest(), hashlib.sha256(row.ask_sha256 + asked).hexdigest()[:32]
