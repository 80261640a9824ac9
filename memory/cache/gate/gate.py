"""Serve a neighbour's answer, or not: one online model, held to an error budget."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.memory.cache.gate.cut import NEVER, Held, lowest_cut
from stepwell.memory.cache.gate.evidence import Evidence
from stepwell.memory.cache.gate.near import FEATURES, Near, features
from stepwell.memory.cache.gate.prior import prior, starting_weights
from stepwell.memory.cache.gate.promise import Change, GateReport, Mode, State, bounds
from stepwell.memory.cache.judgement import Judgement
from stepwell.memory.store import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FIRST_FIT = 25
_GROWTH = 0.1
_N_VERDICTS = 3000
_N_REQUESTS = 1500
_N_TRUSTED = 30.0
_SAFETY = 0.9
_MAX_COUNT = 50.0


@dataclass(frozen=True, slots=True)
class Choice:
    """The answer that comes first among the neighbours'.

    Attributes:
        answer_id: Entry to serve.
        similarity: Cosine of the nearest prompt that leads to it.
        p_same: That its answer would do, 0..1.
        features: For the Judgement.
        would_serve: P clears the budget; served only where the gate `is_serving`.
        audit_share: Probability with which such a hit is to go upstream all the same.
    """

    answer_id: str
    similarity: float
    p_same: float
    features: tuple[float, ...]
    would_serve: bool
    audit_share: float


class Gate:
    """Learns from verdicts on requests, over all answers at once, which hits keep the budget.

    `choose`, `learn` and `wants_audit` from one thread; `refit` from any.
    """

    def __init__(
        self,
        max_error: float,
        mode: Mode = "auto",
        *,
        audit_share: float = 0.02,
        judge_error: float = 0.0,
        seed: int | None = None,
    ) -> None:
        """Start without evidence.

        Args:
            max_error: Share of hits that may be wrong, 0..1.
            mode: "shadow" never serves; "auto" once the evidence supports it; "serve" from the start.
            audit_share: Share of hits that go upstream all the same, to be judged.
            judge_error: Share of verdicts thought wrong, below .5.
            seed: Of the draws for audits.
        """
        self._max_error = max_error
        self._mode = mode
        self._audit_share = audit_share
        self._judge_error = judge_error
        self._random = random.Random(seed)
        self._evidence = Evidence(1 + len(FEATURES), n_verdicts=_N_VERDICTS, n_requests=_N_REQUESTS)
        self._state: State = "serving" if mode == "serve" else "shadow"
        self._weights = starting_weights()
        self._cut = 1 - max_error / 2
        self._n_judged = 0
        self._next_fit = _FIRST_FIT

    @property
    def is_serving(self) -> bool:
        return self._state == "serving"

    @property
    def refit_due(self) -> bool:
        return self._n_judged >= self._next_fit

    def choose(
        self, near: Sequence[Near], records: Mapping[str, Record], sizes: Mapping[str, int]
    ) -> Choice | None:
        """The best answer among the neighbours', and whether the budget lets it be served; None without any.

        Args:
            near: Nearest first, up to eight.
            records: Verdicts on groups; none yet where one is missing.
            sizes: Rows in each group; 1 where one is missing.
        """
        best, best_p = None, -1.0
        for candidate in features(near, records, sizes):
            p = self._p_same(candidate.features)
            if p > best_p:
                best, best_p = candidate, p
        if best is None:
            return None
        self._evidence.seen((1.0, *best.features))
        return Choice(
            best.answer_id,
            best.similarity,
            best_p,
            best.features,
            would_serve=best_p >= self._cut,
            audit_share=self._audit_share,
        )

    def wants_audit(self, choice: Choice) -> bool:
        """Draw whether this hit goes upstream all the same; note its `audit_share` in the Judgement."""
        return self._random.random() < choice.audit_share

    def is_alias(self, choice: Choice, *, is_same: bool) -> bool:
        """Whether the new prompt is to lead to the chosen answer, after a verdict that may be wrong."""
        if not 0 < self._judge_error < 0.5:
            return is_same
        weight = math.log((1 - self._judge_error) / self._judge_error)
        p = min(max(choice.p_same, 1e-9), 1 - 1e-9)
        return math.log(p / (1 - p)) + (weight if is_same else -weight) > 0

    def learn(self, judgement: Judgement) -> Change | None:
        """Take in one verdict; cheap. The model changes with `refit`."""
        if len(judgement.features) != len(FEATURES):
            return None
        count = min(1 / max(judgement.share, 1e-9), _MAX_COUNT)
        self._evidence.judged((1.0, *judgement.features), is_same=judgement.is_same, count=count)
        self._n_judged += 1
        return None

    def refit(self) -> Change | None:
        """Fit the model and move the cut; a few milliseconds, off the event loop."""
        from stepwell.memory.cache.gate.logistic import fit_logistic

        self._next_fit = self._n_judged + max(10, int(_GROWTH * self._n_judged))
        requests = self._evidence.requests()
        found = self._evidence.verdicts()
        fit = fit_logistic(found.rows, found.is_same, found.counts, prior(), judge_error=self._judge_error)
        held = Held(_chances(fit.left_out), found.is_same, found.counts)
        self._weights = tuple(float(w) for w in fit.weights)
        self._cut = lowest_cut(
            _chances(requests @ fit.weights),
            held,
            max_error=self._max_error * _SAFETY,
            judge_error=self._judge_error,
            n_trusted=_N_TRUSTED,
        )
        return self._reconsider(held)

    def replay(self, judgements: Iterable[Judgement]) -> None:
        """Take in verdicts of an earlier run, in order, and fit once."""
        for judgement in judgements:
            self.learn(judgement)
            if len(judgement.features) == len(FEATURES):
                self._evidence.seen((1.0, *judgement.features))
        if self._n_judged >= _FIRST_FIT:
            self.refit()

    def report(self) -> GateReport:
        """What is known about the promise now."""
        held = self._held()
        above = held.p_same >= self._cut
        n = float(held.counts[above].sum())
        judged_wrong = float((held.counts * (1 - held.is_same))[above].sum())
        low, high = (self._true_share(x) for x in bounds(judged_wrong, n, z=1.96))
        p = _chances(self._evidence.requests() @ _row(self._weights))
        return GateReport(
            state=self._state,
            n_judged=self._n_judged,
            n_hits_judged=int(above.sum()),
            error=self._true_share(judged_wrong / n) if n else None,
            error_low=low,
            error_high=high,
            hit_share=float((p >= self._cut).mean()) if len(p) else 0.0,
            cut=None if self._cut == NEVER else self._cut,
            missing="",
        )

    def _true_share(self, judged: float) -> float:
        return min(1.0, max(0.0, (judged - self._judge_error) / (1 - 2 * self._judge_error)))

    def _held(self) -> Held:
        found = self._evidence.verdicts()
        return Held(_chances(found.rows @ _row(self._weights)), found.is_same, found.counts)

    def _reconsider(self, held: Held) -> Change | None:
        if self._mode != "auto":
            return None
        n = float(held.counts[held.p_same >= self._cut].sum())
        new: State = "serving" if n >= 1 / self._max_error else "shadow"
        if new == self._state:
            return None
        old, self._state = self._state, new
        return Change(old, new, f"{n:.0f} would-be hits judged")

    def _p_same(self, numbers: Sequence[float]) -> float:
        z = self._weights[0]
        for weight, x in zip(self._weights[1:], numbers, strict=True):
            z += weight * x
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))


def _row(weights: Sequence[float]) -> NDArray[np.float64]:
    import numpy as np

    return np.array(weights)


def _chances(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -30.0, 30.0))))
