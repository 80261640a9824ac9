"""From sketches to features to log-odds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepwell.memory.cache.verifier.late import late
from stepwell.memory.cache.verifier.lexical import lexical
from stepwell.memory.cache.verifier.sketch import Sketch, make_sketch, read_sketch

if TYPE_CHECKING:
    from stepwell.memory.cache.verifier.model import Model
    from stepwell.memory.cache.verifier.sketch import Floats

__all__ = ["log_odds", "make_sketch", "pair_features", "scores"]

MAX_LOG_ODDS = 12.0


def log_odds(
    model: Model, query: bytes, cached: Sequence[bytes], similarities: Sequence[float]
) -> list[float]:
    """As `Verifier.log_odds`."""
    asked = read_sketch(query)
    made = [-MAX_LOG_ODDS] * len(cached)
    if asked is None:
        return made
    found = [(i, s) for i, c in enumerate(cached) if (s := read_sketch(c)) and not s.differs_unseen(asked)]
    if found:
        rows = pair_features(asked, [s for _, s in found], [similarities[i] for i, _ in found])
        for (i, _), score in zip(found, scores(model, rows).tolist(), strict=True):
            made[i] = score
    return made


def scores(model: Model, rows: Floats) -> Floats:
    """Calibrated log-odds of each row of features, shape (n,)."""
    slope, intercept, similarity = model.calibration[np.isnan(rows[:, -1]).astype(int)].T
    odds = slope * model.trees.sum(rows) + intercept + similarity * rows[:, 0]
    made: Floats = np.clip(odds, -MAX_LOG_ODDS, MAX_LOG_ODDS)
    return made


def pair_features(query: Sketch, cached: Sequence[Sketch], similarities: Sequence[float]) -> Floats:
    """`model.FEATURES` of each pair, shape (n, k), float32."""
    rows = [
        [cosine, *lexical(query.words, c.words), *late(query, c)]
        for c, cosine in zip(cached, similarities, strict=True)
    ]
    return np.array(rows, dtype=np.float32)
