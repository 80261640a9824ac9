"""Vectors of turns, in one matrix that grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepwell.memory.context.recall.grown import Grown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class Rows:
    """A vector for each turn that has one; all are as wide as the first."""

    def __init__(self) -> None:
        self._held: Grown | None = None
        self._has = Grown(np.bool_)

    @property
    def n_bytes(self) -> int:
        return self._has.n_bytes + (self._held.n_bytes if self._held else 0)

    def set(self, place: int, vector: Floats) -> None:
        """Keep the vector of a turn, unless it is not as wide as the others."""
        if self._held is None:
            self._held = Grown(np.float32, len(vector))
        if len(vector) == self._held.width:
            self._held.put(place, vector)
            self._has.put(place, True)

    def has(self, n: int) -> NDArray[np.bool_]:
        """Which of the first n turns have a vector, shape (n,)."""
        made = np.zeros(n, dtype=np.bool_)
        held = self._has.rows[:n]
        made[: len(held)] = held
        return made

    def dots(self, vector: Floats, n: int) -> Floats | None:
        """Dot products of the first n turns with a vector, shape (n,); 0 where there is none.

        None where no vector is as wide.
        """
        if self._held is None or len(vector) != self._held.width:
            return None
        made = np.zeros(n, dtype=np.float32)
        rows = self._held.rows[:n]
        np.dot(rows, vector, out=made[: len(rows)])
        return made
