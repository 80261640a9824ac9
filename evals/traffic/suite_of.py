"""A suite of logged traffic: masked, each ask once, drawn evenly, with a target where the log gives one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from stepwell.base.config.traffic import MASKED
from stepwell.base.errors import BadRequest
from stepwell.evals.traffic.alike import alike
from stepwell.evals.traffic.masked import masked_rows
from stepwell.evals.traffic.named import with_plain_names
from stepwell.evals.traffic.redecide import ask_of
from stepwell.evals.traffic.strata import drawn_evenly
from stepwell.router.features import read_ask
from stepwell.router.tasks import read_task
from stepwell.traffic_line import Logged

BY = ("tier", "kind", "difficulty")
APPROVED = 0.75
RUBRIC = "The answer does what the user asks: it is correct, complete, and says nothing that was not wanted."
_HITS = ("hit", "semantic_hit")
_LEVELS = ((0.34, "easy"), (0.67, "middling"), (2.0, "hard"))


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """What is drawn, and how.

    Attributes:
        by: Drawn evenly over these: "tier", "kind", "difficulty".
        rubric: What a judge grades by where there is no target.
        checks: What is masked where a row is not, yet.
    """

    n: int = 200
    by: Sequence[str] = ("tier", "kind")
    seed: int = 0
    rubric: str | None = None
    checks: Sequence[str] = MASKED


class Told(msgspec.Struct, frozen=True):
    """What became of the log.

    Attributes:
        n_usable: Requests with text that can be asked again; `n_distinct` of them say different things.
        n_approved: Drawn rows whose target is an answer that people approved.
        n_dearest: Those whose target is an answer of `dearest`, the tier whose calls cost most.
        n_open: Those without a target: a judge grades them by the rubric.
        strata: Drawn rows by stratum.
    """

    n_logged: int
    n_usable: int
    n_distinct: int
    n_drawn: int
    n_approved: int
    n_dearest: int
    n_open: int
    dearest: str
    strata: dict[str, int]

    @property
    def said(self) -> tuple[str, ...]:
        """In plain sentences."""
        if not self.n_usable:
            return (
                "No request of the log can be asked again: it holds no text (traffic.keep: masked keeps it).",
            )
        return (
            f"{self.n_usable:,} of {self.n_logged:,} requests can be asked again; {self.n_distinct:,} say different "
            f"things; {self.n_drawn:,} drawn over {len(self.strata)} strata, each with its weight.",
            f"Targets: {self.n_approved:,} answers that people approved, {self.n_dearest:,} by "
            f"{self.dearest or 'the dearest tier'} (check some: they are taken as right), {self.n_open:,} without.",
            "A judge must grade them: stepwell eval run SUITE --judge TIER.",
        )


@dataclass(slots=True)
class Made:
    """The suite's lines, and what became of the log."""

    told: Told
    lines: list[dict[str, object]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Sample:
    """One ask and all requests that said nearly the same."""

    row: Logged
    ask: str
    kind: str
    difficulty: str
    n_alike: int


def suite_of(rows: Sequence[Logged], options: SuiteOptions) -> Made:
    """Make a suite of a log.

    Raises:
        BadRequest: The options ask for something that is not there.
    """
    _check(options)
    rows = list(with_plain_names(rows, options.checks))
    usable = [(row, ask) for row in rows if _can_be_asked(row) and (ask := ask_of(row)) is not None]
    dearest = _dearest(rows)
    samples = list(_distinct(usable, dearest))
    drawn = drawn_evenly(
        samples,
        options.n,
        stratum=lambda s: tuple(_stratum(s, options.by)),
        name=lambda s: s.row.id,
        seed=options.seed,
    )
    # a stratum's weight is of its asks; each stands for all requests that said the same
    masked = dict(
        zip([s.row.id for s, _ in drawn], masked_rows([s.row for s, _ in drawn], options.checks), strict=True)
    )
    lines = [
        (s, _line(s, weight, masked[s.row.id], dearest, options))
        for s, weight in drawn
        if masked[s.row.id].messages
    ]
    sources = Counter(_source(s.row, dearest) for s, _ in lines)
    strata = Counter("/".join(_stratum(s, options.by)) or "all" for s, _ in lines)
    told = Told(
        n_logged=len(rows),
        n_usable=len(usable),
        n_distinct=len(samples),
        n_drawn=len(lines),
        n_approved=sources["approved"],
        n_dearest=sources["dearest"],
        n_open=sources["open"],
        dearest=dearest,
        strata=dict(sorted(strata.items())),
    )
    return Made(told, [line for _, line in lines])


def _check(options: SuiteOptions) -> None:
    unknown = [name for name in options.by if name not in BY]
    if unknown:
        raise BadRequest(f"stratify by {', '.join(BY)}, not by {unknown[0]!r}")
    if options.n < 1:
        raise BadRequest(f"a suite needs at least one row; got {options.n}")


def _can_be_asked(row: Logged) -> bool:
    """It has text, a tier answered it, and a person's words stand last."""
    return (
        bool(row.messages)
        and row.cache not in _HITS
        and row.messages[-1].get("role") == "user"
        and bool(row.served)
    )


def _dearest(rows: Sequence[Logged]) -> str:
    """The tier whose calls cost most on average, as recorded."""
    costs: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.served and row.cost_usd is not None and row.cache not in _HITS:
            costs[row.served].append(row.cost_usd)
    return max(costs, key=lambda tier: (sum(costs[tier]) / len(costs[tier]), tier), default="")


def _distinct(usable: Sequence[tuple[Logged, str]], dearest: str) -> Iterator[_Sample]:
    groups: dict[int, list[int]] = defaultdict(list)
    # what stands before the last ask is part of what is asked
    for place, first in enumerate(alike([f"{_before(row)}\n{ask}" for row, ask in usable])):
        groups[first].append(place)
    rank = {"approved": 0, "dearest": 1, "open": 2}
    for of in groups.values():
        place = min(of, key=lambda p: (rank[_source(usable[p][0], dearest)], p))
        row, ask = usable[place]
        task = read_task(read_ask(ask))
        level = next(
            name for top, name in _LEVELS if (task.difficulty if row.need is None else row.need) < top
        )
        yield _Sample(row, ask, task.kind, level, len(of))


def _before(row: Logged) -> str:
    return " ".join(str(m.get("content")) for m in row.messages[:-1])


def _stratum(s: _Sample, by: Sequence[str]) -> list[str]:
    values = {"tier": s.row.served, "kind": s.kind, "difficulty": s.difficulty}
    return [values[name] for name in by]


def _source(row: Logged, dearest: str) -> str:
    """Where the row's target comes from."""
    if not row.answer:
        return "open"
    if row.scores.get(row.served, 0.0) >= APPROVED:
        return "approved"
    said_no = row.served in row.scores
    return "dearest" if row.served == dearest and not said_no else "open"


def _line(
    s: _Sample, weight: float, masked: Logged, dearest: str, options: SuiteOptions
) -> dict[str, object]:
    source = _source(s.row, dearest)
    tags = [f"tier:{s.row.served}", f"kind:{s.kind}", f"difficulty:{s.difficulty}", f"target:{source}"]
    line: dict[str, object] = {
        "id": masked.id,
        "messages": masked.messages,
        "tags": [*tags, f"weight:{weight * s.n_alike:g}"],
    }
    if source != "open" and masked.answer:
        return line | {"target": masked.answer, "scorer": {"name": "graded", "reference": True}}
    return line | {"scorer": {"name": "graded", "reference": False, "rubric": options.rubric or RUBRIC}}
