"""Walk a stream of arrivals through the gate as the live cache would, with the classes as the judge."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from stepwell.evals.cache.arrivals import Arrival
from stepwell.evals.cache.embedded import EmbeddedTexts
from stepwell.evals.cache.nearest import Nearest
from stepwell.memory.cache.gate.gate import Choice, Gate
from stepwell.memory.cache.gate.near import MAX_NEAR, Near
from stepwell.memory.cache.gate.promise import Change
from stepwell.memory.cache.judgement import Judgement, Source
from stepwell.memory.store import Record

Status = Literal["exact", "hit", "audit", "shadow_hit", "miss"]
_N_VERIFIED = 4  # as the live cache asks the verifier


@dataclass(frozen=True, slots=True)
class StreamRow:
    """What happened to one arrival.

    Attributes:
        n: Its number, from 1.
        status: "exact": the same text came before; "hit": served by meaning; "audit": would have been, and went
            upstream for the judge; "shadow_hit": would have been, if the gate were serving; "miss".
        p_same, similarity: Of the best neighbour's answer; None without a neighbour.
        was_wrong: Whether that answer is of another class; None without one.
    """

    n: int
    status: Status
    p_same: float | None = None
    similarity: float | None = None
    was_wrong: bool | None = None


@dataclass(slots=True)
class _Tenant:
    """What one tenant's cache holds."""

    index: Nearest
    texts: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    by_text: dict[str, str] = field(default_factory=dict)


class StreamReplay:
    """A cache in memory that arrivals run through, one after the other.

    Every miss is kept: it leads to the chosen answer where the judge says that this would do, else it founds a group.

    Args:
        texts: Vectors and sketches.
        judge_error: Share of the verdicts that are drawn wrong, on top of the classes.
        n_compared: Answers that a miss is compared with before it founds a group: 1 only with the chosen one, more
            with `Choice.rivals` too.
        seed: Of the judge's errors.
    """

    def __init__(
        self,
        gate: Gate,
        texts: EmbeddedTexts,
        *,
        judge_error: float = 0.0,
        n_compared: int = 1,
        seed: int = 0,
    ) -> None:
        self.gate = gate
        self.changes: list[tuple[int, Change]] = []
        self._texts = texts
        self._judge_error = judge_error
        self._n_compared = n_compared
        self._random = random.Random(seed)
        self._tenants: dict[str, _Tenant] = {}
        self._class_of: dict[str, str] = {}
        self._records: dict[str, Record] = {}
        self._sizes: Counter[str] = Counter()
        self._n = 0

    @property
    def n_groups(self) -> int:
        """Answers that stand for one or more prompts."""
        return len(self._sizes)

    def run(self, arrivals: Sequence[Arrival] | Iterable[Arrival]) -> Iterator[StreamRow]:
        """One row for each arrival, in order; texts are embedded in batches first."""
        arrivals = list(arrivals)
        self._texts.prepare([arrival.text for arrival in arrivals])
        for arrival in arrivals:
            yield self.step(arrival)

    def step(self, arrival: Arrival) -> StreamRow:
        """Look up, serve or judge, keep."""
        self._n += 1
        held = self._tenants.get(arrival.tenant)
        if held is None:
            dim = len(self._texts.vector(arrival.text))
            held = self._tenants[arrival.tenant] = _Tenant(Nearest(dim))
        known = held.by_text.get(arrival.text)
        if known is not None:
            return StreamRow(self._n, "exact", None, 1.0, self._class_of[known] != arrival.cls)
        choice = self.gate.choose(self._near(held, arrival.text), self._records, self._sizes)
        if choice is None:
            self._keep(held, arrival, str(self._n))
            return StreamRow(self._n, "miss")
        status = self._status(choice)
        if status != "hit":
            self._judge(held, arrival, choice, status)
        return StreamRow(self._n, status, choice.p_same, choice.similarity, self._is_wrong(choice, arrival))

    def _near(self, held: _Tenant, text: str) -> list[Near]:
        top = held.index.top(self._texts.vector(text), MAX_NEAR)
        odds: list[float | None] = [None] * len(top)
        verifier = self._texts.verifier
        if verifier is not None and top:
            sketches = [self._texts.sketch(held.texts[i]) for i, _ in top[:_N_VERIFIED]]
            cosines = [cosine for _, cosine in top[:_N_VERIFIED]]
            odds[:_N_VERIFIED] = verifier.log_odds(self._texts.sketch(text), sketches, cosines)
        return [Near(held.answers[i], cosine, odd) for (i, cosine), odd in zip(top, odds, strict=True)]

    def _status(self, choice: Choice) -> Status:
        if not choice.would_serve:
            return "miss"
        if not self.gate.is_serving:
            return "shadow_hit"
        return "audit" if self.gate.wants_audit(choice) else "hit"

    def _judge(self, held: _Tenant, arrival: Arrival, choice: Choice, status: Status) -> None:
        is_same = not self._is_wrong(choice, arrival)
        if self._random.random() < self._judge_error:
            is_same = not is_same
        record = self._records.get(choice.answer_id, Record())
        self._records[choice.answer_id] = Record(record.n_right + is_same, record.n_wrong + (not is_same))
        self._keep(held, arrival, self._answer_of(arrival, choice, is_same))
        source: Source = "audit" if status == "audit" else "miss"
        share = choice.audit_share if status == "audit" else 1.0
        self._note(
            self.gate.learn(
                Judgement(
                    float(self._n),
                    source,
                    choice.features,
                    choice.p_same,
                    choice.would_serve,
                    float(is_same),
                    share,
                )
            )
        )
        if self.gate.refit_due:
            self._note(self.gate.refit())

    def _answer_of(self, arrival: Arrival, choice: Choice, is_same: bool) -> str:
        if self.gate.is_alias(choice, is_same=is_same):
            return choice.answer_id
        for rival in choice.rivals[: self._n_compared - 1]:
            if (self._class_of[rival] == arrival.cls) ^ (self._random.random() < self._judge_error):
                return rival
        return str(self._n)

    def _keep(self, held: _Tenant, arrival: Arrival, answer_id: str) -> None:
        if answer_id == str(self._n):
            self._class_of[answer_id] = arrival.cls
        held.index.add(self._texts.vector(arrival.text))
        held.texts.append(arrival.text)
        held.answers.append(answer_id)
        own = f"{self._n}:own"  # the same text again gets the answer that was made for it
        self._class_of[own] = arrival.cls
        held.by_text[arrival.text] = own
        self._sizes[answer_id] += 1

    def _is_wrong(self, choice: Choice, arrival: Arrival) -> bool:
        return self._class_of[choice.answer_id] != arrival.cls

    def _note(self, change: Change | None) -> None:
        if change is not None:
            self.changes.append((self._n, change))
