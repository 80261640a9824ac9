"""Student's t and the normal distribution, in plain Python."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

from stepwell.evals.verdict.roots import root

_NORMAL = NormalDist()
_TINY = 1e-300


def normal_quantile(share: float) -> float:
    """The z that a share 0..1 of the normal distribution lies under; infinite at 0 and 1."""
    if 0 < share < 1:
        return _NORMAL.inv_cdf(share)
    return math.inf if share >= 1 else -math.inf


def normal_tail(z: float) -> float:
    """P(|Z| >= z), exact far out, too."""
    return math.erfc(abs(z) / math.sqrt(2))


def z_of(level: float) -> float:
    """The z with P(|Z| < z) = level."""
    return -normal_quantile((1 - level) / 2)


def t_tail(t: float, df: float) -> float:
    """P(|T| >= t) of Student's t, for any df > 0, whole or not (Abramowitz & Stegun 26.7.1)."""
    if math.isinf(t):
        return 0.0
    return _incomplete_beta(df / (df + t * t), df / 2, 0.5)


@lru_cache(maxsize=4096)
def t_quantile(level: float, df: float) -> float:
    """The t with P(|T| < t) = level."""
    high = 1.0
    while t_tail(high, df) > 1 - level and high < 1e12:
        high *= 2
    return root(lambda t: 1 - level - t_tail(t, df), 0.0, high, within=1e-12 * high)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised, I_x(a, b); its continued fraction converges fast on the side of the mean."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1) / (a + b + 2):
        return math.exp(front) * _fraction(x, a, b) / a
    return 1 - math.exp(front) * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Abramowitz & Stegun 26.5.8, evaluated from the front (Lentz 1976, Applied Optics 15:668)."""
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
