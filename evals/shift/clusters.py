"""Topics: clusters of vectors that both stretches share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_N_ROUNDS = 12
_ROWS_A_CLUSTER = 40


def topics(
    reference: Floats, recent: Floats, *, max_topics: int = 16, seed: int = 0
) -> tuple[list[str], list[str]]:
    """The cluster of each vector, by k-means over both sides at once: it doesn't know which side a row is of."""
    rows = np.concatenate((reference, recent))
    k = min(max_topics, max(2, len(rows) // _ROWS_A_CLUSTER))
    rng = np.random.default_rng(seed)
    centres = rows[rng.choice(len(rows), size=min(k, len(rows)), replace=False)]
    for _ in range(_N_ROUNDS):
        own = _nearest(rows, centres)
        centres = np.stack([_mean(rows[own == c], centres[c]) for c in range(len(centres))])
    names = [f"topic {c + 1}" for c in _nearest(rows, centres)]
    return names[: len(reference)], names[len(reference) :]


def _nearest(rows: Floats, centres: Floats) -> NDArray[np.intp]:
    gaps = (centres * centres).sum(axis=1)[None, :] - 2 * rows @ centres.T
    return np.asarray(gaps.argmin(axis=1))


def _mean(rows: Floats, otherwise: Floats) -> Floats:
    return np.asarray(rows.mean(axis=0)) if len(rows) else otherwise
