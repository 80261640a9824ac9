"""What older turns say, for search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepwell.memory.context.recall.marks import vector_of
from stepwell.memory.context.recall.postings import Postings
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.recall.rows import Rows
from stepwell.memory.context.recall.words import terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class Index:
    """The turns of one conversation; grows only. Not thread-safe."""

    def __init__(self) -> None:
        self._postings = Postings()
        self._rows = Rows()
        self._speakers: list[str] = []

    def __len__(self) -> int:
        return len(self._speakers)

    @property
    def n_bytes(self) -> int:
        """Memory that it takes, about."""
        return self._postings.n_bytes + self._rows.n_bytes + 8 * len(self)

    def add(
        self, text: str, *, speaker: str = "", at_s: float = 0.0, n_tokens: int = 0, mark: bytes = b""
    ) -> int:
        """Add the next turn; returns its place, from 0.

        Args:
            text: All that was said, a photo's caption too.
            speaker: Name of who said it; "" where there are none but roles.
            at_s: Unix time, 0 where unknown.
            n_tokens: Its length, 0 where it was not counted.
            mark: As `embed_marks` made it; b"" where there is none (yet).
        """
        self._postings.add(terms(f"{speaker} {text}"))
        self._speakers.append(speaker.lower())
        place = len(self._speakers) - 1
        if mark:
            self.set_mark(place, mark)
        return place

    def set_mark(self, place: int, mark: bytes) -> None:
        """Give a turn the mark it did not have; one that can't be read is left out."""
        vector = vector_of(mark)
        if len(vector):
            self._rows.set(place, vector)

    def relevance(self, query: Query) -> Floats:
        """Probability that each turn is needed to answer, 0..1, shape (n,), float32."""
        n = len(self)
        if not n:
            return np.zeros(0, dtype=np.float32)
        asked = terms(query.text)
        scores = 0.5 * _standardised(self._postings.scores(asked))
        scores += 0.15 * _standardised(np.log1p(self._postings.lengths))
        if query.vector is not None:
            has = self._rows.has(n)
            dots = self._rows.dots(query.vector, n)
            scores[has] += 0.5 * _standardised(dots[has])
        scores = self._boosted(scores, asked)
        made: Floats = 1 / (1 + np.exp(np.clip(4.5 - 1.5 * scores, -30, 30)))
        return made.astype(np.float32)

    def _boosted(self, scores: Floats, asked: list[str]) -> Floats:
        named = {s for s in set(self._speakers) if s and not set(terms(s)).isdisjoint(asked)}
        if len(named) == 1:
            scores = scores + np.array([0.7 if s in named else 0.0 for s in self._speakers], dtype=np.float32)
        beside = np.zeros_like(scores)
        beside[1:] = np.maximum(beside[1:], scores[:-1])
        beside[:-1] = np.maximum(beside[:-1], scores[1:])
        made: Floats = scores + np.float32(0.4) * beside
        return made


def _standardised(values: Floats) -> Floats:
    if not len(values):
        return values
    made: Floats = (values - values.mean()) / max(float(values.std()), 1e-6)
    return made
