"""What is told apart: every request as one row of comparable numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepwell.router.traits import TRAITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.shift.traffic import Traffic

    Floats = NDArray[np.float64]

_MOST_DEVIATIONS = 5.0


def rows_of(traffic: Traffic, *, with_vectors: bool) -> Floats:
    """Traits, router's need and the vector, shape (n, f); not scaled, NaN where unknown."""
    columns = [traffic.numbers[name] for name in (*TRAITS, "need") if name in traffic.numbers]
    table = np.stack(columns, axis=1) if columns else np.zeros((traffic.n, 0))
    if with_vectors and traffic.vectors is not None:
        return np.concatenate((table, traffic.vectors), axis=1)
    return table


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
