"""The cold-start policy: a prior from the kind of work, until outcomes are known."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stepwell.router.features import Ask
from stepwell.router.policy.base import Estimates
from stepwell.router.tasks import read_task
from stepwell.router.tierinfo import TierInfo


class Heuristic:
    """Guess p_ok from word lists and each tier's catalogue `quality`.

    A prior, not learned: the word lists, the difficulties and the slope are judgement, chosen so that a 135M
    model (quality .12) clears a floor of .7 only for what it was seen to do, in the very words: a sentiment in
    one word, and the past tense of a sentence (`stepwell eval run local_prior --tiers local`). p_ok is not
    calibrated.

    Args:
        slope: How sharply p_ok falls as difficulty passes a tier's quality.
    """

    name = "heuristic"

    def __init__(self, slope: float = 10.0) -> None:
        self._slope = slope

    def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        """p_ok = logistic(slope x (quality - difficulty))."""
        task = read_task(ask)
        p_ok = {t.name: 1 / (1 + math.exp(self._slope * (task.difficulty - t.quality))) for t in tiers}
        return Estimates(p_ok, task.reasons, self.name, task.n_output_tokens)
