"""How two texts' word pieces align: each piece with the nearest one of the other text (late interaction)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.memory.cache.verifier.sketch import Floats, Sketch

NAMES = (
    "late_max", "late_min", "late_idf_max", "late_idf_min", "late_worst_max", "late_worst_min", "late_gap_max",
    "late_gap_min", "late_two_max", "late_two_min", "same_piece_mean", "same_piece_min", "left_cosine", "centre_cosine",
)  # fmt: skip
NO_LATE = [float("nan")] * len(NAMES)
_FIRST_WORD = (
    1996  # in MiniLM's vocabulary words follow from here, the commonest first; before are signs and letters
)
_N_VOCABULARY = 30_522


@cache
def _rarities() -> Floats:
    rank = np.maximum(np.arange(_N_VOCABULARY + 1, dtype=np.float32) - _FIRST_WORD + 8, 2)
    made: Floats = np.where(np.arange(len(rank)) < _FIRST_WORD, 0.5, np.log(rank) - 1).astype(np.float32)
    return made


def rarity(pieces: NDArray[np.int32]) -> Floats:
    """What stands for the IDF of each piece, 0.5..9.3."""
    made: Floats = _rarities()[np.clip(pieces, 0, _N_VOCABULARY)]
    return made


def late(a: Sketch, b: Sketch) -> list[float]:
    """The features named in NAMES, in that order; NaN without vectors. The same when the two change places."""
    if a.vectors is None or b.vectors is None or a.pieces is None or b.pieces is None:
        return NO_LATE
    cosines = a.vectors @ b.vectors.T
    is_same = a.pieces[:, None] == b.pieces[None, :]
    wa, wb = rarity(a.pieces), rarity(b.pieces)
    x = _one_way(cosines, is_same, wa)
    y = _one_way(cosines.T, is_same.T, wb)
    made = [f(p, q) for p, q in zip(x[:5], y[:5], strict=True) for f in (max, min)]
    same = cosines[is_same]
    here = [float(same.mean()), min(x[5], y[5])] if len(same) else [float("nan")] * 2
    return [
        *made,
        *here,
        _left(a.vectors, b.vectors, is_same, wa, wb),
        _cosine(wa @ a.vectors, wb @ b.vectors),
    ]


def _one_way(cosines: Floats, is_same: NDArray[np.bool_], weight: Floats) -> tuple[float, ...]:
    best = cosines.max(axis=1)
    gap = (1 - best) * weight
    new = gap[~is_same.any(axis=1)]
    low = np.partition(best, 1)[:2] if len(best) > 1 else best
    kept = np.where(is_same, cosines, -2).max(axis=1)
    kept = kept[kept > -2]
    return (
        float(best.mean()),
        float(weight @ best / weight.sum()),
        float(low.min()),
        float(new.max()) if len(new) else 0.0,
        float(low.mean()),
        float(kept.min()) if len(kept) else -1.0,
    )


def _left(a: Floats, b: Floats, is_same: NDArray[np.bool_], wa: Floats, wb: Floats) -> float:
    """Cosine between what only one text has and what only the other has; NaN where one has nothing of its own."""
    x, y = ~is_same.any(axis=1), ~is_same.any(axis=0)
    if not x.any() or not y.any():
        return float("nan")
    return _cosine(wa[x] @ a[x], wb[y] @ b[y])


def _cosine(x: Floats, y: Floats) -> float:
    return float(x @ y / max(float(np.sqrt((x @ x) * (y @ y))), 1e-9))
