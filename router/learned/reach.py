"""How far from a tier's own known requests an ask may lie and still be of their kind.

Novelty asks whether an ask is of any known kind; beside kinds that lie very close, one that is far from a wider one
passes. A tier that was scored on one kind alone needs the narrower question.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from stepwell.router.learned.novelty import nearest_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.router.learned.bundle import Bundle
    from stepwell.router.learned.model import Vectorial

    Places = NDArray[np.intp]

_SHARE = 0.98  # of its own known requests, each seen from the others


def reaches_of(bundle: Bundle) -> list[float]:
    """By tier the largest mean squared distance to the nearest known requests; inf where it was scored on all."""
    is_scored, known = ~np.isnan(bundle.known.scores), bundle.model.vectorial
    if known is None:
        return [math.inf] * is_scored.shape[1]
    return [
        math.inf if column.all() or not column.any() else _reach(known, np.flatnonzero(column))
        for column in is_scored.T
    ]


def _reach(known: Vectorial, own: Places) -> float:
    squared = known.squared(known.memory[own])
    squared[np.arange(len(own)), own] = np.inf
    return float(np.quantile(nearest_of(squared)[1], _SHARE))
