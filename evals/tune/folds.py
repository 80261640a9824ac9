"""Which rows are held out together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]


def even_folds(scores: Floats, n_folds: int, *, seed: int = 0) -> Places:
    """In which fold each row is held out, every fold with about the same mix of scores, shape (n,).

    With folds drawn at random a fold with many failures is predicted by models that saw few: over all folds the
    ranking then looks worse than it is (APGR .01 to .03 on 1,000 labels). Not for stacked models: what the stack
    learns of a fold through the other folds' models then makes it look better than it is, and promises break.
    """
    tie = np.random.default_rng(seed).random(len(scores))
    order = np.lexsort((tie, scores[:, -1], scores[:, -1] - scores[:, 0]))
    folds = np.empty(len(scores), dtype=np.intp)
    folds[order] = np.arange(len(scores)) % n_folds
    return folds
