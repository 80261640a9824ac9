"""A logistic regression over hashed n-grams, of a text or of any stretch of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.guards.learned.ngrams import N_CHAR_BUCKETS, grams
from stepwell.guards.time_limit import in_time

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PORTION_CHARS = 65_536


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
        """Log-odds of each span by the n-grams that lie in it, repeats counted in full; one pass over the text.

        Args:
            spans: By rising start, none overlapping another.

        Raises:
            TimeoutError: As `in_time`.
        """
        import numpy as np

        scores = [self._of_portion(text, portion) for portion in _portions(spans)]
        return np.concatenate(scores) if scores else np.zeros(0)

    def _of_portion(self, text: str, spans: list[tuple[int, int]]) -> NDArray[np.float64]:
        import numpy as np

        in_time()
        # a word that reaches over an edge is seen to do so
        begun = max(0, spans[0][0] - 1)
        spans = [(start - begun, end - begun) for start, end in spans]
        found = grams(text[begun : begun + spans[-1][1] + 1])
        starts = np.array([s for s, _ in spans], dtype=np.int64)
        stops = np.array([e for _, e in spans], dtype=np.int64)
        span_of = np.searchsorted(starts, found.starts, side="right") - 1
        is_inside = (span_of >= 0) & (found.stops <= stops[np.maximum(span_of, 0)])
        scores = np.full(len(spans), self.bias)
        for of in (slice(0, found.n_chars), slice(found.n_chars, None)):
            kept = is_inside[of]
            buckets, places = found.buckets[of][kept], span_of[of][kept]
            rarity = self.rarity[buckets]
            sums = np.bincount(places, rarity * self.weights[buckets], minlength=len(spans))
            squares = np.bincount(places, rarity * rarity, minlength=len(spans))
            scores += np.where(squares > 0, sums / np.sqrt(np.maximum(squares, 1e-9)), 0.0)
        return scores


def _portions(spans: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Spans that lie near each other together: arrays of all n-grams of a long text would be huge."""
    first = 0
    for i, (_, end) in enumerate(spans):
        if end - spans[first][0] >= _PORTION_CHARS or i == len(spans) - 1:
            yield spans[first : i + 1]
            first = i + 1


def _over_length(total: float, square: float) -> float:
    return float(total / square**0.5) if square > 0 else 0.0
