"""The model of the moment: what it believes, and the cut that keeps the budget by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.memory.cache.gate.cut import Told, lowest_cut
from stepwell.memory.cache.gate.promise import Estimate, bounds, without_judge_error
from stepwell.memory.cache.gate.rule import Rule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
        error_foretold: Share of wrong hits among those, at most, by the model; None without a cut.
    """

    belief: Belief
    cut: float
    judge_error: float
    estimate: Estimate
    hit_share: float
    error_foretold: float | None

    def p_same(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """P(same) of each row of features."""
        import numpy as np

        found: list[float] = self.belief.p_same(np.array([(1.0, *row) for row in rows])).tolist()
        return found


def first_model(max_error: float, judge_error: float, rule: Rule) -> Model:
    """Before any evidence each hit must keep the budget by itself."""
    from stepwell.memory.cache.gate.prior import prior

    return Model(prior(), 1 - max_error, judge_error, _NOTHING, 0.0, None)


def refitted(
    model: Model,
    evidence: Evidence,
    max_error: float,
    thought_judge_error: float,
    rule: Rule,
    *,
    n_since_change: int,
) -> Model:
    """The model that follows from the evidence.

    Args:
        thought_judge_error: Share of verdicts that may be wrong, at most.
        n_since_change: Last verdicts that the estimate rests on: in shadow they are of all requests, and before
            that mostly of those below the cut.
    """
    import numpy as np

    from stepwell.memory.cache.gate.logistic import JudgeError, fit_logistic
    from stepwell.memory.cache.gate.prior import prior

    found, requests = evidence.verdicts(), evidence.requests()
    if not len(found.rows):
        return model
    judge = JudgeError(thought_judge_error, thought_judge_error * rule.judge_error_sd)
    found = found.counted(np.minimum(found.counts, rule.max_count))
    fit = fit_logistic(_focused(found, model.belief, rule), prior(), model.belief, judge)
    last = slice(-rule.n_told, None)
    told = Told(found.p_same[last], found.is_same[last], found.counts[last], fit.judge_error)
    p = fit.belief.p_same(requests)
    found_cut = lowest_cut(
        p, told, max_error=max_error, trust=rule.trust, reach=rule.reach, caution=rule.caution
    )
    cut = found_cut.p_same
    is_hit = fit.belief.p_same(found.rows) >= cut
    is_hit[: max(0, len(is_hit) - n_since_change)] = False
    return Model(
        fit.belief,
        cut,
        fit.judge_error,
        estimate(found, is_hit, fit.judge_error),
        hit_share=float((p >= cut).mean()) if len(p) else 0.0,
        error_foretold=found_cut.error,
    )


def _focused(found: Verdicts, belief: Belief, rule: Rule) -> Verdicts:
    """Verdicts counted for the fit: hopeless cases less than likely ones."""
    import numpy as np

    near_the_cut = np.clip(2 * belief.p_same(found.rows), 1 - rule.focus, 1.0)
    return found.counted(found.counts * near_the_cut)


def estimate(found: Verdicts, is_hit: NDArray[np.bool_], judge_error: float) -> Estimate:
    """Errors among would-be hits, from the verdicts alone."""
    counts = found.counts[is_hit]
    n = float(counts.sum())
    if n == 0:
        return _NOTHING
    judged_wrong = float((counts * (1 - found.is_same[is_hit])).sum()) / n
    n_independent = n * n / float((counts**2).sum())  # Kish 1965, Survey Sampling, 11.7
    n_wrong = judged_wrong * n_independent
    low, high = bounds(n_wrong, n_independent, z=1.96)
    quartile, _ = bounds(n_wrong, n_independent, z=0.674)
    shares = (without_judge_error(share, judge_error) for share in (judged_wrong, low, high, quartile))
    return Estimate(n, int(is_hit.sum()), *shares)
