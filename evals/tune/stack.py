"""Bring the heads together: which variant of each, how much of each, and what probability that makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepwell.evals.tune.calibrate import fit_curves
from stepwell.router.learned.heads import Mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.router.learned.model import Curves

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]

_MIX_PRIOR = 0.1  # of the heads' own spread


def best_variants(said: Sequence[Matrix], gains: Floats, is_known: NDArray[np.bool_]) -> tuple[int, int]:
    """Which variant predicts the level best, and which the contrast; each has shape (n, k)."""
    whole = is_known.all(axis=1)
    rows = whole if whole.any() else np.ones(len(gains), bool)
    true = gains[rows]
    level = [float(((s[rows] - true).mean(axis=1) ** 2).mean()) for s in said]
    contrast = [float(((contrast_of(s[rows]) - contrast_of(true)) ** 2).mean()) for s in said]
    return int(np.argmin(level)), int(np.argmin(contrast))


def contrast_of(values: Floats | Matrix) -> Floats:
    """How the tiers differ on each row."""
    made: Floats = values - values.mean(axis=1, keepdims=True)
    return made


def fit_mix(heads: Sequence[Matrix], gains: Floats) -> Mix:
    """Weights >= 0 of the heads by least squares, leaning on equal ones, for the level and for the contrast.

    Stacking as in Breiman, Stacked Regressions (1996).
    """
    level = np.stack([h.mean(axis=1) for h in heads], axis=1)
    contrast = np.stack([contrast_of(h).ravel() for h in heads], axis=1)
    return Mix(_weights(level, gains.mean(axis=1)), _weights(contrast, contrast_of(gains).ravel()))


def _weights(said: Floats | Matrix, true: Floats) -> Matrix:
    from scipy.optimize import nnls

    x = said.astype(np.float64)
    n_heads = x.shape[1]
    lean = np.sqrt(_MIX_PRIOR * float((x**2).sum()) / n_heads) * np.eye(n_heads)
    made = nnls(np.vstack([x, lean]), np.concatenate([true, lean.sum(axis=1) / n_heads]))[0]
    return np.asarray(made, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Top:
    """How the heads come together.

    Attributes:
        p_ok: Of rows unseen by heads, mix and curves alike, shape (n, k).
    """

    mix: Mix
    curves: Curves
    p_ok: Floats


def fit_top(heads: Sequence[Matrix], means: Floats, scores: Floats, filled: Floats, folds: Places) -> Top:
    """Fit mix and curves on all rows; for p_ok, on the other folds.

    Args:
        heads: What each head says of rows that it has not seen, shape (n, k) each.
        means: The tiers' means that this is counted from, shape (n, k).
        scores, filled: Shape (n, k), with NaN and without.
    """
    p_ok = np.zeros_like(filled)
    for fold in np.unique(folds):
        held = np.flatnonzero(folds == fold)
        mix, curves = _fit_part(heads, means, scores, filled, np.flatnonzero(folds != fold))
        p_ok[held] = curves.of((means[held] + mix.of([h[held] for h in heads])).astype(np.float32))
    return Top(*_fit_part(heads, means, scores, filled, np.arange(len(filled))), p_ok)


def _fit_part(
    heads: Sequence[Matrix], means: Floats, scores: Floats, filled: Floats, places: Places
) -> tuple[Mix, Curves]:
    part = [h[places] for h in heads]
    mix = fit_mix(part, (filled - means)[places])
    return mix, fit_curves(means[places] + mix.of(part), scores[places])
