"""Tell two stretches of traffic apart by a line through all features at once."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.evals.shift.effects import NumberShift, auc_of, number_shift

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TOGETHER = "all features together"


class Sums:
    """What a discriminant needs of one side's rows, taken row by row."""

    def __init__(self, n_features: int) -> None:
        self.n = 0.0
        self._sum = np.zeros(n_features)
        self._products = np.zeros((n_features, n_features))

    def fade(self, share: float) -> None:
        """Let what was taken so far count for this share of what it did."""
        self.n *= share
        self._sum *= share
        self._products *= share

    def add(self, rows: Floats) -> None:
        """Take rows, shape (n, f)."""
        self.n += len(rows)
        self._sum += rows.sum(axis=0)
        self._products += rows.T @ rows

    @property
    def mean(self) -> Floats:
        return self._sum / max(1.0, self.n)

    @property
    def scatter(self) -> Floats:
        """Sum of squares about the mean, shape (f, f)."""
        mean = self.mean
        scatter: Floats = self._products - self.n * np.outer(mean, mean)
        return scatter


def direction(low: Sums, high: Sums) -> Floats:
    """Fisher's discriminant, shape (f,): rows of `high` score higher.

    The covariance is drawn to a multiple of the identity, the more the fewer rows there are.
    """
    n, n_features = low.n + high.n, len(low.mean)
    covariance = (low.scatter + high.scatter) / max(1.0, n - 2)
    weight = n_features / (n_features + n)
    level = float(np.trace(covariance)) / n_features + 1e-9
    shrunk = (1 - weight) * covariance + weight * level * np.eye(n_features)
    return np.asarray(np.linalg.solve(shrunk, high.mean - low.mean), dtype=np.float64)


def crossfitted(low: Floats, high: Floats, *, n_folds: int = 5, seed: int = 0) -> tuple[Floats, Floats]:
    """Scores of each row by a discriminant that never saw it, as ranks within its fold, 0..1."""
    rng = np.random.default_rng(seed)
    folds = [rng.permutation(len(rows)) % n_folds for rows in (low, high)]
    scores = [np.zeros(len(low)), np.zeros(len(high))]
    for fold in range(n_folds):
        sums = [Sums(low.shape[1]) for _ in range(2)]
        for side, rows in enumerate((low, high)):
            sums[side].add(rows[folds[side] != fold])
        line = direction(*sums)
        held = [rows[folds[side] == fold] @ line for side, rows in enumerate((low, high))]
        ranks = _ranks(np.concatenate(held))
        scores[0][folds[0] == fold], scores[1][folds[1] == fold] = (
            ranks[: len(held[0])],
            ranks[len(held[0]) :],
        )
    return scores[0], scores[1]


def together(reference: Floats, recent: Floats, *, n_shuffles: int = 60, seed: int = 0) -> NumberShift | None:
    """How well a discriminant tells rows that it never saw (Lopez-Paz & Oquab 2017, arXiv:1610.06545).

    Folds share rows, so the p is that of the AUC among AUCs of shuffled rows, by their mean and spread; one-sided.
    """
    shift = number_shift(TOGETHER, *crossfitted(reference, recent, seed=seed))
    if shift is None:
        return None
    rng, rows, n = np.random.default_rng(seed), np.concatenate((reference, recent)), len(reference)
    drawn = []
    for _ in range(n_shuffles):
        mixed = rng.permutation(rows)
        drawn.append(auc_of(*crossfitted(mixed[:n], mixed[n:], seed=seed))[0])
    spread = float(np.std(drawn, ddof=1)) or 1.0
    p = NormalDist().cdf(-(shift.auc - float(np.mean(drawn))) / spread)
    return msgspec.structs.replace(shift, p=p, what="together")


def reduced(rows: Floats, *, n_left: int = 24) -> Floats:
    """The directions in which rows vary most, shape (n, n_left or fewer)."""
    middled = rows - rows.mean(axis=0)
    _, directions = np.linalg.eigh(middled.T @ middled)
    found: Floats = middled @ directions[:, ::-1][:, :n_left]
    return found


def _ranks(values: Floats) -> Floats:
    _, group, size = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(size) - (size - 1) / 2
    ranks: Floats = middle[group] / (len(values) + 1)
    return ranks
