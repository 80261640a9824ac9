"""Operating points of a router: who answers at each price, and bootstrap intervals of what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

_ROWS_A_BLOCK = 64


def shares_of_dearest(expected: Floats) -> Floats:
    """Each tier's expected cost as a share of the row's dearest, shape (n, k): what prices are counted in."""
    dearest = expected.max(axis=1, keepdims=True)
    shares: Floats = expected / np.where(dearest > 0, dearest, 1.0)
    return shares


def chosen(p_ok: Floats, cost: Floats, price: float) -> Ints:
    """Which tier answers each row, shape (n,): the best p_ok - price x cost; the first of those that tie.

    Args:
        p_ok, cost: What the router believes of each tier, cheapest first: shape (n, k). Costs are counted in
            whatever the price is: shares of the row's dearest, as the router does, or shares of a dollar.
    """
    best: Ints = np.argmax(p_ok - price * cost, axis=1)
    return best


def prices(p_ok: Floats, cost: Floats, *, n: int = 400) -> Floats:
    """Prices at which rows change tiers, rising: 0, quantiles between, and one at which nothing dear is left."""
    found = [np.zeros(1)]
    for dear in range(1, p_ok.shape[1]):
        for cheap in range(dear):
            more = cost[:, dear] - cost[:, cheap]
            gain = p_ok[:, dear] - p_ok[:, cheap]
            found.append((gain / np.where(more > 0, more, np.inf))[(gain > 0) & (more > 0)])
    turning = np.concatenate(found)
    inner = np.quantile(turning, np.linspace(0, 1, n))
    return np.unique(np.concatenate([[0.0], inner, [np.nextafter(turning.max(), np.inf) * 1.001 + 1e-9]]))


def spread(cost: Floats, n: int) -> Ints:
    """Places of at most n points spread evenly over cost, both ends among them, in their order."""
    if len(cost) <= n:
        return np.arange(len(cost))
    wanted = np.linspace(cost.min(), cost.max(), n)
    near = np.abs(cost[None, :] - wanted[:, None]).argmin(axis=1)
    return np.unique(np.concatenate([near, [0, len(cost) - 1]]))


def resampled_means(values: Floats, *, n_resamples: int, seed: int) -> Floats:
    """Means of the columns over bootstrap resamples of the rows, shape (n_resamples, m)."""
    n = len(values)
    blocks = [weights @ values for weights in resamples(n, n_resamples, seed)]
    means: Floats = np.concatenate(blocks) / n
    return means


def resamples(n: int, n_resamples: int, seed: int) -> Iterator[Floats]:
    """How often each row was drawn, some resamples at a time, shape (<= 64, n)."""
    random = np.random.default_rng(seed)
    for start in range(0, n_resamples, _ROWS_A_BLOCK):
        m = min(_ROWS_A_BLOCK, n_resamples - start)
        drawn = random.integers(0, n, size=(m, n)) + n * np.arange(m)[:, None]
        yield np.bincount(drawn.ravel(), minlength=m * n).reshape(m, n).astype(np.float64)


def interval(values: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Percentile interval of each column over its resamples."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
