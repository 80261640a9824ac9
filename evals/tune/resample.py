"""Bootstrap of rankings: APGR and CPT over resamples of the rows, the same ones for every router compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.evals.tune import measures
from stepwell.evals.tune.sweep import resamples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

N_RESAMPLES = 1000


class Span(msgspec.Struct, frozen=True):
    """A figure and its 95 % percentile interval."""

    value: float
    low: float
    high: float


class Ranked(msgspec.Struct, frozen=True):
    """What one ranking is worth, and by how much the APGR of the first one named is higher."""

    apgr: Span
    cpt50: Span
    cpt80: Span
    behind: Span


def compare_rankings(
    needs: Mapping[str, Floats],
    weak: Floats,
    strong: Floats,
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> dict[str, Ranked]:
    """Measure rankings side by side, paired: every one on the same resamples.

    Args:
        needs: By router, the one to compare the others with first; higher means more need of the strong tier: (n,).
        weak, strong: Scores of both tiers, 0..1, shape (n,).
    """
    drawn = {name: resampled(need, weak, strong, n_resamples, seed) for name, need in needs.items()}
    values = {name: _measured(need, weak, strong) for name, need in needs.items()}
    first = next(iter(needs))
    found = {}
    for name in needs:
        spans = [_span(values[name][i], drawn[name][:, i]) for i in range(3)]
        behind = _span(values[first][0] - values[name][0], drawn[first][:, 0] - drawn[name][:, 0])
        found[name] = Ranked(apgr=spans[0], cpt50=spans[1], cpt80=spans[2], behind=behind)
    return found


def resampled(need: Floats, weak: Floats, strong: Floats, n_resamples: int, seed: int) -> Floats:
    """APGR, CPT50 and CPT80 over resamples, shape (n_resamples, 3); NaN where a resample has no gap."""
    order = np.argsort(-need, kind="stable")
    gain = (strong - weak)[order]
    starts = np.flatnonzero(np.diff(need[order], prepend=np.inf) != 0)
    blocks = []
    for counts in resamples(len(need), n_resamples, seed):
        drawn = counts[:, order]
        sent = np.add.reduceat(drawn, starts, axis=1)
        won = np.add.reduceat(drawn * gain, starts, axis=1)
        blocks.append(_of_curves(sent, won))
    return np.concatenate(blocks)


def _of_curves(sent: Floats, won: Floats) -> Floats:
    """Of questions and gains by falling need, rows that tie together, shape (r, groups)."""
    zero = np.zeros((len(sent), 1))
    x = np.concatenate([zero, np.cumsum(sent, axis=1)], axis=1) / sent.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.concatenate([zero, np.cumsum(won, axis=1)], axis=1) / won.sum(axis=1, keepdims=True)
    area = (np.diff(x, axis=1) * (y[:, 1:] + y[:, :-1]) / 2).sum(axis=1)
    return np.stack([area, _reached(x, y, 0.5), _reached(x, y, 0.8)], axis=1)


def _reached(x: Floats, y: Floats, pgr: float) -> Floats:
    at = np.argmax(y >= pgr, axis=1)
    rows = np.arange(len(y))
    before = np.maximum(at - 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (pgr - y[rows, before]) / (y[rows, at] - y[rows, before])
    found: Floats = np.where(at > 0, x[rows, before] + part * (x[rows, at] - x[rows, before]), np.nan)
    return found


def _measured(need: Floats, weak: Floats, strong: Floats) -> tuple[float, float, float]:
    cpt50, cpt80 = (measures.cpt(need, weak, strong, pgr=pgr) for pgr in (0.5, 0.8))
    return measures.apgr(need, weak, strong), cpt50, cpt80


def _span(value: float, drawn: Floats) -> Span:
    if np.isnan(drawn).all():
        return Span(value, float("nan"), float("nan"))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Span(value, float(low), float(high))
