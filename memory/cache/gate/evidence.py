"""What the gate remembers: verdicts to learn from, and how requests look of late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Judged requests, oldest first.

    Attributes:
        rows: Features after a leading 1, shape (n, d).
        is_same: 0..1, as in Judgement; shape (n,).
        p_same: As the gate had said before the verdict, shape (n,).
        was_hit: 1 where it was a hit, or would have been one had the gate served; shape (n,).
        counts: How many requests each stands for, shape (n,).
    """

    rows: NDArray[np.float64]
    is_same: NDArray[np.float64]
    p_same: NDArray[np.float64]
    was_hit: NDArray[np.float64]
    counts: NDArray[np.float64]

    def counted(self, counts: NDArray[np.float64]) -> Verdicts:
        return replace(self, counts=counts)


class Ring:
    """The last rows of numbers, of a fixed width; safe to read from another thread."""

    def __init__(self, n_rows: int, width: int) -> None:
        import numpy as np

        self._rows = np.zeros((n_rows, width))
        self._n_seen = 0
        self._n_kept = 0
        self._lock = Lock()

    def add(self, row: Sequence[float]) -> None:
        with self._lock:
            self._rows[self._n_seen % len(self._rows)] = row
            self._n_seen += 1
            self._n_kept = min(self._n_kept + 1, len(self._rows))

    def keep_last(self, n: int) -> None:
        """Forget all but the last `n`."""
        with self._lock:
            self._n_kept = min(self._n_kept, n)

    def all(self) -> NDArray[np.float64]:
        """A copy, oldest first, shape (n, width)."""
        import numpy as np

        with self._lock:
            at = np.arange(self._n_seen - self._n_kept, self._n_seen) % len(self._rows)
            return self._rows[at]


class Evidence:
    """The last verdicts and the last requests. Old ones fall out: traffic drifts."""

    def __init__(self, width: int, *, n_verdicts: int, n_requests: int) -> None:
        self._width = width
        self._verdicts = Ring(n_verdicts, width + 4)
        self._requests = Ring(n_requests, width)

    def seen(self, row: Sequence[float]) -> None:
        """Remember a request, judged or not."""
        self._requests.add(row)

    def judged(
        self, row: Sequence[float], *, is_same: float, p_same: float, was_hit: bool, count: float
    ) -> None:
        self._verdicts.add((*row, is_same, p_same, float(was_hit), count))

    def keep_last(self, n: int) -> None:
        """Forget all verdicts but the last `n`."""
        self._verdicts.keep_last(n)

    def verdicts(self) -> Verdicts:
        rows = self._verdicts.all()
        return Verdicts(rows[:, : self._width], *rows[:, self._width :].T)

    def requests(self) -> NDArray[np.float64]:
        """Shape (n, d)."""
        return self._requests.all()
