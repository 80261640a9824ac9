"""Vectors in one matrix that grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIRST = 64


class Rows:
    """A vector for each turn, where there is one; their width is that of the first."""

    def __init__(self) -> None:
        self._held: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self._has: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)

    @property
    def n_bytes(self) -> int:
        return self._held.nbytes + self._has.nbytes

    def set(self, place: int, vector: NDArray[np.float32]) -> bool:
        """Keep the vector of a turn; False where it is not as wide as the others."""
        if not self._held.shape[1]:
            self._held = np.zeros((0, len(vector)), dtype=np.float32)
        if len(vector) != self._held.shape[1]:
            return False
        if place >= len(self._held):
            self._grow(max(_FIRST, place + 1, int(1.5 * len(self._held))))
        self._held[place] = vector
        self._has[place] = True
        return True

    def has(self, n: int) -> NDArray[np.bool_]:
        """Which of the first n turns have a vector, shape (n,)."""
        made = np.zeros(n, dtype=np.bool_)
        m = min(n, len(self._has))
        made[:m] = self._has[:m]
        return made

    def dots(self, vector: NDArray[np.float32], n: int) -> NDArray[np.float32]:
        """Dot products of the first n turns with a vector, shape (n,); 0 where there is none."""
        made = np.zeros(n, dtype=np.float32)
        m = min(n, len(self._held))
        if m and len(vector) == self._held.shape[1]:
            np.dot(self._held[:m], vector, out=made[:m])
        return made

    def _grow(self, n: int) -> None:
        held = np.zeros((n, self._held.shape[1]), dtype=np.float32)
        held[: len(self._held)] = self._held
        has = np.zeros(n, dtype=np.bool_)
        has[: len(self._has)] = self._has
        self._held, self._has = held, has
