"""An array that grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

_FIRST = 64


class Grown:
    """Rows of one shape, added at the end; memory for half as many again is taken at once.

    Args:
        width: Of a row; 0: rows are single numbers.
    """

    def __init__(self, dtype: DTypeLike, width: int = 0) -> None:
        self.width = width
        self._held: NDArray[Any] = np.zeros((0, width) if width else 0, dtype=dtype)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    @property
    def n_bytes(self) -> int:
        return self._held.nbytes

    @property
    def rows(self) -> NDArray[Any]:
        """All rows; a view that the next `extend` may leave behind."""
        return self._held[: self._n]

    def extend(self, rows: NDArray[Any]) -> int:
        """Add rows; returns where they begin."""
        begin = self._n
        self._n += len(rows)
        if self._n > len(self._held):
            n = max(_FIRST, self._n, int(1.5 * len(self._held)))
            held = np.zeros((n, self.width) if self.width else n, dtype=self._held.dtype)
            held[:begin] = self._held[:begin]
            self._held = held
        self._held[begin : self._n] = rows
        return begin

    def put(self, place: int, row: Any) -> None:
        """Set one row, and add rows of zeros up to it where they are not there yet."""
        if place >= self._n:
            self.extend(np.zeros((place + 1 - self._n, *self._held.shape[1:]), dtype=self._held.dtype))
        self._held[place] = row
