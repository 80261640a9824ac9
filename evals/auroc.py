"""AUROC: how often a right answer scores higher than a wrong one; with intervals, and within groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

NAN = float("nan")


class Auroc(msgspec.Struct, frozen=True):
    """An AUROC with its 95 % bootstrap interval over rows; NaN where all rows are right, or all wrong."""

    value: float
    low: float
    high: float


def auroc(score: Floats, right: Bools) -> float:
    """Mann and Whitney's U over all pairs; ties count half.

    Args:
        score: Higher means more likely right, shape (n,).
        right: Shape (n,).
    """
    n_right = int(right.sum())
    n_wrong = len(right) - n_right
    if not n_right or not n_wrong:
        return NAN
    _, group, size = np.unique(score, return_inverse=True, return_counts=True)
    rank = np.cumsum(size) - (size - 1) / 2
    return float((rank[group][right].sum() - n_right * (n_right + 1) / 2) / (n_right * n_wrong))


def auroc_between(positive: Floats, negative: Floats) -> float:
    """`auroc` of two groups of scores: how often one of `positive` is the higher."""
    labels = np.arange(len(positive) + len(negative)) < len(positive)
    return auroc(np.concatenate((positive, negative)), labels)


def auroc_within(score: Floats, right: Bools, group: Ints) -> float:
    """The same over pairs of one group alone: what is left once a score can't just tell the groups apart."""
    won = pairs = 0.0
    for g in np.unique(group):
        here = group == g
        n = float(right[here].sum()) * float((~right[here]).sum())
        if n:
            won += n * auroc(score[here], right[here])
            pairs += n
    return won / pairs if pairs else NAN


def intervals(
    scores: Mapping[str, Floats], right: Bools, group: Ints, *, n_resamples: int = 1000, seed: int = 0
) -> dict[str, tuple[Auroc, Auroc]]:
    """AUROC over all pairs and within groups, of each score by name; all on the same resamples of rows."""
    names = list(scores)
    drawn = np.full((n_resamples, len(names), 2), np.nan)
    rng = np.random.default_rng(seed)
    for n in range(n_resamples):
        rows = rng.integers(0, len(right), len(right))
        for k, name in enumerate(names):
            drawn[n, k] = _both(scores[name][rows], right[rows], group[rows])
    found = {}
    for k, name in enumerate(names):
        over_all, within = _both(scores[name], right, group)
        found[name] = (_interval(over_all, drawn[:, k, 0]), _interval(within, drawn[:, k, 1]))
    return found


def difference(a: Floats, b: Floats, right: Bools, *, n_resamples: int = 1000, seed: int = 0) -> Auroc:
    """AUROC of `a` less that of `b`, paired."""
    rng = np.random.default_rng(seed)
    drawn = np.empty(n_resamples)
    for n in range(n_resamples):
        rows = rng.integers(0, len(right), len(right))
        drawn[n] = auroc(a[rows], right[rows]) - auroc(b[rows], right[rows])
    return _interval(auroc(a, right) - auroc(b, right), drawn)


def _both(score: Floats, right: Bools, group: Ints) -> tuple[float, float]:
    return auroc(score, right), auroc_within(score, right, group)


def _interval(value: float, drawn: Floats) -> Auroc:
    known = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(known):
        return Auroc(value, NAN, NAN)
    low, high = np.quantile(known, [0.025, 0.975])
    return Auroc(value, float(low), float(high))
