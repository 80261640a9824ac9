"""Means: of one arm, and of differences row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stepwell.evals.verdict.shares import wilson
from stepwell.evals.verdict.student import t_quantile, z_of


def mean_interval(values: Sequence[float], *, level: float = 0.95) -> tuple[float, float]:
    """Interval of the mean of values in 0..1: Wilson for rights and wrongs, else Student's t."""
    n = len(values)
    mean = math.fsum(values) / n if n else 0.0
    spread = math.fsum((v - mean) ** 2 for v in values)
    if n < 2 or spread == 0 or all(v in (0.0, 1.0) for v in values):
        return wilson(mean * n, n, level=level)
    half = t_quantile(level, n - 1) * math.sqrt(spread / (n - 1) / n)
    return max(0.0, mean - half), min(1.0, mean + half)


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation; 0 where there are fewer than two."""
    n = len(values)
    mean = math.fsum(values) / n if n else 0.0
    spread = math.fsum((v - mean) ** 2 for v in values)
    return mean, math.sqrt(spread / (n - 1)) if n > 1 else 0.0


def standardised(mean: float, deviation: float, n: int, *, level: float = 0.95) -> tuple[float, float, float]:
    """Cohen's d_z, the mean in standard deviations of the differences, with its large-sample interval."""
    d = mean / deviation
    half = z_of(level) * math.sqrt(1 / n + d * d / (2 * n))
    return d, d - half, d + half
