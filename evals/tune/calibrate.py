"""From raw scores to probabilities, on rows that training has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepwell.router.learned.model import Curves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

N_KNOTS = 33
_MIN_ISOTONIC_ROWS = 200
_ISOTONIC_SHARE = 0.5
_SLACK = 0.5  # beyond the scores seen the line goes on as far as this
_PRIOR_ROWS = 10
_MIN_STEP = 1e-5  # between knots, so that none fall together


def fit_curves(raw: Floats, scores: Floats) -> Curves:
    """One rising curve a tier: a straight line, and from 200 labels half of it isotonic regression.

    The line keeps every curve strictly rising, so that no two scores tie.

    Args:
        raw, scores: Shape (n, k); a NaN score is left out.
    """
    knots = [_curve(raw[:, t], scores[:, t]) for t in range(raw.shape[1])]
    return Curves(
        np.stack([x for x, _ in knots]).astype(np.float32), np.stack([y for _, y in knots]).astype(np.float32)
    )


def _curve(raw: Floats, scores: Floats) -> tuple[Floats, Floats]:
    is_known = ~np.isnan(scores)
    x, y = raw[is_known], scores[is_known]
    if not len(x):
        return np.linspace(-1, 2, N_KNOTS), np.clip(np.linspace(-1, 2, N_KNOTS), 0, 1)
    knots = np.unique(np.quantile(x, np.linspace(0, 1, N_KNOTS - 2)))
    knots = np.interp(np.linspace(0, 1, N_KNOTS - 2), np.linspace(0, 1, len(knots)), knots)
    knots = np.concatenate([[knots[0] - _SLACK], knots, [knots[-1] + _SLACK]])
    knots += _MIN_STEP * np.arange(N_KNOTS)
    line = _line(x, y, knots)
    if len(x) >= _MIN_ISOTONIC_ROWS:
        stairs = isotonic(x, y, knots)
        line = (1 - _ISOTONIC_SHARE) * line + _ISOTONIC_SHARE * stairs
    return knots, np.clip(line, 0, 1)


def _line(x: Floats, y: Floats, at: Floats) -> Floats:
    """Least squares, its slope leaning on 1 and never falling."""
    off = x - x.mean()
    prior = _PRIOR_ROWS * max(float(off.var()), 1e-6)
    slope = (float(off @ (y - y.mean())) + prior) / (float(off @ off) + prior)
    made: Floats = y.mean() + max(slope, 0.05) * (at - x.mean())
    return made


def isotonic(x: Floats, y: Floats, at: Floats) -> Floats:
    """Isotonic regression (pool adjacent violators) of y on x, read off at `at`, straight between block centres."""
    order = np.argsort(x, kind="stable")
    sums: list[float] = []
    counts: list[int] = []
    centres: list[float] = []
    for place in order:
        sums.append(float(y[place]))
        counts.append(1)
        centres.append(float(x[place]))
        while len(sums) > 1 and sums[-2] * counts[-1] >= sums[-1] * counts[-2]:
            n, c, s = counts.pop(), centres.pop(), sums.pop()
            centres[-1] = (centres[-1] * counts[-1] + c * n) / (counts[-1] + n)
            counts[-1] += n
            sums[-1] += s
    stairs: Floats = np.interp(at, centres, np.array(sums) / np.array(counts))
    return stairs


def reliability(p_ok: Floats, scores: Floats, *, n_bins: int = 10) -> list[tuple[float, float, int]]:
    """Per tenth of the rows by rising p_ok: mean p_ok, mean score, rows; shapes (n,), a NaN score is left out."""
    is_known = ~np.isnan(scores)
    p, y = p_ok[is_known], scores[is_known]
    parts = np.array_split(np.argsort(p, kind="stable"), min(n_bins, max(len(p), 1)))
    return [(float(p[part].mean()), float(y[part].mean()), len(part)) for part in parts if len(part)]


def calibration_error(p_ok: Floats, scores: Floats) -> float:
    """Mean distance between p_ok and score over the tenths, weighted by rows."""
    bins = reliability(p_ok, scores)
    return sum(abs(p - y) * n for p, y, n in bins) / max(sum(n for *_, n in bins), 1)
