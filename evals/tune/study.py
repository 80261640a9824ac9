"""Is the promise kept? Tune on many random samples of labels, and look at what each would do on all other rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune import sweep
from stepwell.evals.tune.mixing import routed_by
from stepwell.evals.tune.promise import Promise, keep_promise
from stepwell.evals.verdict.shares import wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.rows import Outcomes

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]

Predict = Callable[["Places"], "Floats"]
# from rows and their scores, which may be shuffled: p_ok of these rows, out of fold, and of any others
Ranker = Callable[["Places", "Floats"], tuple["Floats", Predict]]


class Trial(msgspec.Struct, frozen=True):
    """One sample of labels: the promise, and what came of it on all other rows.

    Attributes:
        kept: True mean score as a share of the premium tier's.
        shares: Of requests by tier, cheapest first.
        saved: Share of the premium tier's cost.
    """

    promise: Promise
    kept: float
    shares: tuple[float, ...]
    saved: float

    @property
    def is_broken(self) -> bool:
        """Fewer than the promised share of the premium tier's quality was kept."""
        return self.kept < self.promise.min_quality


class PromiseStudy(msgspec.Struct, frozen=True):
    """What many samples came to.

    Attributes:
        broken, broken_low, broken_high: Share of samples with a broken promise, and its 95 % interval (Wilson).
        premium_share: Mean share of requests that the dearest tier got, over all samples, fallbacks among them;
            `premium_share_sd`: its spread.
        mix_share: The same, had the fixed mix kept each promise.
        kept: Mean over the samples.
        by: How many were kept by "router", "mix" and "premium".
    """

    n_labels: int
    n_samples: int
    min_quality: float
    confidence: float
    broken: float
    broken_low: float
    broken_high: float
    premium_share: float
    premium_share_sd: float
    mix_share: float
    kept: float
    saved: float
    by: dict[str, int]


def resample_promise(
    outcomes: Outcomes,
    ranker: Ranker,
    cost: Floats,
    *,
    n_labels: int = 1000,
    n_samples: int = 300,
    min_quality: float = 0.95,
    confidence: float = 0.95,
    is_shuffled: bool = False,
    seed: int = 0,
    each: Callable[[Trial], None] | None = None,
) -> PromiseStudy:
    """Draw `n_labels` rows, tune on them, and count how often the other rows see the promise broken.

    Args:
        cost: Expected USD, shape (n, k).
        is_shuffled: Scores of the drawn rows change places, so that there is nothing to learn.
        each: Called with every trial, as it ends.

    Raises:
        BadRequest: Too few rows with every score to draw from and to look at.
    """
    whole = np.flatnonzero(outcomes.is_complete)
    if len(whole) < n_labels + max(200, n_labels // 2):
        raise BadRequest(
            f"{len(whole)} rows with every score are too few to draw {n_labels} and look at the rest."
        )
    trials = []
    for i in range(n_samples):
        random = np.random.default_rng([seed, i])
        drawn = random.permutation(whole)
        trial = _trial(
            outcomes.scores,
            ranker,
            cost,
            drawn[:n_labels],
            drawn[n_labels:],
            random.permutation(n_labels) if is_shuffled else np.arange(n_labels),
            min_quality=min_quality,
            confidence=confidence,
        )
        trials.append(trial)
        if each is not None:
            each(trial)
    return _counted(trials, n_labels)


def _trial(
    scores: Floats,
    ranker: Ranker,
    cost: Floats,
    seen: Places,
    rest: Places,
    order: Places,
    *,
    min_quality: float,
    confidence: float,
) -> Trial:
    labels = scores[seen][order]
    p_ok, predict = ranker(seen, labels)
    made = keep_promise(p_ok, cost[seen], labels, min_quality=min_quality, confidence=confidence)
    true, usd = scores[rest], cost[rest]
    if made.price is None:
        shares = np.array(made.shares)
        routed, spent = true @ shares, usd @ shares
    else:
        chosen = sweep.chosen(predict(rest), sweep.shares_of_dearest(usd), made.price)
        routed, spent = routed_by(chosen, true), routed_by(chosen, usd)
        shares = np.bincount(chosen, minlength=true.shape[1]) / len(chosen)
    premium = float(true[:, -1].mean())
    kept = 1.0 if made.by == "premium" else float(routed.mean()) / premium
    return Trial(made, kept, tuple(shares.tolist()), 1 - float(spent.mean() / usd[:, -1].mean()))


def _counted(trials: list[Trial], n_labels: int) -> PromiseStudy:
    n = len(trials)
    n_broken = sum(t.is_broken for t in trials)
    low, high = wilson(n_broken, n)
    shares = np.array([t.shares[-1] for t in trials])
    first = trials[0].promise
    return PromiseStudy(
        n_labels=n_labels,
        n_samples=n,
        min_quality=first.min_quality,
        confidence=first.confidence,
        broken=n_broken / n,
        broken_low=low,
        broken_high=high,
        premium_share=float(shares.mean()),
        premium_share_sd=float(shares.std()),
        mix_share=float(np.mean([t.promise.mix[-1] for t in trials])),
        kept=float(np.mean([t.kept for t in trials])),
        saved=float(np.mean([t.saved for t in trials])),
        by={by: sum(t.promise.by == by for t in trials) for by in ("router", "mix", "premium")},
    )
