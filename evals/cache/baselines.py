"""What others do with the same stream: one threshold in hindsight, GPTCache's default, one learner for each entry.

All three serve the nearest stored prompt's own answer and keep every miss. The same text again counts as no hit of
theirs either (`StreamRow` "exact").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.evals.cache.arrivals import Arrival
from stepwell.evals.cache.embedded import EmbeddedTexts
from stepwell.evals.cache.nearest import Nearest
from stepwell.evals.cache.stream import StreamRow
from stepwell.evals.cache.stream_summary import StreamSummary, summarise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_N_CUTS = 100
_LOWEST_CUT = 0.5
_NEVER = 1.1
# GPTCache 0.1.44 serves where 4 - (squared L2 distance) >= .8 x 4, that is from cosine .6 on. Compared once with the
# package itself (SQLite, FAISS flat, SearchDistanceEvaluation) on the first 300 rows of BANKING77: 300 of 300
# decisions alike, 187 hits, each of the same entry.
GPTCACHE_COSINE = 0.6


@dataclass(frozen=True, slots=True)
class Static:
    """The cosine that serves most within the budget on this very stream; None where none does."""

    cosine: float | None
    summary: StreamSummary


def static_in_hindsight(arrivals: Sequence[Arrival], texts: EmbeddedTexts, *, max_error: float) -> Static:
    """Try a hundred thresholds from .5 on, and take the one with most hits whose error keeps the budget."""
    import numpy as np

    cuts = np.linspace(_LOWEST_CUT, 1.0, _N_CUTS, endpoint=False)
    cuts = np.append(cuts, _NEVER)
    tried = [
        (float(cut), summarise(rows)) for cut, rows in zip(cuts, _walk(arrivals, texts, cuts), strict=True)
    ]
    kept = [one for one in tried if (one[1].error or 0.0) <= max_error]
    cut, found = max(kept, key=lambda one: one[1].n_hits)
    return Static(cut if found.n_hits else None, found)


def gptcache(arrivals: Sequence[Arrival], texts: EmbeddedTexts) -> StreamSummary:
    """GPTCache as it comes."""
    import numpy as np

    return summarise(_walk(arrivals, texts, np.array([GPTCACHE_COSINE]))[0])


def _walk(
    arrivals: Sequence[Arrival], texts: EmbeddedTexts, cuts: NDArray[np.float64]
) -> list[list[StreamRow]]:
    """One run for each threshold, side by side: cosines are computed once."""
    import numpy as np

    texts.prepare([arrival.text for arrival in arrivals])
    rows: list[list[StreamRow]] = [[] for _ in cuts]
    is_kept = np.zeros((len(cuts), len(arrivals)), dtype=bool)
    by_tenant: dict[str, tuple[Nearest, list[int]]] = {}
    seen: dict[tuple[str, str], int] = {}
    for n, arrival in enumerate(arrivals):
        vector = texts.vector(arrival.text)
        index, members = by_tenant.setdefault(arrival.tenant, (Nearest(len(vector)), []))
        before = seen.setdefault((arrival.tenant, arrival.text), n)
        cosines = np.where(is_kept[:, members], index.similarities(vector), -1.0)
        best = cosines.argmax(axis=1) if members else np.zeros(len(cuts), dtype=np.intp)
        for t, cut in enumerate(cuts):
            if before < n and is_kept[t, before]:
                rows[t].append(StreamRow(n + 1, "exact", None, 1.0, arrivals[before].cls != arrival.cls))
                continue
            cosine = float(cosines[t, best[t]]) if members else -1.0
            if cosine >= cut:
                is_wrong = arrivals[members[int(best[t])]].cls != arrival.cls
                rows[t].append(StreamRow(n + 1, "hit", None, cosine, is_wrong))
            else:
                rows[t].append(StreamRow(n + 1, "miss", None, cosine if cosine > -1 else None))
                is_kept[t, n] = True
        index.add(vector)
        members.append(n)
    return rows


def per_entry(
    arrivals: Sequence[Arrival], texts: EmbeddedTexts, *, max_error: float, explore_share: float = 0.02
) -> StreamSummary:
    """A learner for each entry: it goes upstream until that entry's own verdicts bound the error.

    Our own derivation of the idea: a Bayesian logistic regression of "right" on the cosine for each entry, fitted
    on the requests that it was nearest to; served where the lower 90 % bound of P(right) clears the budget. A
    request judged wrong founds an entry; one judged right only teaches. A share of hits goes upstream all the same.
    """
    import random

    texts.prepare([arrival.text for arrival in arrivals])
    draws = random.Random(0)
    caches: dict[str, _Entries] = {}
    rows: list[StreamRow] = []
    for n, arrival in enumerate(arrivals, start=1):
        vector = texts.vector(arrival.text)
        held = caches.setdefault(arrival.tenant, _Entries(Nearest(len(vector)), {}, []))
        rows.append(held.step(n, arrival, vector, max_error, lambda: draws.random() < explore_share))
    return summarise(rows)


@dataclass(slots=True)
class _Entries:
    """One tenant's entries, each with a learner."""

    index: Nearest
    classes_of_text: dict[str, str]
    entries: list[tuple[str, _Learner]]

    def step(
        self,
        n: int,
        arrival: Arrival,
        vector: NDArray[np.float32],
        max_error: float,
        explores: Callable[[], bool],
    ) -> StreamRow:
        known = self.classes_of_text.get(arrival.text)
        if known is not None:
            return StreamRow(n, "exact", None, 1.0, known != arrival.cls)
        top = self.index.top(vector, 1)
        if not top:
            self._found(arrival, vector)
            return StreamRow(n, "miss")
        (row, cosine), *_ = top
        cls, learner = self.entries[row]
        is_wrong = cls != arrival.cls
        is_sure = learner.lowest(cosine) >= 1 - max_error
        if is_sure and not explores():
            return StreamRow(n, "hit", None, cosine, is_wrong)
        learner.learn(cosine, is_right=not is_wrong)
        if is_wrong:
            self._found(arrival, vector)
        else:
            self.classes_of_text[arrival.text] = arrival.cls
        return StreamRow(n, "audit" if is_sure else "miss", None, cosine, is_wrong)

    def _found(self, arrival: Arrival, vector: NDArray[np.float32]) -> None:
        self.index.add(vector)
        self.entries.append((arrival.cls, _Learner()))
        self.classes_of_text[arrival.text] = arrival.cls


class _Learner:
    """P(right) of one entry by cosine: Gaussian prior, Laplace approximation."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, bool]] = []
        self._weights: NDArray[np.float64] | None = None
        self._covariance: NDArray[np.float64] | None = None

    def learn(self, cosine: float, *, is_right: bool) -> None:
        self._seen.append((cosine, is_right))
        self._weights = None

    def lowest(self, cosine: float) -> float:
        """Lower 90 % bound of P(right), 0 before any verdict."""
        import numpy as np

        if not self._seen:
            return 0.0
        if self._weights is None or self._covariance is None:
            self._fit()
        assert self._weights is not None
        assert self._covariance is not None
        x = _inputs(cosine)
        z = float(x @ self._weights) - 1.28 * float(np.sqrt(x @ self._covariance @ x))
        return float(1 / (1 + np.exp(-z)))

    def _fit(self) -> None:
        import numpy as np

        rows = np.array([_inputs(cosine) for cosine, _ in self._seen])
        is_right = np.array([float(right) for _, right in self._seen])
        mean, precision = np.array([0.0, 1.0]), np.diag([0.1, 0.5])
        weights = mean.copy()
        for _ in range(12):
            p = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
            hessian = (rows * (p * (1 - p))[:, None]).T @ rows + precision
            weights = weights + np.linalg.solve(
                hessian, rows.T @ (is_right - p) - precision @ (weights - mean)
            )
        self._weights, self._covariance = weights, np.linalg.inv(hessian)


def _inputs(cosine: float) -> NDArray[np.float64]:
    import numpy as np

    return np.array([1.0, (cosine - 0.75) / 0.1])
