"""From scores of honest texts to a threshold, and what that promises."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stepwell.guards.calibrate.binomial import at_least

Promise = Literal["sure", "mean"]
"""sure: the false-block rate is within the budget with the confidence asked for. mean: it is on average over
samples of honest texts like this one, which costs fewer misses, and any one sample may be above it."""
MIN_HONEST = 30
"""Nothing is tuned on fewer honest texts."""
NEVER = 2.0
"""A threshold that no score reaches."""
_TAIL_SHARE = 0.2
"""The tail is fitted to this share of the texts: over seven sources the smallest errors, .05 to .2 tried."""
_MIN_TAIL = 5
_RATE_STEP = 1e-6


@dataclass(frozen=True, slots=True)
class Cut:
    """A threshold, and how well n honest texts support it.

    Attributes:
        threshold: Least score that counts; NEVER where no score may.
        false_blocks: The budget, 0..1.
        confidence: That the rate on new texts of the same traffic is within the budget, 0..1, at least, whatever
            the scores' distribution.
        promised: The rate that it keeps with the confidence asked for, 0..1.
        rests_on: "rows": the k-th largest honest score; "tail": too few rows for that, so the threshold lies above
            all of them, or where the fitted tail puts it.
        n_above: Honest texts of the sample that reach it.
        rows_wanted: Honest texts from which on the budget can be promised with the confidence asked for.
    """

    threshold: float
    false_blocks: float
    confidence: float
    promised: float
    rests_on: Literal["rows", "tail"]
    n_honest: int
    n_above: int
    rows_wanted: int


def cut(
    scores: Sequence[float],
    false_blocks: float,
    *,
    confidence: float = 0.95,
    promise: Promise = "sure",
    shipped: float = 0.0,
) -> Cut:
    """The least threshold that keeps a budget on new texts of the same traffic.

    With the k-th largest of n scores as the bound, the rate follows Beta(k, n - k + 1) whatever the scores'
    distribution (Wilks 1941, Ann. Math. Statist. 12:91); its mean is k / (n + 1), which is split conformal
    prediction (Vovk et al. 2005). Too few scores for that: the bound is above all of them, and not below what an
    exponential tail of their log-odds, fitted to the top fifth, gives (Pickands 1975, Ann. Statist. 3:119).

    Args:
        scores: Of honest texts, 0..1, each text once.
        false_blocks: Share of honest texts that may reach the threshold, 0..1.
        confidence: Of the promise "sure".
        shipped: The threshold before; where the scores are so few that even on average the bound above all of them
            does not keep the budget, it is not lowered.
    """
    falling = sorted(scores, reverse=True)
    n = len(falling)
    k = _sure(n, false_blocks, confidence) if promise == "sure" else math.floor(false_blocks * (n + 1) + 1e-9)
    tail = tail_quantile(falling, false_blocks)
    if k > 0:
        least = falling[k - 1]
        # where a sample is small the tail is steadier than one score in it, and a higher threshold keeps the promise
        threshold = max(_above(least), tail) if promise == "mean" else _above(least)
    else:
        threshold = max(_above(falling[0]), tail) if n else NEVER
        if false_blocks * (n + 1) < 1:
            threshold = max(threshold, shipped)
    n_above = sum(s >= threshold for s in falling)
    return Cut(
        threshold,
        false_blocks,
        at_least(max(k, 1), n, false_blocks),
        promised(max(k, 1), n, confidence),
        "rows" if k > 0 else "tail",
        n,
        n_above,
        rows_wanted(false_blocks, confidence),
    )


def promised(k: int, n: int, confidence: float) -> float:
    """The rate, 0..1, that the k-th largest of n honest scores as the bound keeps with this confidence."""
    low, high = 0.0, 1.0
    while high - low > _RATE_STEP:
        middle = (low + high) / 2
        low, high = (low, middle) if at_least(k, n, middle) >= confidence else (middle, high)
    return high


def rows_wanted(false_blocks: float, confidence: float) -> int:
    """Honest texts without which no threshold can promise this: (1 - budget) ** n must be 1 - confidence at most."""
    return math.ceil(math.log(1 - confidence) / math.log1p(-false_blocks) - 1e-9)


def tail_quantile(falling: Sequence[float], share: float) -> float:
    """The score, 0..1, that this share of texts reaches, by an exponential tail of the log-odds.

    Args:
        falling: Scores, largest first. Those that are 0 were not reported, and say nothing of the tail.
    """
    known = sum(s > 0 for s in falling)
    k = min(math.ceil(_TAIL_SHARE * len(falling)), known - 1)
    if k < _MIN_TAIL or share >= k / len(falling):
        return 0.0
    low = log_odds(falling[k])
    mean = math.fsum(log_odds(s) - low for s in falling[:k]) / k
    at = low + mean * math.log(k / len(falling) / share)
    return 1 / (1 + math.exp(-min(at, 700.0))) if at > -700 else 0.0


def log_odds(score: float) -> float:
    """Of a score, 0..1; bounded."""
    inside = min(max(score, 1e-9), 1 - 1e-9)
    return math.log(inside / (1 - inside))


def _sure(n: int, false_blocks: float, confidence: float) -> int:
    """The largest k whose bound keeps the budget with this confidence; 0 where none does."""
    low, high = 0, n
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if at_least(middle, n, false_blocks) >= confidence else (low, middle - 1)
    return low


def _above(score: float) -> float:
    return NEVER if score >= 1 else math.nextafter(score, 1.0)
