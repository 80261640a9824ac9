"""How far one feature lies apart in two stretches of traffic, with intervals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_NORMAL = NormalDist()
_N_DRAWS = 4000


class NumberShift(msgspec.Struct, frozen=True):
    """One number in two stretches.

    Attributes:
        what: "feature", "p_ok" (of the tier `name`) or "together" (scores of a discriminant).
        d: Standardised difference of means (Cohen), recent less reference, with its interval.
        auc: How often a recent request has the higher value, 0..1, ties half; .5: no shift of its place.
        p: Two-sided, Mann and Whitney's U.
        adjusted_p: After Holm, over all that was looked at.
    """

    name: str
    reference: float
    recent: float
    d: float
    d_low: float
    d_high: float
    auc: float
    auc_low: float
    auc_high: float
    p: float
    adjusted_p: float = 1.0
    what: str = "feature"

    @property
    def effect(self) -> float:
        """0 (the same) .. 1 (apart)."""
        gap = 2 * self.auc - 1
        return max(0.0, gap) if self.what == "together" else abs(gap)


class ClassShift(msgspec.Struct, frozen=True):
    """Shares of classes in two stretches.

    Attributes:
        tv: Total variation: the share of requests that would have to change class, 0..1, with its interval.
        chance: What two stretches of this size show with no shift.
        moved: The class that moved most, and its two shares.
        p: By permutation.
    """

    name: str
    n_classes: int
    tv: float
    tv_low: float
    tv_high: float
    chance: float
    moved: str
    reference: float
    recent: float
    p: float
    adjusted_p: float = 1.0
    what: str = "class"

    @property
    def effect(self) -> float:
        """Over what chance gives, 0..1."""
        return max(0.0, self.tv - self.chance)


def number_shift(name: str, reference: Floats, recent: Floats, *, level: float = 0.95) -> NumberShift | None:
    """Compare a number; None where fewer than two values are known on a side, or it never varies."""
    a, b = reference[~np.isnan(reference)], recent[~np.isnan(recent)]
    if min(len(a), len(b)) < 2 or np.ptp(np.concatenate((a, b))) == 0:
        return None
    z = _NORMAL.inv_cdf((1 + level) / 2)
    spread = math.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (len(a) + len(b) - 2))
    d = float((b.mean() - a.mean()) / spread) if spread else math.inf * float(np.sign(b.mean() - a.mean()))
    half_d = z * math.sqrt(1 / len(a) + 1 / len(b) + d * d / (2 * (len(a) + len(b)))) if spread else 0.0
    auc, error, p = auc_of(a, b)
    return NumberShift(
        name=name,
        reference=float(a.mean()),
        recent=float(b.mean()),
        d=d,
        d_low=d - half_d,
        d_high=d + half_d,
        auc=auc,
        auc_low=max(0.0, auc - z * error),
        auc_high=min(1.0, auc + z * error),
        p=p,
    )


def auc_of(low: Floats, high: Floats) -> tuple[float, float, float]:
    """How often one of `high` is above one of `low`, its standard error, and Mann and Whitney's two-sided p.

    The error is by placements (DeLong et al. 1988, Biometrics 44:837), the p by the null's variance with ties.
    """
    n, m = len(low), len(high)
    of_high, of_low = _placed(high, low), 1 - _placed(low, high)
    auc = float(of_high.mean())
    error = math.sqrt(of_high.var(ddof=1) / m + of_low.var(ddof=1) / n)
    _, ties = np.unique(np.concatenate((low, high)), return_counts=True)
    total = n + m
    shared = float((ties.astype(np.float64) ** 3 - ties).sum()) / (total * (total - 1))
    null = math.sqrt(max(0.0, (total + 1 - shared) / (12 * n * m)))
    p = 1.0 if null == 0 else 2 * _NORMAL.cdf(-abs(auc - 0.5) / null)
    return auc, error, p


def _placed(values: Floats, among: Floats) -> Floats:
    """Share of `among` below each value, ties half."""
    ordered = np.sort(among)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return below / (2 * len(among))


def class_shift(
    name: str, reference: Sequence[str], recent: Sequence[str], *, level: float = 0.95, seed: int = 0
) -> ClassShift | None:
    """Compare shares of classes; "" is unknown. None where a side knows none, or there is one class alone."""
    a, b = Counter(c for c in reference if c), Counter(c for c in recent if c)
    names = sorted(a.keys() | b.keys())
    if not a or not b or len(names) < 2:
        return None
    counts_a, counts_b = np.array([a[c] for c in names]), np.array([b[c] for c in names])
    p_a, p_b = counts_a / counts_a.sum(), counts_b / counts_b.sum()
    tv = float(np.abs(p_a - p_b).sum() / 2)
    rng = np.random.default_rng(seed)
    null = _tv_by_chance(counts_a, counts_b, rng)
    low, high = _tv_interval(p_a, p_b, int(counts_a.sum()), int(counts_b.sum()), tv, level, rng)
    most = int(np.argmax(np.abs(p_a - p_b)))
    return ClassShift(
        name=name,
        n_classes=len(names),
        tv=tv,
        tv_low=low,
        tv_high=high,
        chance=float(null.mean()),
        moved=names[most],
        reference=float(p_a[most]),
        recent=float(p_b[most]),
        p=float((1 + (null >= tv - 1e-12).sum()) / (1 + len(null))),
    )


def _tv_by_chance(a: NDArray[np.int_], b: NDArray[np.int_], rng: np.random.Generator) -> Floats:
    pooled, n = a + b, int(a.sum())
    drawn = rng.multivariate_hypergeometric(pooled, n, size=_N_DRAWS, method="marginals")
    gaps: Floats = np.abs(drawn / n - (pooled - drawn) / int(b.sum())).sum(axis=1) / 2
    return gaps


def _tv_interval(
    p_a: Floats, p_b: Floats, n_a: int, n_b: int, tv: float, level: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Basic bootstrap, mirrored at the estimate, which takes most of the upward bias away."""
    drawn_a = rng.multinomial(n_a, p_a, size=_N_DRAWS) / n_a
    drawn_b = rng.multinomial(n_b, p_b, size=_N_DRAWS) / n_b
    drawn = np.abs(drawn_a - drawn_b).sum(axis=1) / 2
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return max(0.0, float(2 * tv - high)), min(1.0, max(0.0, float(2 * tv - low)))
