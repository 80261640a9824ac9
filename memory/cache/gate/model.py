"""The model of the moment: what it believes, and the cut that keeps the budget by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.memory.cache.gate.cut import NEVER, Held, lowest_cut
from stepwell.memory.cache.gate.promise import Estimate, bounds, without_judge_error
from stepwell.memory.cache.gate.rule import Rule

if TYPE_CHECKING:
    from stepwell.memory.cache.gate.belief import Belief
    from stepwell.memory.cache.gate.evidence import Evidence, Verdicts

_NOTHING = Estimate(0.0, 0, None, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Model:
    """One fit.

    Attributes:
        cut: P(same) from which on hits keep the budget; NEVER where none do.
        judge_error: Share of the verdicts thought wrong.
        estimate: Errors among the judged requests at or above the cut.
        hit_share: Share of recent requests at or above it.
    """

    belief: Belief
    cut: float
    judge_error: float
    estimate: Estimate
    hit_share: float

    def p_same(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """P(same) of each row of features."""
        import numpy as np

        found: list[float] = self.belief.p_same(np.array([(1.0, *row) for row in rows])).tolist()
        return found


def first_model(max_error: float, judge_error: float, rule: Rule) -> Model:
    """Before any evidence each hit must keep the budget by itself, twice over."""
    from stepwell.memory.cache.gate.prior import prior

    return Model(prior(), 1 - rule.safety * max_error / 2, judge_error, _NOTHING, 0.0)


def refitted(
    model: Model, evidence: Evidence, max_error: float, thought_judge_error: float, rule: Rule
) -> Model:
    """The model that follows from the evidence.

    Args:
        thought_judge_error: Share of verdicts that may be wrong, at most.
    """
    import numpy as np

    from stepwell.memory.cache.gate.logistic import JudgeError, fit_logistic
    from stepwell.memory.cache.gate.prior import prior

    found, requests = evidence.verdicts(), evidence.requests()
    if not len(found.rows):
        return model
    judge = JudgeError(thought_judge_error, thought_judge_error * rule.judge_error_sd)
    fit = fit_logistic(_focused(found, model.belief, rule), prior(), model.belief, judge)
    held = Held(fit.left_out, found.is_same, np.minimum(found.counts, rule.max_held_count), fit.judge_error)
    p = fit.belief.p_same(requests)
    cut = lowest_cut(p, held, max_error=rule.safety * max_error, trust=rule.trust)
    share = float((p >= cut).mean()) if len(p) else 0.0
    return Model(fit.belief, cut, fit.judge_error, _estimate(held, cut), share)


def _focused(found: Verdicts, belief: Belief, rule: Rule) -> Verdicts:
    """Verdicts counted for the fit: audits less than fully, and hopeless cases less than likely ones."""
    import numpy as np

    near_the_cut = np.clip(2 * belief.p_same(found.rows), 1 - rule.focus, 1.0)
    return found.counted(np.minimum(found.counts, rule.max_fit_count) * near_the_cut)


def _estimate(held: Held, cut: float) -> Estimate:
    """Errors above the cut, from the verdicts alone."""
    is_hit = held.p_same >= cut
    counts = held.counts[is_hit]
    n = float(counts.sum())
    if cut >= NEVER or n == 0:
        return _NOTHING
    judged_wrong = float((counts * (1 - held.is_same[is_hit])).sum()) / n
    n_independent = n * n / float((counts**2).sum())  # Kish 1965, Survey Sampling, 11.7
    low, high = bounds(judged_wrong * n_independent, n_independent, z=1.96)
    e = held.judge_error
    return Estimate(
        n,
        int(is_hit.sum()),
        without_judge_error(judged_wrong, e),
        without_judge_error(low, e),
        without_judge_error(high, e),
    )
