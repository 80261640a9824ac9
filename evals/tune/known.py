"""Learn to tell known kinds of asks from new ones, by leaving out whole kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepwell.router.learned.novelty import Ground, Novelty, nearest_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]

_RIDGE = 0.01
_MAX_PARTS = 8
_N_AXES = 64
_N_QUANTILES = 201


def fit_ground(both: Matrix, kinds: Places, memory: Places) -> Ground:
    """Centres and the shared covariance of the kinds; `memory` are the places of the rows that are remembered."""
    _, of, n_of = np.unique(kinds, return_inverse=True, return_counts=True)
    x = both.astype(np.float64)
    centres = np.zeros((len(n_of), x.shape[1]))
    np.add.at(centres, of, x)
    centres /= n_of[:, None]
    off = x - centres[of]
    axes, floor = _inverse(off.T @ off / len(x) + _RIDGE * np.eye(x.shape[1]))
    pulls = floor * centres.T - axes @ (axes.T @ centres.T)
    offsets = (centres * pulls.T).sum(axis=1)
    f32 = np.float32
    return Ground(axes.astype(f32), floor, pulls.astype(f32), offsets.astype(f32), of[memory].astype(np.intp))


def _inverse(covariance: Floats) -> tuple[Floats, float]:
    """As `axes` and `floor` of a Ground."""
    spreads, directions = np.linalg.eigh(covariance)
    n = max(len(spreads) - _N_AXES, 1)
    floor = float((1 / spreads[:n]).mean())
    axes: Floats = directions[:, n:] * np.sqrt(np.maximum(floor - 1 / spreads[n:], 0))
    return axes, floor


def fit_novelty(
    both: Matrix, kinds: Places, memory: Places, folds: Places, *, seed: int
) -> tuple[Novelty, Matrix]:
    """Learn the odds of being new; also gives those of every row while it was held out.

    Args:
        both: [vector, weighted traits], shape (n, d).
        kinds, folds: Of each row, shape (n,).
        memory: Places of the rows that are remembered.
    """
    known = _held_out_signs(both, kinds, memory, folds)
    new = _held_out_signs(both, kinds, memory, _parts_of(kinds, seed))
    weights, bias = _logistic(known, new)
    odds = (known @ weights + np.float32(bias)).astype(np.float32)
    quantiles = np.quantile(odds, np.linspace(0, 1, _N_QUANTILES)).astype(np.float32)
    return Novelty(fit_ground(both, kinds, memory), weights, bias, quantiles), odds


def _parts_of(kinds: Places, seed: int) -> Places:
    """Each kind as a whole in one of a few parts."""
    n_kinds = int(kinds.max()) + 1
    part_of = np.random.default_rng(seed).permutation(np.arange(n_kinds) % min(n_kinds, _MAX_PARTS))
    made: Places = part_of[kinds]
    return made


def _held_out_signs(both: Matrix, kinds: Places, memory: Places, parts: Places) -> Matrix:
    """The signs of every row, seen from the rows of the other parts."""
    remembered = np.zeros(len(both), bool)
    remembered[memory] = True
    made: list[tuple[Places, Matrix]] = []
    for part in np.unique(parts):
        held, rest = np.flatnonzero(parts == part), np.flatnonzero(parts != part)
        kept = np.flatnonzero(remembered[rest])
        if not len(kept):  # all that is remembered is of this part
            continue
        ground = fit_ground(both[rest], kinds[rest], kept)
        nearest, far = nearest_of(_squared(both[held], both[rest[kept]]))
        made.append((held, ground.signs(both[held], nearest, far)))
    order = np.argsort(np.concatenate([held for held, _ in made]))
    signs: Matrix = np.concatenate([signs for _, signs in made])[order]
    return signs


def _squared(a: Matrix, b: Matrix) -> Matrix:
    made: Matrix = (a * a).sum(axis=1)[:, None] - 2 * (a @ b.T) + (b * b).sum(axis=1)
    return np.maximum(made, 0)


def _logistic(known: Matrix, new: Matrix) -> tuple[Matrix, float]:
    """Weights and bias that tell both apart, as if they were equally frequent."""
    from sklearn.linear_model import LogisticRegression

    signs = np.concatenate([known, new]).astype(np.float64)
    mean, spread = signs.mean(axis=0), np.maximum(signs.std(axis=0), 1e-6)
    model = LogisticRegression(class_weight="balanced", max_iter=1000)
    model.fit((signs - mean) / spread, np.repeat([0, 1], [len(known), len(new)]))
    weights = model.coef_[0] / spread
    return weights.astype(np.float32), float(model.intercept_[0] - mean @ weights)
