"""From values to pixels, with round ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Linear, from values to pixels."""

    lo: float
    hi: float
    start_px: float
    end_px: float

    def __call__(self, value: float) -> float:
        span = (self.hi - self.lo) or 1.0
        return round(self.start_px + (value - self.lo) / span * (self.end_px - self.start_px), 1)

    def ticks(self, n: int) -> list[float]:
        """Round values inside, about n of them."""
        raw = (self.hi - self.lo) / max(n, 1) or 1.0
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(m * unit for m in (1, 2, 2.5, 5, 10) if m * unit >= raw * 0.999)
        first = math.ceil(self.lo / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.hi / step + 1e-9) + 1)]


def alike(ticks: Sequence[float]) -> list[str]:
    """Ticks with as many digits as the longest of them needs."""
    digits = max((len(f"{t:.6f}".rstrip("0").partition(".")[2]) for t in ticks), default=0)
    return [f"{t:.{digits}f}" for t in ticks]
