"""The report of a run: a pure function of its journal, whatever order the samples came in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from pathlib import Path
from statistics import fmean

from stepwell.evals.bounded import Bounds, bounds_of
from stepwell.evals.ends import ArmEnds, Ends
from stepwell.evals.entries import Header, JournalError, Outcome, read_header
from stepwell.evals.folder import RunFolder
from stepwell.evals.held import Held, read_run
from stepwell.evals.scoring.graded.corrected import Corrected, corrected_arms
from stepwell.evals.scoring.graded.judge_report import JudgeReport
from stepwell.evals.scoring.graded.preferences import Preference, preferences
from stepwell.evals.scoring.graded.relied import relied_on
from stepwell.evals.staged import ended_rows, looks_of, order_of
from stepwell.evals.suite import Suite
from stepwell.evals.verdict.fixed import LEVEL, compare
from stepwell.evals.verdict.means import mean_interval
from stepwell.evals.verdict.pair import Pair
from stepwell.evals.verdict.sequential import look

GRADED = "graded"


@dataclass(frozen=True, slots=True)
class Question:
    """What a verdict is about.

    Attributes:
        baseline: The arm that the others are judged against; None: each against each.
        margin: A difference within +-margin doesn't matter.
    """

    baseline: str | None = None
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class TagReport:
    """How one arm did on the rows of one tag; the interval is for this one alone."""

    tag: str
    tier: str
    n_rows: int
    quality: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TierReport:
    """How one tier did.

    Attributes:
        quality: Mean score over rows, repeats of a row averaged first; None where nothing was scored.
        low, high: 95 % interval of it.
        errors: Samples that ended without a score, by error code; no part of quality.
        served: Which tiers answered, where "auto" or a fallback chose.
        cost_nano_usd: Exact sum of what the arm's calls cost, errors included; `lost_nano_usd` of it went to failed
            tries. `judge_nano_usd` is apart.
        parts: Mean of each further figure of the scorers.
        p50_ttft_ms, p95_ttft_ms: Time to the first token, where answers were streamed.
    """

    tier: str
    n_rows: int
    n_scored: int
    quality: float | None
    low: float
    high: float
    cost_nano_usd: int
    lost_nano_usd: int
    judge_nano_usd: int
    in_tokens: int
    out_tokens: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    errors: Mapping[str, int]
    served: Mapping[str, int]
    n_degraded: int
    parts: Mapping[str, float] = field(default_factory=dict)
    p50_ttft_ms: float | None = None
    p95_ttft_ms: float | None = None

    @property
    def cost_usd(self) -> float:
        return self.cost_nano_usd / 1e9

    @property
    def n_errors(self) -> int:
        return sum(self.errors.values())

    @property
    def n_ended(self) -> int:
        return self.n_scored + self.n_errors


@dataclass(frozen=True, slots=True)
class Report:
    """All of it: what the arms did, what can be said of each pair, and what that rests on.

    `n_ended` < `n_planned` means that the run stopped early (budget, or killed). `corrected` is, by arm, what graded
    answers would come to without the judge's errors; `judges` are all that graded or compared this run's answers,
    measured or not; `bounds` are of the pairs that lack rows for errors."""

    suite: str
    suite_sha256: str
    n_planned: int
    n_ended: int
    tiers: tuple[TierReport, ...]
    pairs: tuple[Pair, ...]
    question: Question = Question()
    tags: tuple[TagReport, ...] = ()
    judge_nano_usd: int = 0
    judges: tuple[JudgeReport, ...] = ()
    preferences: tuple[Preference, ...] = ()
    corrected: Mapping[str, Corrected] = field(default_factory=dict)
    is_graded: bool = False
    bounds: tuple[Bounds, ...] = ()

    @property
    def cost_usd(self) -> float:
        """Answers and judges."""
        return (sum(t.cost_nano_usd + t.judge_nano_usd for t in self.tiers) + self.judge_nano_usd) / 1e9

    @property
    def n_errors(self) -> int:
        return sum(t.n_errors for t in self.tiers)

    @property
    def is_whole(self) -> bool:
        """Every planned sample ended, or a run that looks on its way had its verdict before."""
        is_settled = bool(self.pairs) and all(p.look and p.is_decided for p in self.pairs)
        return self.n_ended >= self.n_planned > 0 or is_settled

    def as_dict(self, *, with_times: bool = True) -> dict[str, object]:
        """Plain values for --json.

        Args:
            with_times: Without, two runs that got the same answers are the same.
        """
        return {
            **asdict(self),
            "tiers": [_plain(t, with_times=with_times) for t in self.tiers],
            "cost_usd": self.cost_usd,
        }


def _plain(tier: TierReport, *, with_times: bool) -> dict[str, object]:
    values = {**asdict(tier), "cost_usd": tier.cost_usd}
    return values if with_times else {name: v for name, v in values.items() if not name.endswith("_ms")}


def from_journal(path: str | Path, *, suite: Suite | None = None, question: Question | None = None) -> Report:
    """The report of what a journal holds.

    Args:
        suite: The rows that were asked: with them, only the last run on this journal counts.
        question: In place of the one that the run was started with.

    Raises:
        JournalError: It can't be read, or the rows are of another run.
    """
    header = read_header(path)
    if header is not None and suite is not None and header.suite_sha256 != suite.sha256:
        raise JournalError(f"{path}: the rows beside it are not those that its last run asked")
    held = read_run(path, () if suite is None else suite.rows)
    return report_of(held, suite=suite, question=question)


def from_folder(folder: RunFolder, *, question: Question | None = None) -> Report:
    """The report of a run's folder.

    Raises:
        JournalError: It can't be read.
    """
    suite = folder.read_suite() if folder.suite.is_file() else None
    return from_journal(folder.journal, suite=suite, question=question)


def report_of(held: Held, *, suite: Suite | None = None, question: Question | None = None) -> Report:
    """The report of a journal that was read."""
    made = make_report(held.header, held.ends, suite=suite, question=question)
    margin = made.question.margin
    # a's score less b's is twice what a won above one half
    liked = preferences(
        held.compared.values(),
        clusters=None if suite is None else clusters_of(suite),
        margin=None if margin is None else 2 * margin,
    )
    graded = () if suite is None else (row for row in suite.rows if row.scorer == GRADED)
    judges = relied_on(held.header or Header("", "", 0), graded, liked, held.planted.values())
    return replace(
        made,
        judge_nano_usd=held.judge_nano_usd,
        judges=judges,
        corrected={} if suite is None else corrected_arms(held.ends.scores(), suite.rows, judges),
        preferences=liked,
        is_graded=suite is not None and any(row.scorer == GRADED for row in suite.rows),
    )


def make_report(
    header: Header | None,
    outcomes: Ends | Iterable[Outcome],
    *,
    suite: Suite | None = None,
    question: Question | None = None,
) -> Report:
    """Sum up outcomes, arms in the order they were named.

    Of several outcomes with the same row, arm and repeat the last one counts.
    """
    header = header or Header("", "", 0)
    asked = question or Question(header.baseline, header.margin)
    by_tier = by_arm(outcomes if isinstance(outcomes, Ends) else Ends.of(outcomes), header.tiers)
    means = {name: _row_means(by_tier[name]) for name in by_tier}
    n_ended = sum(len(of_tier) for of_tier in by_tier.values())
    pairs = pairs_of(header, by_tier, suite, asked)
    return Report(
        suite=header.suite,
        suite_sha256=header.suite_sha256,
        n_planned=header.n_planned or n_ended,
        n_ended=n_ended,
        tiers=tuple(_tier(name, by_tier[name], list(means[name].values())) for name in by_tier),
        pairs=pairs,
        question=asked,
        tags=() if suite is None else tuple(_tags(means, suite)),
        bounds=bounds_of(by_tier, pairs, clusters=None if suite is None else clusters_of(suite)),
    )


def pairs_of(
    header: Header, by_arm: Mapping[str, ArmEnds], suite: Suite | None, asked: Question
) -> tuple[Pair, ...]:
    """What can be said of each pair of arms; of a run that looks on its way, at the looks it has reached.

    Args:
        by_arm: As of `by_arm`.
    """
    means = {arm: _row_means(ends) for arm, ends in by_arm.items()}
    rows = () if suite is None else suite.rows
    clusters = None if suite is None else clusters_of(suite)
    looks = looks_of(header)
    if looks is None:
        return compare(
            means, clusters=clusters, baseline=asked.baseline, margin=asked.margin, simultaneous=True
        )
    named = [row.id for row in rows] or {row for of in by_arm.values() for row in of.rows()}
    return look(
        means,
        order_of(named, header.seed),
        looks,
        ended=ended_rows(header, {arm: of.rows() for arm, of in by_arm.items()}),
        clusters=clusters,
        baseline=asked.baseline,
        margin=asked.margin,
    )


def clusters_of(suite: Suite) -> dict[str, str] | None:
    """Row -> the source it comes from; None where rows name none."""
    return {row.id: row.cluster for row in suite.rows if row.cluster} or None


def _tags(means: Mapping[str, Mapping[str, float]], suite: Suite) -> Iterator[TagReport]:
    """Every tag that has some rows, but not all, in the order of its first row."""
    rows: dict[str, list[str]] = {}
    for row in suite.rows:
        for tag in dict.fromkeys(row.tags):
            rows.setdefault(tag, []).append(row.id)
    for tag, of_tag in rows.items():
        for arm, scores in means.items():
            found = [scores[row] for row in of_tag if row in scores]
            if found and len(of_tag) < len(suite.rows):
                yield TagReport(tag, arm, len(found), fmean(found), *mean_interval(found, level=LEVEL))


def by_arm(ends: Ends, order: Sequence[str]) -> dict[str, ArmEnds]:
    """The last end of each sample, by tier; tiers in `order`, then by name; samples by row and repeat."""
    found = ends.by_arm()
    names = [*(t for t in order if t in found), *(t for t in found if t not in order)]
    return {name: found[name].each_once() for name in names}


def _tier(name: str, ends: ArmEnds, means: Sequence[float]) -> TierReport:
    of, scored = ends.all, ends.scored()
    low, high = mean_interval(means, level=LEVEL)
    waits = sorted(scored.values(of.ms))
    firsts = sorted(ms for ms in scored.values(of.ttft_ms) if not math.isnan(ms))
    return TierReport(
        tier=name,
        n_rows=len(means),
        n_scored=len(scored),
        quality=math.fsum(means) / len(means) if means else None,
        low=low,
        high=high,
        cost_nano_usd=sum(ends.values(of.nano_usd)),
        lost_nano_usd=sum(ends.values(of.lost_nano_usd)),
        judge_nano_usd=sum(ends.values(of.judge_nano_usd)),
        in_tokens=sum(ends.values(of.in_tokens)),
        out_tokens=sum(ends.values(of.out_tokens)),
        p50_ms=_percentile(waits, 0.50),
        p95_ms=_percentile(waits, 0.95),
        p99_ms=_percentile(waits, 0.99),
        errors=ends.counted(of.error),
        served=ends.counted(of.served),
        n_degraded=sum(ends.values(of.is_degraded)),
        parts=_parts(scored),
        p50_ttft_ms=_percentile(firsts, 0.50),
        p95_ttft_ms=_percentile(firsts, 0.95),
    )


def _parts(scored: ArmEnds) -> dict[str, float]:
    by_name: dict[str, list[float]] = {}
    for n in scored.places if scored.all.parts else ():
        for name, value in scored.all.parts.get(n, {}).items():
            by_name.setdefault(name, []).append(value)
    return {name: math.fsum(values) / len(values) for name, values in sorted(by_name.items())}


def _row_means(ends: ArmEnds) -> dict[str, float]:
    """Mean score by row."""
    of = ends.all
    by_row = groupby(ends.scored().places, key=of.row.__getitem__)
    return {of.rows[row]: fmean(map(of.score.__getitem__, places)) for row, places in by_row}


def _percentile(values: Sequence[float], share: float) -> float | None:
    """Nearest rank."""
    return values[max(0, math.ceil(share * len(values)) - 1)] if values else None
