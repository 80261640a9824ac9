"""Intervals and tests on scores, in plain Python and deterministic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

_NORMAL = NormalDist()


def wilson(n_right: float, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share (Wilson 1927, JASA 22:209); 0..1 where n is 0."""
    if n == 0:
        return 0.0, 1.0
    z = _NORMAL.inv_cdf((1 + level) / 2)
    p = n_right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def t_tail(t: float, df: int) -> float:
    """P(|T| >= t) of Student's t (the finite series in Abramowitz & Stegun 26.7.3 and 26.7.4)."""
    if df > 2000:  # the normal is within 2e-4 of it there
        return 2 * _NORMAL.cdf(-abs(t))
    theta = math.atan(abs(t) / math.sqrt(df))
    cos2 = math.cos(theta) ** 2
    term = total = math.cos(theta) if df % 2 else 1.0
    for k in range(2 + df % 2, df - 1, 2):
        term *= cos2 * (k - 1) / k
        total += term
    if df == 1:
        inside = 2 * theta / math.pi
    elif df % 2:
        inside = 2 / math.pi * (theta + math.sin(theta) * total)
    else:
        inside = math.sin(theta) * total
    return min(1.0, max(0.0, 1 - inside))


def t_quantile(level: float, df: int) -> float:
    """The t with P(|T| < t) = level, by bisection."""
    low, high = 0.0, 1e4
    for _ in range(60):
        middle = (low + high) / 2
        if t_tail(middle, df) > 1 - level:
            low = middle
        else:
            high = middle
    return high


def mean_interval(values: Sequence[float], *, level: float = 0.95) -> tuple[float, float]:
    """Interval of the mean of values in 0..1: Wilson for rights and wrongs, else Student's t."""
    n = len(values)
    mean = math.fsum(values) / n if n else 0.0
    spread = math.fsum((v - mean) ** 2 for v in values)
    if n < 2 or spread == 0 or all(v in (0.0, 1.0) for v in values):
        return wilson(mean * n, n, level=level)
    half = t_quantile(level, n - 1) * math.sqrt(spread / (n - 1) / n)
    return max(0.0, mean - half), min(1.0, mean + half)


def mcnemar(n_only_a: int, n_only_b: int) -> float:
    """Two-sided exact p of McNemar's test on discordant pairs (binomial, 1/2; Psychometrika 1947, 12:153)."""
    n = n_only_a + n_only_b
    tail, term = 0, 1
    for k in range(min(n_only_a, n_only_b) + 1):
        tail += term
        term = term * (n - k) // (k + 1)
    return min(1.0, 2 * tail / (1 << n))


def paired_p(differences: Sequence[float]) -> float:
    """Two-sided p that their mean is 0: exact McNemar where all are -1, 0 or 1, else paired t."""
    n = len(differences)
    if all(d in (-1.0, 0.0, 1.0) for d in differences):
        return mcnemar(differences.count(1.0), differences.count(-1.0))
    mean = math.fsum(differences) / n
    spread = math.fsum((d - mean) ** 2 for d in differences)
    if n < 2 or spread == 0:
        return 1.0
    return t_tail(mean / math.sqrt(spread / (n - 1) / n), n - 1)


def rows_needed(differences: Sequence[float], *, level: float, power: float = 0.9) -> int | None:
    """Rows in all that would show a difference as large as the one seen; None where none is seen."""
    n = len(differences)
    mean = math.fsum(differences) / n if n else 0.0
    if mean == 0:
        return None
    square = math.fsum(d * d for d in differences) / n
    z_level, z_power = _NORMAL.inv_cdf((1 + level) / 2), _NORMAL.inv_cdf(power)
    # Connor 1987 (Biometrics 43:207): no difference under the null, the one seen under the alternative
    root = z_level * math.sqrt(square) + z_power * math.sqrt(max(0.0, square - mean * mean))
    return math.ceil((root / mean) ** 2)


def holm(ps: Sequence[float]) -> list[float]:
    """p values adjusted for having looked at all of them (Holm 1979, Scand. J. Statist. 6:65)."""
    order = sorted(range(len(ps)), key=ps.__getitem__)
    adjusted, highest = [1.0] * len(ps), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, ps[i] * (len(ps) - rank)))
        adjusted[i] = highest
    return adjusted
