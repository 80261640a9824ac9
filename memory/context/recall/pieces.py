"""Word pieces of turns, and how well those of a question are met among them (late interaction).

After ColBERT (Khattab & Zaharia 2020): each piece of the question with the nearest piece of a turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepwell.memory.context.recall.grown import Grown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class Pieces:
    """Small vectors of each turn's pieces, in any order of turns."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._held = Grown(np.int8, width)
        self._begin = Grown(np.int64)
        self._count = Grown(np.int32)

    @property
    def n_bytes(self) -> int:
        return self._held.n_bytes + self._begin.n_bytes + self._count.n_bytes

    def set(self, place: int, pieces: bytes) -> None:
        """Keep the pieces of a turn, unless it has some, or these are not whole rows."""
        if not pieces or len(pieces) % self._width or (place < len(self._count) and self._count.rows[place]):
            return
        rows = np.frombuffer(pieces, dtype=np.int8).reshape(-1, self._width)
        self._begin.put(place, self._held.extend(rows))
        self._count.put(place, len(rows))

    def held(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of `places` that have pieces."""
        counts = self._count.rows
        places = places[places < len(counts)]
        return places[counts[places] > 0]

    def nearest(self, places: NDArray[np.int64], question: Floats) -> Floats:
        """Cosine of each piece of the question with the nearest one of each turn, shape (len(places), n pieces).

        Args:
            places: Turns that have pieces, at least one.
        """
        counts = self._count.rows[places].astype(np.int64)
        ends = np.cumsum(counts)
        begins = ends - counts
        rows = np.repeat(self._begin.rows[places] - begins, counts) + np.arange(ends[-1])
        cosines = question @ self._held.rows[rows].astype(np.float32).T
        made: Floats = np.maximum.reduceat(cosines, begins, axis=1).T
        return made
