"""Which kind of ask each row is, and what stands in for scores that are not known."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from stepwell.evals.tune.examples import Examples
from stepwell.evals.tune.fit import fit_scale
from stepwell.router.learned.model import TRAITS_WEIGHT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.rows import Outcomes
    from stepwell.router.learned.inputs import Inputs

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]

_MIN_KIND_ROWS = 8
_MAX_KINDS = 30
_ROWS_A_KIND = 80


def examples_of(outcomes: Outcomes, inputs: Inputs, *, seed: int) -> Examples:
    """Rows to learn from: unknown scores filled in, every row in a kind."""
    is_known = ~np.isnan(outcomes.scores)
    return Examples(inputs, fill(outcomes.scores), is_known, kinds_of(outcomes, inputs, seed=seed))


def fill(scores: Floats) -> Floats:
    """Unknown scores as the tier's mean, moved by how the row's other scores lie from theirs."""
    is_known = ~np.isnan(scores)
    means = np.nansum(scores, axis=0) / np.maximum(is_known.sum(axis=0), 1)
    off = np.where(is_known, scores - means, 0).sum(axis=1) / (is_known.sum(axis=1) + 1)
    return np.where(is_known, scores, np.clip(means + off[:, None], 0, 1))


def kinds_of(outcomes: Outcomes, inputs: Inputs, *, seed: int) -> Places:
    """The rows' domains as numbers, rare ones together; where they name none, clusters of what they ask."""
    names = [f"{s}/{d}" for s, d in zip(outcomes.sources, outcomes.domains, strict=True)]
    n_of = Counter(names)
    if "" not in outcomes.domains and sum(n >= _MIN_KIND_ROWS for n in n_of.values()) >= 2:
        merged = [name if n_of[name] >= _MIN_KIND_ROWS else "" for name in names]
        return np.unique(merged, return_inverse=True)[1].astype(np.intp)
    return _clusters(inputs, seed)


def _clusters(inputs: Inputs, seed: int) -> Places:
    from sklearn.cluster import KMeans

    scaled = TRAITS_WEIGHT * fit_scale(inputs.traits).of(inputs.traits)
    table = scaled if inputs.vectors is None else np.concatenate([inputs.vectors, scaled], axis=1)
    n = min(max(len(table) // _ROWS_A_KIND, 2), _MAX_KINDS)
    labels = KMeans(n, n_init=3, random_state=seed).fit(table.astype(np.float64)).labels_
    return np.unique(labels, return_inverse=True)[1].astype(np.intp)
