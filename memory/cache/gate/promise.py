"""Whether the evidence supports the error budget, and the words for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Mode = Literal["shadow", "auto", "serve"]
State = Literal["shadow", "serving"]


@dataclass(frozen=True, slots=True)
class Change:
    """The gate began or stopped to serve."""

    old: State
    new: State
    why: str


@dataclass(frozen=True, slots=True)
class GateReport:
    """What is known about the promise.

    Attributes:
        state: "serving", or "shadow" where hits are only counted.
        n_judged: Verdicts that it rests on.
        n_hits_judged: Of those, requests that would be hits now.
        error: Estimated share of wrong hits, 0..1, after the judge's own errors; None before any verdict.
        error_low, error_high: Its 95 % interval.
        hit_share: Share of recent requests that would be hits, 0..1.
        cut: P(same) from which on they are; None where there is no such P.
        missing: What the promise still wants; "" where it is kept.
    """

    state: State
    n_judged: int
    n_hits_judged: int
    error: float | None
    error_low: float
    error_high: float
    hit_share: float
    cut: float | None
    missing: str


def bounds(n_wrong: float, n: float, *, z: float) -> tuple[float, float]:
    """Interval of a share (Wilson 1927, JASA 22:209)."""
    if n <= 0:
        return 0.0, 1.0
    p = n_wrong / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(max(0.0, p * (1 - p) / n + z * z / (4 * n * n)))
    return max(0.0, middle - half), min(1.0, middle + half)
