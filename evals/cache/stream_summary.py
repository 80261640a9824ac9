"""What a replayed stream comes to: hits, errors, and how they grew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepwell.evals.cache.stream import StreamRow
from stepwell.evals.verdict.shares import wilson

STEP = 250
WARM = 500


@dataclass(frozen=True, slots=True)
class WarmUp:
    """One stretch of a stream.

    Attributes:
        n_to: Number of its last arrival.
        hit_share: Hits among its arrivals, 0..1.
        error: Wrong ones among its hits; None without a hit.
    """

    n_to: int
    hit_share: float
    error: float | None


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """A stream in figures. Error is always wrong hits / hits, 0..1, None without a hit.

    Attributes:
        n: Arrivals.
        n_exact: Of those, texts that had come before; they are no hits by meaning.
        n_hits, n_wrong: Served by meaning, and wrongly.
        n_shadow, n_shadow_wrong: The same of what would have been served, had the gate been serving.
        n_audits: Hits that went upstream for the judge.
        hit_rate: Hits / arrivals, the cold start included.
        error, error_low, error_high: With its 95 % interval (Wilson).
        n_hits_warm, error_warm: Of hits after the first 500 arrivals.
        warm_up: Every 250 arrivals.
    """

    n: int
    n_exact: int
    n_hits: int
    n_wrong: int
    n_shadow: int
    n_shadow_wrong: int
    n_audits: int
    hit_rate: float
    error: float | None
    error_low: float
    error_high: float
    n_hits_warm: int
    error_warm: float | None
    warm_up: tuple[WarmUp, ...]


def summarise(rows: Sequence[StreamRow]) -> StreamSummary:
    """Sum up the rows of one stream."""
    hits = [row for row in rows if row.status == "hit"]
    shadow = [row for row in rows if row.status == "shadow_hit"]
    n_wrong = sum(bool(row.was_wrong) for row in hits)
    low, high = wilson(n_wrong, len(hits))
    warm = [row for row in hits if row.n > WARM]
    return StreamSummary(
        n=len(rows),
        n_exact=sum(row.status == "exact" for row in rows),
        n_hits=len(hits),
        n_wrong=n_wrong,
        n_shadow=len(shadow),
        n_shadow_wrong=sum(bool(row.was_wrong) for row in shadow),
        n_audits=sum(row.status == "audit" for row in rows),
        hit_rate=len(hits) / len(rows) if rows else 0.0,
        error=share_wrong(hits),
        error_low=low,
        error_high=high,
        n_hits_warm=len(warm),
        error_warm=share_wrong(warm),
        warm_up=tuple(_stretch(rows[start : start + STEP]) for start in range(0, len(rows), STEP)),
    )


def share_wrong(hits: Sequence[StreamRow]) -> float | None:
    """Wrong hits / hits."""
    return sum(bool(row.was_wrong) for row in hits) / len(hits) if hits else None


def _stretch(rows: Sequence[StreamRow]) -> WarmUp:
    hits = [row for row in rows if row.status == "hit"]
    return WarmUp(rows[-1].n, len(hits) / len(rows), share_wrong(hits))
