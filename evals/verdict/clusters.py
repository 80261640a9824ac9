"""Means where rows come in clusters: rows from one source say less than as many rows apart."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClusterError:
    """How far the mean of clustered values may be off.

    Attributes:
        standard_error: CR2 of Bell & McCaffrey 2002 (Survey Methodology 28:169), unbiased for rows alike.
        df: Degrees of freedom by Satterthwaite's rule, as there; few or uneven clusters have few.
    """

    standard_error: float
    df: float
    n_clusters: int


def cluster_error(values: Sequence[float], clusters: Sequence[Hashable]) -> ClusterError:
    """The error of the plain mean of `values`; df is 0 where there is one cluster only."""
    n = len(values)
    mean = math.fsum(values) / n
    gaps: dict[Hashable, list[float]] = defaultdict(list)
    for value, cluster in zip(values, clusters, strict=True):
        gaps[cluster].append(value - mean)
    if len(gaps) < 2:
        return ClusterError(0.0, 0.0, len(gaps))
    variance = math.fsum(math.fsum(of) ** 2 / (1 - len(of) / n) for of in gaps.values()) / n**2
    return ClusterError(math.sqrt(variance), _df([len(of) / n for of in gaps.values()]), len(gaps))


def _df(shares: Sequence[float]) -> float:
    """(tr P)^2 / tr P^2; P[g, h] = s_g [g = h] - s_g s_h over root((1 - s_g)(1 - s_h)), s the clusters' shares."""
    weights = [s * s / (1 - s) for s in shares]
    total = math.fsum(weights)
    # off the diagonal P^2 sums to total^2 less its own diagonal
    square = math.fsum(s * s for s in shares) + total * total - math.fsum(w * w for w in weights)
    return 1 / square
