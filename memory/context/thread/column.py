"""A numpy array that grows at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Column:
    """Numbers of one type, one for each turn; adding one takes constant time."""

    def __init__(self, dtype: str) -> None:
        import numpy as np

        self._rows: NDArray[Any] = np.zeros(16, dtype=dtype)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def add(self, value: float) -> None:
        if self._n == len(self._rows):
            self._grow(2 * self._n)
        self._rows[self._n] = value
        self._n += 1

    def extend_to(self, n: int, value: float) -> None:
        """Fill up to `n` rows with one value."""
        if n > len(self._rows):
            self._grow(max(n, 2 * len(self._rows)))
        if n > self._n:
            self._rows[self._n : n] = value
            self._n = n

    def view(self) -> NDArray[Any]:
        """The rows as they are, shape (n,); writing into it writes into the column."""
        return self._rows[: self._n]

    def copy(self) -> Column:
        other = Column.__new__(Column)
        other._rows, other._n = self.view().copy(), self._n
        return other

    def _grow(self, size: int) -> None:
        import numpy as np

        rows = np.zeros(max(size, 16), dtype=self._rows.dtype)
        rows[: self._n] = self.view()
        self._rows = rows
