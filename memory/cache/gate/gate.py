"""Serve a neighbour's answer, or not: one online model, held to an error budget."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.memory.cache.gate.cut import NEVER
from stepwell.memory.cache.gate.evidence import Evidence
from stepwell.memory.cache.gate.model import Model, estimate, first_model, refitted
from stepwell.memory.cache.gate.near import FEATURES, Near, features
from stepwell.memory.cache.gate.promise import Change, GateReport, Mode, Promise
from stepwell.memory.cache.gate.rule import Rule
from stepwell.memory.cache.judgement import Judgement
from stepwell.memory.store import Record

if TYPE_CHECKING:
    from stepwell.memory.cache.gate.near import Candidate

_DEFAULT = Rule()
_MOST_HITS_AN_AUDIT = 150


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
        rivals: Other answers among the neighbours', likeliest first, at most two: where the first would not do, one
            of these may be the group that a new prompt belongs to.
    """

    answer_id: str
    similarity: float
    p_same: float
    features: tuple[float, ...]
    would_serve: bool
    audit_share: float
    rivals: tuple[str, ...] = ()


class Gate:
    """Learns from verdicts on requests, over all answers at once, which hits keep the budget.

    From one thread at a time; only `refit` may run beside the others.
    """

    def __init__(
        self,
        max_error: float,
        mode: Mode = "auto",
        *,
        audit_share: float = 0.02,
        judge_error: float = 0.0,
        seed: int | None = None,
        rule: Rule = _DEFAULT,
    ) -> None:
        """Start without evidence.

        Args:
            max_error: Share of hits that may be wrong, above 0, below .5.
            mode: "shadow" never serves; "auto" once the model knows hits that keep the budget and 1 / max_error judged
                would-be hits don't speak against it; "serve" from the start. Both of these step back where audits or
                reports refute the budget, "auto" also where audits get no verdicts.
            audit_share: Share of hits that go upstream all the same, to be judged, while all is well; more do at the
                start and after a wrong one (`Rule.doubt_share`). 0: none ever.
            judge_error: Share of verdicts that may be wrong, at most, below .5.
            seed: Of the draws for audits.

        Raises:
            ValueError: `max_error` or `judge_error` out of range.
        """
        if not 0 < max_error < 0.5:
            raise ValueError("max_error must be above 0 and below .5.")
        if not 0 <= judge_error < 0.5:
            raise ValueError("judge_error must be at least 0 and below .5.")
        self._rule = rule
        self._max_error = max_error
        self._thought_judge_error = judge_error
        self._random = random.Random(seed)
        self._evidence = Evidence(1 + len(FEATURES), n_verdicts=rule.n_verdicts, n_requests=rule.n_requests)
        self._promise = Promise(max_error, mode, audit_share=audit_share, doubt_share=rule.doubt_share)
        self._model: Model = first_model(max_error, judge_error, rule)
        self._n_judged = 0
        self._n_since_change = 0
        self._next_fit = rule.n_first_fit

    @property
    def is_serving(self) -> bool:
        return self._promise.state == "serving"

    @property
    def refit_due(self) -> bool:
        """Whether enough was learnt since the last fit."""
        return self._n_judged >= self._next_fit

    def choose(
        self, near: Sequence[Near], records: Mapping[str, Record], sizes: Mapping[str, int]
    ) -> Choice | None:
        """The best answer among the neighbours', and whether the budget lets it be served; None without any.

        Once for each request: the cut depends on how requests look of late.

        Args:
            near: Nearest first, up to eight.
            records: Verdicts on groups; none yet where one is missing.
            sizes: Rows in each group; 1 where one is missing.
        """
        candidates = features(near, records, sizes)
        if not candidates:
            return None
        model = self._model
        ranked = sorted(zip(model.p_same([c.features for c in candidates]), candidates, strict=True), key=_p)
        p, best = ranked[-1]
        self._evidence.seen((1.0, *best.features))
        would_serve = p >= model.cut
        if would_serve and self.is_serving:
            self._promise.served()
        return Choice(
            best.answer_id,
            best.similarity,
            p,
            best.features,
            would_serve=would_serve,
            audit_share=self._promise.audit_share,
            rivals=tuple(c.answer_id for _, c in reversed(ranked[:-1])),
        )

    def wants_audit(self, choice: Choice) -> bool:
        """Draw whether this hit goes upstream all the same; note its `audit_share` in the Judgement."""
        return self._random.random() < choice.audit_share

    def is_alias(self, choice: Choice, *, is_same: float) -> bool:
        """Whether the new prompt is to lead to the chosen answer, after a verdict that may be wrong or unsure."""
        e = max(0.0, self._model.judge_error)
        verdict = e + (1 - 2 * e) * is_same
        if verdict in (0.0, 1.0):
            return verdict > 0.5
        return _log_odds(choice.p_same) + _log_odds(verdict) > 0

    def learn(self, judgement: Judgement) -> Change | None:
        """Take in one verdict; cheap: the model changes with `refit`. Says where the gate steps back at once."""
        self._take_in(judgement)
        change = self._promise.after_verdict()
        if change is not None:
            self._evidence.keep_last(self._rule.n_after_retreat)
            self._n_since_change, self._next_fit = 0, self._n_judged
        return change

    def untold(self, choice: Choice) -> Change | None:
        """Note that the audit of this hit got no verdict. Says where the gate steps back because most get none."""
        change = self._promise.untold()
        if change is not None:
            self._n_since_change = 0
        return change

    def refit(self) -> Change | None:
        """Fit the model and move the cut; a few milliseconds. Says where the gate begins or stops to serve."""
        self._next_fit = self._n_judged + max(10, int(self._rule.growth * self._n_judged))
        self._model = refitted(
            self._model,
            self._evidence,
            self._max_error,
            self._thought_judge_error,
            self._rule,
            n_since_change=self._n_since_change,
        )
        change = self._promise.after_fit(
            self._model.estimate,
            has_cut=self._model.cut < NEVER,
            foretold=self._model.error_foretold,
        )
        if change is not None:
            self._n_since_change = 0
        return change

    def replay(self, judgements: Iterable[Judgement]) -> None:
        """Take in the verdicts of an earlier run, in order, fitting as that run did: it ends in the same state."""
        for judgement in judgements:
            if len(judgement.features) == len(FEATURES):
                # an audit stands for the hits around it, of which nothing was noted
                for _ in range(min(round(1 / max(judgement.share, 1e-6)), _MOST_HITS_AN_AUDIT)):
                    self._evidence.seen((1.0, *judgement.features))
                    if judgement.source == "audit":
                        self._promise.served()
            self.learn(judgement)
            if self.refit_due:
                self.refit()

    def report(self) -> GateReport:
        """What is known about the promise now."""
        model, has_cut = self._model, self._model.cut < NEVER
        found = self._evidence.verdicts()
        kept = estimate(found, found.was_hit > 0, model.judge_error)
        return GateReport(
            state=self._promise.state,
            n_judged=self._n_judged,
            n_hits_judged=kept.n_verdicts,
            error=kept.error,
            error_low=kept.low,
            error_high=kept.high,
            error_foretold=model.error_foretold,
            judge_error=model.judge_error,
            hit_share=model.hit_share,
            cut=model.cut if has_cut else None,
            missing=self._promise.missing(model.estimate, has_cut=has_cut),
        )

    def _take_in(self, judgement: Judgement) -> None:
        if judgement.source == "report":
            self._promise.reported()
        if len(judgement.features) != len(FEATURES):
            return
        if judgement.source == "audit":
            self._promise.audited(is_same=judgement.is_same, judge_error=self._model.judge_error)
        self._evidence.judged(
            (1.0, *judgement.features),
            is_same=judgement.is_same,
            p_same=judgement.p_same,
            was_hit=judgement.would_serve,
            count=1 / max(judgement.share, 1e-6),
        )
        self._n_judged += 1
        self._n_since_change += 1


def _log_odds(p: float) -> float:
    p = min(max(p, 1e-9), 1 - 1e-9)
    return math.log(p / (1 - p))


def _p(ranked: tuple[float, Candidate]) -> float:
    return ranked[0]
