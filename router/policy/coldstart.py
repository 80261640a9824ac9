"""The cold-start policy: the heuristic's prior, its difficulty refined by a learnt index of work."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stepwell.router.features import Ask
from stepwell.router.policy.base import Estimates
from stepwell.router.policy.index import Index, load_index, top_reasons
from stepwell.router.policy.signs import signs, without_opening
from stepwell.router.tasks import Task, read_task
from stepwell.router.tierinfo import TierInfo

# kinds of work that say enough by themselves: the index, learnt on questions, knows nothing of them
_SETTLED_BELOW = 0.42
_HARD_FROM = 0.66
_LEAST, _MOST = 0.36, 0.8
# only what names the measured instructions word for word is left to a tiny local model
_MEASURED = frozenset({"sentiment", "tense"})
_NOT_TINY = 0.08
_N_REASONS = 2
_HIGH, _LOW = 0.7, 0.3


class ColdStart:
    """Guess p_ok from the kind of work, a learnt index and each tier's catalogue `quality`.

    The kind sets where the difficulty lies (see `Heuristic`) and the index moves it within what the kind allows:
    both ways for ordinary questions, only upwards for hard work, not at all for easy work. The weights are
    `coldstart.json`, whose card names data, licence and how they rank data left out; p_ok is not calibrated.

    Args:
        slope: How sharply p_ok falls as difficulty passes a tier's quality.
        spread: How far the index moves the difficulty, from its lowest to its highest. Little by
            default: its order is measured, how far apart it lies on the scale of `quality` is not.
        index: In place of the shipped one.

    Raises:
        ConfigError: The weights can't be read.
    """

    name = "coldstart"

    def __init__(self, slope: float = 10.0, spread: float = 0.1, index: Index | None = None) -> None:
        self._slope = slope
        self._spread = spread
        self._index = index or load_index()

    def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        """p_ok = logistic(slope x (quality - difficulty)); `need` ranks the index among its training prompts."""
        ask = without_opening(ask)
        task = read_task(ask)
        parts = self._index.parts(signs(ask, task))
        need = self._index.need(sum(parts))
        difficulty = self._difficulty(task, need)
        p_ok = {t.name: 1 / (1 + math.exp(self._slope * (difficulty - t.quality))) for t in tiers}
        reasons = (*task.reasons, *_pushed(task, parts, need))
        return Estimates(p_ok, reasons, self.name, task.n_output_tokens, need=need)

    def _difficulty(self, task: Task, need: float) -> float:
        if task.difficulty < _SETTLED_BELOW:
            return task.difficulty if task.kind in _MEASURED else max(task.difficulty, _NOT_TINY)
        moved = self._spread * (need - 0.5)
        if task.difficulty >= _HARD_FROM:
            return min(task.difficulty + max(moved, 0.0), _MOST)
        return min(max(task.difficulty + moved, _LEAST), _MOST)


def _pushed(task: Task, parts: Sequence[float], need: float) -> tuple[str, ...]:
    if task.difficulty < _SETTLED_BELOW:
        return ()
    if need >= _HIGH:
        return top_reasons(parts, n=_N_REASONS)
    # hard work is not lowered by it, so there it is no reason
    return ("few signs of work",) if need <= _LOW and task.difficulty < _HARD_FROM else ()
