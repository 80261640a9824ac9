"""What the page and the Markdown show, ready counted: the one shape that both are written against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from stepwell.evals.scoring.graded.judge_report import JudgeReport
from stepwell.evals.scoring.graded.preferences import Preference
from stepwell.evals.verdict.pair import Pair


class Span(NamedTuple):
    """A value and its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """One column of the comparison.

    Attributes:
        is_routed: A router chose who answers, as a policy or "auto" does.
        quality: Mean score over rows; None where nothing was scored.
        cost_usd: What a sample's answer cost on average, failed tries included, the judge not.
        books: Dollars in all, by what they were paid for.
        waits_ms, firsts_ms: Percentiles by name, of whole answers and of first tokens.
        errors, served: Samples by error code; by tier that answered.
    """

    name: str
    is_routed: bool
    quality: Span | None
    n_rows: int
    n_samples: int
    cost_usd: float
    books: Mapping[str, float]
    n_in_tokens: int
    n_out_tokens: int
    waits_ms: Mapping[str, float]
    firsts_ms: Mapping[str, float]
    errors: Mapping[str, int]
    served: Mapping[str, int]
    parts: Mapping[str, float] = field(default_factory=dict)

    @property
    def n_errors(self) -> int:
        return sum(self.errors.values())


@dataclass(frozen=True, slots=True)
class TagFigures:
    """Quality of each arm on the rows of one tag, in the arms' order."""

    tag: str
    n_rows: int
    quality: tuple[Span | None, ...]


class Step(NamedTuple):
    """A point: dollars a request, and quality."""

    cost_usd: float
    quality: float


@dataclass(frozen=True, slots=True)
class Routed:
    """What the router did, beside the best blind mix of fixed arms at its cost.

    Attributes:
        over_mix: Mean score above that mix, paired by row; None where no mix costs as much.
        shares: Who answered, in the order of the fixed arms.
    """

    arm: str
    over_mix: Span | None
    shares: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Frontier:
    """Quality against cost.

    Attributes:
        hull: Corners of the best blind mixes of fixed arms, cheapest first.
        oracle: The cheapest right arm of each row, by who sees all scores; an upper bound.
        n_oracle_rows: Rows that all fixed arms were scored on.
    """

    hull: tuple[tuple[str, Step], ...]
    oracle: tuple[float, Span] | None
    n_oracle_rows: int
    routed: tuple[Routed, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is said above the samples.

    Attributes:
        gate: "pass", "regression", "inconclusive" or "infrastructure"; `reasons` say why, gravest first, and
            `notes` what else to know.
        cost_usd: Of answers and judges.
        n_rows_planned: None where the journal doesn't tell.
    """

    suite: str
    suite_sha256: str
    n_planned: int
    n_ended: int
    gate: str
    arms: tuple[ArmFigures, ...]
    pairs: tuple[Pair, ...]
    baseline: str | None
    cost_usd: float
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    judges: tuple[JudgeReport, ...] = ()
    preferences: tuple[Preference, ...] = ()
    tags: tuple[TagFigures, ...] = ()
    frontier: Frontier | None = None
    n_rows_planned: int | None = None

    @property
    def n_errors(self) -> int:
        return sum(arm.n_errors for arm in self.arms)
