"""Where a rising function crosses 0."""

from __future__ import annotations

from collections.abc import Callable


def root(rising: Callable[[float], float], low: float, high: float, *, within: float = 1e-7) -> float:
    """A place of its crossing, by false position (Dowell & Jarratt 1971, BIT 11:168); an end where there is none."""
    at_low, at_high = rising(low), rising(high)
    if at_low >= 0 or at_high <= 0:
        return low if at_low >= 0 else high
    kept = 0
    for _ in range(100):
        if high - low <= within:
            break
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        value = rising(middle)
        if value == 0:
            return middle
        if value < 0:
            low, at_low = middle, value
            at_high, kept = (at_high / 2 if kept == -1 else at_high), -1
        else:
            high, at_high = middle, value
            at_low, kept = (at_low / 2 if kept == 1 else at_low), 1
    return (low + high) / 2
