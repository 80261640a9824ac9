"""Fixed mixes of tiers that do not look at the question: along the hull of single tiers, dearest end first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepwell.evals.tune.measures import hull

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Mix = tuple[float, ...]

_N_STEPS = 200


def mixes(
    cost: Floats, scores: Floats, *, n_steps: int = _N_STEPS, of: Sequence[int] | None = None
) -> Iterator[Mix]:
    """All premium (the last tier), then along the hull of single tiers down to the cheapest.

    Args:
        cost, scores: Shape (n, k).
        n_steps: From one tier of the hull to the next.
        of: Places of the tiers that may be mixed, the last among them; None: all.

    Yields:
        Shares of the tiers in their order.
    """
    k = scores.shape[1]
    corners = _corners(cost, scores, of)
    if corners[-1] != k - 1:
        corners = [*corners, k - 1]
    at = np.eye(k)
    yield tuple(at[-1].tolist())
    for cheap, dear in zip(corners[-2::-1], corners[:0:-1], strict=True):
        for i in range(1, n_steps + 1):
            yield tuple(((1 - i / n_steps) * at[dear] + i / n_steps * at[cheap]).tolist())


def mix_at(cost_usd: float, cost: Floats, scores: Floats, of: Sequence[int] | None = None) -> Mix:
    """The mix (`of` some tiers) with the best mean score at this mean cost; the hull's ends beyond them."""
    usd = cost.mean(axis=0)
    corners = _corners(cost, scores, of)
    at = np.eye(scores.shape[1])
    places = np.interp(cost_usd, usd[corners], np.arange(len(corners)))
    low = int(places)
    if low == len(corners) - 1:
        return tuple(at[corners[low]].tolist())
    part = float(places) - low
    return tuple(((1 - part) * at[corners[low]] + part * at[corners[low + 1]]).tolist())


def routed_by(chosen: NDArray[np.intp], values: Floats) -> Floats:
    """Of every row the value of its chosen tier, shape (n,)."""
    picked: Floats = values[np.arange(len(values)), chosen]
    return picked


def _corners(cost: Floats, scores: Floats, of: Sequence[int] | None) -> list[int]:
    """Places of the tiers on the hull, by rising cost."""
    places = np.arange(scores.shape[1]) if of is None else np.array(of)
    usd, quality = cost.mean(axis=0)[places], scores.mean(axis=0)[places]
    xs, _ = hull(usd, quality)
    return [int(places[np.flatnonzero(usd == x)[np.argmax(quality[usd == x])]]) for x in xs]
