"""Exact binomial tails and intervals, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable

_N_HALVINGS = 60


def at_least(k: int, n: int, p: float) -> float:
    """P(X >= k) for X binomial with n draws of probability p, 0..1."""
    if k <= 0:
        return 1.0
    if k > n or p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    below = math.fsum(math.exp(_log_term(i, n, p)) for i in range(k))
    return min(1.0, max(0.0, 1 - below))


def interval(k: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share, never too narrow (Clopper & Pearson 1934, Biometrika 26:404); 0..1 where n is 0."""
    if n == 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else _solve(lambda p: at_least(k, n, p) < tail)
    high = 1.0 if k == n else _solve(lambda p: at_least(k + 1, n, p) < 1 - tail)
    return low, high


def _log_term(i: int, n: int, p: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
    return ways + i * math.log(p) + (n - i) * math.log1p(-p)


def _solve(is_below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_N_HALVINGS):
        middle = (low + high) / 2
        if is_below(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2
