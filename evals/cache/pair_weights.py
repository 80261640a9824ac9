"""How much each training pair counts: families in fixed shares, and similarity worth what it is worth in traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Names = NDArray[np.str_]

SHARES = {"written": 1.0, "grammar": 0.5, "cross": 0.7, "edit": 0.7, "frame": 0.5}
NATURAL = ("written", "cross")
# Log-odds of "same" rise by so much from cosine 0 to 1: 9.0 among the ten nearest of BANKING77's prompts by intent, and
# 10.5 on Quora's question pairs. Within our written blocks, hard on purpose, it is 4.6
SLOPE = 11.0
MIDDLE = 0.8
_MOST = 8.0  # a pair counts at most so many times more or less than by its family


def pair_weights(rows: Floats, same: Bools, family: Names, group: Ints) -> Floats:
    """A weight for each pair, mean 1.

    Within "written" and "cross" pairs are weighted by P(same | cosine) as it is in traffic over what it is here, so
    that nothing is learned from the blocks having been written to be hard.

    Args:
        rows: Features; the first is the cosine.
    """
    weight = np.zeros(len(rows))
    for name, share in SHARES.items():
        here = family == name
        if here.any():
            weight[here] = share * _evenly(name, same[here], group[here])
    natural = np.isin(family, NATURAL)
    if natural.any():
        cosine = rows[natural, 0].astype(np.float64)
        before = weight[natural].sum()
        weight[natural] *= _to_traffic(cosine, same[natural], weight[natural])
        weight[natural] *= before / weight[natural].sum()
    made: Floats = (weight / weight.mean()).astype(np.float32)
    return made


def _evenly(name: str, same: Bools, group: Ints) -> NDArray[np.float64]:
    """Blocks count alike, and edits that change the answer as much as those that don't."""
    if name == "edit":
        each = np.where(same, 1 / max(same.sum(), 1), 1 / max((~same).sum(), 1))
    elif name == "cross":
        each = np.ones(len(same))
    else:
        each = 1 / np.bincount(group)[group]
    made: NDArray[np.float64] = each / each.sum()
    return made


def _to_traffic(cosine: NDArray[np.float64], same: Bools, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    edges = np.quantile(cosine, np.linspace(0, 1, 41)[1:-1])
    place = np.searchsorted(edges, cosine)
    right = np.bincount(place, weight * same, minlength=40) + 1e-4 * weight.sum() / 40
    share = (right / (np.bincount(place, weight, minlength=40) + 2e-4 * weight.sum() / 40))[place]
    wanted = 1 / (1 + np.exp(-SLOPE * (cosine - MIDDLE)))
    ratio: NDArray[np.float64] = np.where(same, wanted / share, (1 - wanted) / (1 - share))
    return np.clip(ratio, 1 / _MOST, _MOST)
