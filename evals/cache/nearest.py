"""Nearest vectors among those added so far, by brute force."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Nearest:
    """L2-normalised vectors, numbered as they come."""

    def __init__(self, dim: int) -> None:
        import numpy as np

        self._rows = np.zeros((256, dim), dtype=np.float32)
        self.n = 0

    def add(self, vector: NDArray[np.float32]) -> None:
        import numpy as np

        if self.n == len(self._rows):
            self._rows = np.concatenate((self._rows, np.zeros_like(self._rows)))
        self._rows[self.n] = vector
        self.n += 1

    def similarities(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine with each row, shape (n,)."""
        return self._rows[: self.n] @ vector

    def top(self, vector: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """(row, cosine), nearest first, `k` or as many as there are."""
        import numpy as np

        cosines = self.similarities(vector)
        k = min(k, self.n)
        found = np.argpartition(-cosines, k - 1)[:k] if k else np.zeros(0, dtype=np.intp)
        return [(int(i), float(cosines[i])) for i in found[np.argsort(-cosines[found])]]
