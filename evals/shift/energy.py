"""Energy distance: do two sets of vectors have one distribution?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Energy(msgspec.Struct, frozen=True):
    """Energy distance of two sets (Szekely & Rizzo 2013, J. Stat. Plan. Inference 143:1249).

    Attributes:
        share: Of the mean distance between the sets, 0 (one distribution) .. 1.
        chance: What sets of this size show with no shift.
        p: By permutation.
    """

    n_rows: int
    share: float
    chance: float
    p: float
    name: str = "vectors"
    adjusted_p: float = 1.0
    what: str = "vectors"

    @property
    def effect(self) -> float:
        """Over what chance gives, 0..1."""
        return max(0.0, self.share - self.chance)


def energy(
    reference: Floats, recent: Floats, *, max_rows: int = 700, n_permutations: int = 999, seed: int = 0
) -> Energy:
    """Compare vectors, shape (n, dim); of more than `max_rows` a side, so many by chance."""
    rng = np.random.default_rng(seed)
    a, b = (rows[rng.permutation(len(rows))[:max_rows]].astype(np.float32) for rows in (reference, recent))
    gaps = _distances(np.concatenate((a, b)))
    weights = np.repeat(np.array([1 / len(a), -1 / len(b)], np.float32), (len(a), len(b)))
    drawn = np.stack([weights, *(rng.permutation(weights) for _ in range(n_permutations))], axis=1)
    found = -(drawn * (gaps @ drawn)).sum(axis=0).astype(np.float64)
    between = 2 * float(gaps[: len(a), len(a) :].mean()) or 1.0
    return Energy(
        n_rows=len(a) + len(b),
        share=max(0.0, float(found[0])) / between,
        chance=max(0.0, float(found[1:].mean())) / between,
        p=float((1 + (found[1:] >= found[0]).sum()) / (1 + n_permutations)),
    )


def _distances(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    squares = (rows * rows).sum(axis=1)
    gaps: NDArray[np.float32] = np.sqrt(
        np.maximum(squares[:, None] + squares[None, :] - 2 * rows @ rows.T, 0.0)
    )
    np.fill_diagonal(gaps, 0.0)
    return gaps
