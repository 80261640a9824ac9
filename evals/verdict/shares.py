"""Rights and wrongs: one share, and two shares on the same rows."""

from __future__ import annotations

import math

from stepwell.evals.verdict.student import z_of


def wilson(n_right: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share (Wilson 1927, JASA 22:209); 0..1 where n is 0."""
    if n == 0:
        return 0.0, 1.0
    z = z_of(level)
    p = n_right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # at 0 and 1 the bound is exactly there, which the roots miss by a rounding
    return max(0.0, middle - half) if p > 0 else 0.0, min(1.0, middle + half) if p < 1 else 1.0


def mcnemar(n_only_a: int, n_only_b: int) -> float:
    """Two-sided exact p of McNemar's test on discordant pairs (binomial, 1/2; Psychometrika 1947, 12:153)."""
    n, k = n_only_a + n_only_b, min(n_only_a, n_only_b)
    log_chance = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
    term = total = 1.0
    for i in range(k, 0, -1):  # downwards from k the chances only shrink
        term *= i / (n - i + 1)
        total += term
        if term < 1e-17 * total:
            break
    return min(1.0, 2 * math.exp(log_chance) * total)


def tango(n_only_a: int, n_only_b: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Score interval of the difference of two shares on the same n rows (Tango 1998, Stat. Med. 17:891)."""
    if n == 0:
        return -1.0, 1.0
    return _lower(n_only_a, n_only_b, n, level), -_lower(n_only_b, n_only_a, n, level)


def odds_ratio(n_only_a: int, n_only_b: int, *, level: float = 0.95) -> tuple[float, float, float]:
    """Matched odds ratio and its interval, by Wilson's for a's share of what differs; infinite where b has none.

    Fagerland, Lydersen & Laake 2014 (Stat. Med. 33:2850) measured it as the best of the short ones.
    """
    n = n_only_a + n_only_b
    low, high = wilson(n_only_a, n, level=level)
    return _odds(n_only_a / n if n else 0.5), _odds(low), _odds(high)


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf


def score(n_only_a: float, n_only_b: float, n: int, difference: float) -> tuple[float, float]:
    """Standard errors between what was seen and a difference, and that error, the rest at its likeliest under it."""
    linear = -n_only_a - n_only_b + (2 * n - n_only_a + n_only_b) * difference
    constant = -n_only_b * difference * (1 - difference)
    likeliest = (math.sqrt(max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
    error = math.sqrt(max(0.0, n * (2 * likeliest + difference * (1 - difference)))) / n
    gap = (n_only_a - n_only_b) / n - difference
    if error == 0:
        return (math.copysign(math.inf, gap) if gap else 0.0), 0.0
    return gap / error, error


def _lower(b: int, c: int, n: int, level: float) -> float:
    """The least difference that b against c wins do not speak against."""
    z = z_of(level)
    low, high = -1.0, (b - c) / n
    for _ in range(60):
        middle = (low + high) / 2
        if score(b, c, n, middle)[0] > z:
            low = middle
        else:
            high = middle
    return low
