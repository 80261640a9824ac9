"""What heads say of rows that they have not seen: what mixes, curves and promises are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepwell.evals.tune.fitted import PLAIN, WITH_VECTOR, Choices, fit_all, join
from stepwell.evals.tune.stack import best_variants

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.examples import Examples, LearnOptions

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Crossed:
    """What heads said of rows that they had not seen.

    Attributes:
        folds: In which fold each row was held out, shape (n,).
        choices: The best variant of each head.
        means: Tiers' means of the rows that were seen, shape (n, k).
        heads: By name, as chosen, shape (n, k) each; those that read vectors only where there are some.
    """

    folds: Places
    choices: Choices
    means: Floats
    heads: dict[str, Matrix]

    def listed(self, *, with_vectors: bool) -> list[Matrix]:
        """The heads in the order in which a model mixes them."""
        return [self.heads[name] for name in (WITH_VECTOR if with_vectors else PLAIN)]


def crossfit(rows: Examples, options: LearnOptions, asks: Places, *, seed: int) -> Crossed:
    """Fit on all folds but one, predict that one; choose variants by what was predicted.

    Args:
        asks: Which of the distinct asks each row is, shape (n,): all rows of one are held out together.
    """
    n, k = rows.scores.shape
    folds = split(asks, options.n_folds, seed)
    said: dict[str, list[Matrix]] = {}
    means = np.zeros((n, k))
    for fold in range(options.n_folds):
        held = np.flatnonzero(folds == fold)
        fitted = fit_all(rows.take(np.flatnonzero(folds != fold)), options, seed=seed)
        found = fitted.say(rows.inputs.take(held))
        means[held] = fitted.means
        for name, variants in found.items():
            whole = said.setdefault(name, [np.zeros((n, k), np.float32) for _ in variants])
            for into, part in zip(whole, variants, strict=True):
                into[held] = part
    choices = {name: best_variants(v, rows.scores - means, rows.is_known) for name, v in said.items()}
    heads = {name: _chosen(name, variants, choices[name]) for name, variants in said.items()}
    return Crossed(folds, choices, means, heads)


def _chosen(name: str, variants: Sequence[Matrix], at: tuple[int, int]) -> Matrix:
    """Linear heads take level and contrast from different variants; the others one that is best for the contrast."""
    return join(variants[at[0]], variants[at[1]]) if name in ("words", "near") else variants[at[1]]


def split(asks: Places, n_folds: int, seed: int) -> Places:
    """In which fold each row is held out, shape (n,); rows of one ask (0, 1, ...) in the same."""
    n_asks = int(asks.max()) + 1
    folds: Places = np.random.default_rng(seed).permutation(np.arange(n_asks) % n_folds)[asks]
    return folds
