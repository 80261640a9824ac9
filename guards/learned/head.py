"""A learned head: what n-grams and the embedding say of a text, as one score from 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from stepwell.guards.learned.gram_head import GramHead
from stepwell.guards.learned.windows import ends

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class VectorHead:
    """A small network over an embedding: linear layers with max(0, x) between; one layer is a logistic regression.

    Attributes:
        layers: Weights, shape (n in, n out), and biases, shape (n out,), float32; the last one gives one number.
    """

    layers: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]

    def score(self, vector: NDArray[np.float32]) -> float:
        """Log-odds for one embedding, shape (dim,)."""
        return float(self.scores(vector[None, :])[0])

    def scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log-odds for embeddings, shape (n, dim)."""
        import numpy as np

        values = vectors
        for i, (weights, bias) in enumerate(self.layers):
            values = (np.maximum(values, 0) if i else values) @ weights + bias
        return values[:, 0]


@dataclass(frozen=True, slots=True)
class Mix:
    """How the parts add up to log-odds: `bias + grams * n-gram score + vector * embedding's score`."""

    grams: float
    vector: float
    bias: float


@dataclass(frozen=True, slots=True)
class Scale:
    """A rising broken line from log-odds to the score that is reported, so that different heads share thresholds.

    Attributes:
        log_odds: Rising corners.
        scores: The score at each, rising, 0..1. Before the first and after the last the line goes on as a logistic.
    """

    log_odds: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()

    def score(self, log_odds: float) -> float:
        """0..1, rising with `log_odds`."""
        if not self.log_odds or log_odds <= self.log_odds[0]:
            return logistic(log_odds + (_logit(self.scores[0]) - self.log_odds[0] if self.log_odds else 0.0))
        if log_odds >= self.log_odds[-1]:
            return logistic(log_odds + _logit(self.scores[-1]) - self.log_odds[-1])
        i = next(i for i, corner in enumerate(self.log_odds) if corner > log_odds)
        share = (log_odds - self.log_odds[i - 1]) / (self.log_odds[i] - self.log_odds[i - 1])
        return self.scores[i - 1] + share * (self.scores[i] - self.scores[i - 1])


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """One question that was learned from labelled texts.

    Attributes:
        alone: Scale and mix where there is no embedding.
        together: The same where there is one; None for a head that reads none.
        thresholds: Budget of false blocks -> least score that counts, on honest traffic never seen.
        within: Scale for the worst piece of a longer text, in place of the one for the whole; None where none is read.
    """

    grams: GramHead
    alone: tuple[Mix, Scale]
    vector: VectorHead | None = None
    together: tuple[Mix, Scale] | None = None
    thresholds: Mapping[float, float] = field(default_factory=dict)
    within: Scale | None = None

    def score(self, text: str, vector: NDArray[np.float32] | None = None) -> float:
        """How surely the answer is yes, 0..1.

        Args:
            text: Its beginning and end are read where it is long.
            vector: Its embedding, shape (dim,), if known.
        """
        by_vector = self.vector.score(vector) if vector is not None and self.vector is not None else None
        return self.scored(self.grams.score(ends(text)), by_vector)

    def scored(self, by_grams: float, by_vector: float | None) -> float:
        """The score, 0..1, from what the parts said; their log-odds."""
        if by_vector is None or self.together is None:
            mix, scale = self.alone
            return scale.score(mix.bias + mix.grams * by_grams)
        mix, scale = self.together
        return scale.score(mix.bias + mix.grams * by_grams + mix.vector * by_vector)

    def scored_within(self, by_grams: float) -> float:
        """The score, 0..1, of a text whose worst piece's n-grams say so much; 0 where the head reads no pieces."""
        mix = self.alone[0]
        return 0.0 if self.within is None else self.within.score(mix.bias + mix.grams * by_grams)

    def threshold(self, false_blocks: float) -> float:
        """The careful one for a budget, 0..1: between known budgets in proportion to their logarithms.

        A budget below the smallest known one gets that one's threshold half-way to 1 for each halving.
        """
        known = sorted(self.thresholds.items())
        if not known:
            return 0.5
        budget = max(false_blocks, 1e-6)
        if budget <= known[0][0]:
            return 1 - (1 - known[0][1]) * budget / known[0][0]
        for (low, above), (high, below) in pairwise(known):
            if budget <= high:
                share = math.log(budget / low) / math.log(high / low)
                return above + share * (below - above)
        return known[-1][1]


def logistic(log_odds: float) -> float:
    """0..1; never overflows."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    grown = math.exp(max(log_odds, -700.0))
    return grown / (1 + grown)


def _logit(score: float) -> float:
    inside = min(max(score, 1e-6), 1 - 1e-6)
    return math.log(inside / (1 - inside))
