"""What is told apart: every request as one row of comparable numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepwell.evals.shift.traffic import NEED
from stepwell.router.traits import TRAITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.shift.traffic import Traffic

    Floats = NDArray[np.float64]

_MOST_DEVIATIONS = 5.0
_LEAST_KNOWN = 0.9  # what is often missing on one side alone would tell the sides apart by that


def shared_rows(a: Traffic, b: Traffic) -> tuple[Floats, Floats]:
    """Traits and the router's need, as far as both sides know them, shape (n, f) each; NaN where unknown."""
    names = [n for n in (*TRAITS, NEED) if min(_known_share(a, n), _known_share(b, n)) >= _LEAST_KNOWN]
    found = [np.stack([t.numbers[n] for n in names], axis=1) if names else np.zeros((t.n, 0)) for t in (a, b)]
    return found[0], found[1]


def shared_vectors(a: Traffic, b: Traffic) -> tuple[Floats, Floats] | None:
    """Both sides' vectors; None where they are not all there, or of different widths."""
    if a.vectors is None or b.vectors is None or a.vectors.shape[1] != b.vectors.shape[1]:
        return None
    return a.vectors, b.vectors


def _known_share(traffic: Traffic, name: str) -> float:
    return float(1 - np.isnan(traffic.numbers[name]).mean()) if name in traffic.numbers else 0.0


def scaled(rows: Floats, by: Floats) -> Floats:
    """Columns in standard deviations of `by`, cut at +-5; unknown ones stand at its mean."""
    known = by[:, ~np.isnan(by).all(axis=0)], rows[:, ~np.isnan(by).all(axis=0)]
    mean, spread = np.nanmean(known[0], axis=0), np.nanstd(known[0], axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    cut: Floats = np.clip((known[1] - mean) / spread, -_MOST_DEVIATIONS, _MOST_DEVIATIONS)
    return np.nan_to_num(cut)


def unlikeness(rows: Floats, known: Floats, *, n_batch: int = 1024) -> Floats:
    """Distance to the nearest of `known`, shape (n,)."""
    squares = (known * known).sum(axis=1)
    found = np.empty(len(rows))
    for at in range(0, len(rows), n_batch):
        some = rows[at : at + n_batch]
        gaps = (some * some).sum(axis=1)[:, None] + squares[None, :] - 2 * some @ known.T
        found[at : at + n_batch] = np.sqrt(np.maximum(gaps.min(axis=1), 0.0))
    return found
