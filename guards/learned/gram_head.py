"""A logistic regression over hashed n-grams, of a text or of any stretch of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.guards.learned.ngrams import N_CHAR_BUCKETS, grams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class GramHead:
    """Sublinear counts times rarity, characters and words each of length one, times weights.

    Attributes:
        weights: One for each bucket, shape (N_BUCKETS,), float32.
        rarity: Inverse document frequency of each bucket, shape (N_BUCKETS,), float32.
    """

    weights: NDArray[np.float32]
    rarity: NDArray[np.float32]
    bias: float

    def score(self, text: str) -> float:
        """Log-odds of the text as a whole."""
        import numpy as np

        buckets, counts = np.unique(grams(text).buckets, return_counts=True)
        values = (1 + np.log(counts)) * self.rarity[buckets]
        n_chars = int(np.searchsorted(buckets, N_CHAR_BUCKETS))
        parts = values * self.weights[buckets], values * values
        return self.bias + sum(
            _over_length(float(parts[0][of].sum()), float(parts[1][of].sum()))
            for of in (slice(0, n_chars), slice(n_chars, None))
        )

    def of_spans(self, text: str, spans: list[tuple[int, int]]) -> NDArray[np.float64]:
        """Log-odds of each span by the n-grams that begin in it, repeats counted in full; one pass over the text."""
        import numpy as np

        found = grams(text)
        starts = np.array([s for s, _ in spans], dtype=np.int64)
        stops = np.array([e for _, e in spans], dtype=np.int64)
        scores = np.full(len(spans), self.bias)
        for of in (slice(0, found.n_chars), slice(found.n_chars, None)):
            buckets, places = found.buckets[of], found.starts[of]
            rarity = self.rarity[buckets]
            sums = _between(places, rarity * self.weights[buckets], len(text), starts, stops)
            squares = _between(places, rarity * rarity, len(text), starts, stops)
            scores += np.where(squares > 0, sums / np.sqrt(np.maximum(squares, 1e-9)), 0.0)
        return scores


def _over_length(total: float, square: float) -> float:
    return float(total / square**0.5) if square > 0 else 0.0


def _between(
    places: NDArray[np.int64],
    values: NDArray[np.float32],
    n_chars: int,
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Sum of the values that lie between each start and stop."""
    import numpy as np

    sums = np.zeros(n_chars + 1)
    np.cumsum(np.bincount(places, values, minlength=n_chars), out=sums[1:])
    return np.asarray(sums[stops] - sums[starts])
