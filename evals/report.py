"""The report of a run: a pure function of its journal, whatever order the samples came in."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from pathlib import Path
from statistics import fmean

from stepwell.evals.entries import Header, Held, Outcome, read_held
from stepwell.evals.verdict.fixed import LEVEL, compare
from stepwell.evals.verdict.means import mean_interval
from stepwell.evals.verdict.pair import Pair, Word

EXIT_PASS = 0
EXIT_REGRESSION = 1
EXIT_INCONCLUSIVE = 2
EXIT_INFRASTRUCTURE = 3

MAX_ERROR_SHARE = 0.1


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


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `n_ended` < `n_planned` means that the run stopped early (budget, or killed)."""

    suite: str
    suite_sha256: str
    n_planned: int
    n_ended: int
    tiers: tuple[TierReport, ...]
    pairs: tuple[Pair, ...]
    baseline: str | None = None
    judge_nano_usd: int = 0

    @property
    def cost_usd(self) -> float:
        """Answers and judges."""
        return (sum(t.cost_nano_usd + t.judge_nano_usd for t in self.tiers) + self.judge_nano_usd) / 1e9

    @property
    def exit_code(self) -> int:
        """As `gate` without a baseline."""
        return gate(self)

    def as_dict(self, *, with_times: bool = True) -> dict[str, object]:
        """Plain values for --json.

        Args:
            with_times: Without, two runs that got the same answers are the same.
        """
        return {
            **asdict(self),
            "tiers": [_plain(t, with_times=with_times) for t in self.tiers],
            "cost_usd": self.cost_usd,
            "exit_code": self.exit_code,
        }


def _plain(tier: TierReport, *, with_times: bool) -> dict[str, object]:
    values = {**asdict(tier), "cost_usd": tier.cost_usd}
    return values if with_times else {name: v for name, v in values.items() if not name.endswith("_ms")}


def from_journal(path: str | Path) -> Report:
    """The report of what a journal holds.

    Raises:
        JournalError: It can't be read.
    """
    return report_of(read_held(path))


def report_of(held: Held) -> Report:
    """The report of a journal that was read."""
    made = make_report(held.header, held.outcomes.values())
    return replace(made, judge_nano_usd=held.judge_nano_usd)


def make_report(header: Header | None, outcomes: Iterable[Outcome]) -> Report:
    """Sum up outcomes, tiers in the order they were named.

    Of several outcomes with the same row, tier and repeat the last one counts.
    """
    by_tier = _by_tier(outcomes, header.tiers if header else ())
    means = {name: _row_means(by_tier[name]) for name in by_tier}
    n_ended = sum(len(of_tier) for of_tier in by_tier.values())
    return Report(
        suite=header.suite if header else "",
        suite_sha256=header.suite_sha256 if header else "",
        n_planned=header.n_planned if header else n_ended,
        n_ended=n_ended,
        tiers=tuple(_tier(name, by_tier[name], list(means[name].values())) for name in by_tier),
        pairs=compare(means),
        baseline=header.baseline if header else None,
    )


def gate(report: Report, *, baseline: str | None = None) -> int:
    """The exit code: 3 too many errors, 2 not enough to say, 1 a tier is worse than `baseline`, else 0."""
    n_errors = sum(t.n_errors for t in report.tiers)
    if n_errors > MAX_ERROR_SHARE * max(1, report.n_ended):
        return EXIT_INFRASTRUCTURE
    words = {_seen_from(p, baseline) for p in report.pairs if baseline in (p.a, p.b)}
    if "worse" in words:
        return EXIT_REGRESSION
    if report.n_ended < report.n_planned or not report.n_ended or "need more" in words:
        return EXIT_INCONCLUSIVE
    return EXIT_PASS


def _seen_from(pair: Pair, baseline: str | None) -> Word:
    if pair.b == baseline or pair.word == "need more":
        return pair.word
    return "worse" if pair.word == "better" else "better"


def _by_tier(outcomes: Iterable[Outcome], order: Sequence[str]) -> dict[str, list[Outcome]]:
    """The last outcome of each sample, by tier; tiers in `order`, then by name; samples by row and repeat."""
    last = {(o.tier, o.row, o.repeat): o for o in outcomes}
    found = {tier for tier, _, _ in last}
    names = [*(t for t in order if t in found), *sorted(found.difference(order))]
    by_tier: dict[str, list[Outcome]] = {name: [] for name in names}
    while last:  # taken apart as it is grouped: the outcomes of a long run are large
        o = last.popitem()[1]
        by_tier[o.tier].append(o)
    for of_tier in by_tier.values():
        of_tier.sort(key=lambda o: (o.row, o.repeat))
    return by_tier


def _tier(name: str, outcomes: Sequence[Outcome], means: Sequence[float]) -> TierReport:
    scored = [o for o in outcomes if o.score is not None]
    low, high = mean_interval(means, level=LEVEL)
    waits = sorted(o.ms for o in scored)
    firsts = sorted(o.ttft_ms for o in scored if o.ttft_ms is not None)
    return TierReport(
        tier=name,
        n_rows=len(means),
        n_scored=len(scored),
        quality=math.fsum(means) / len(means) if means else None,
        low=low,
        high=high,
        cost_nano_usd=sum(o.nano_usd for o in outcomes),
        lost_nano_usd=sum(o.lost_nano_usd for o in outcomes),
        judge_nano_usd=sum(o.judge_nano_usd for o in outcomes),
        in_tokens=sum(o.in_tokens for o in outcomes),
        out_tokens=sum(o.out_tokens for o in outcomes),
        p50_ms=_percentile(waits, 0.50),
        p95_ms=_percentile(waits, 0.95),
        p99_ms=_percentile(waits, 0.99),
        errors=dict(sorted(Counter(o.error for o in outcomes if o.error is not None).items())),
        served=dict(sorted(Counter(o.served for o in outcomes if o.served is not None).items())),
        n_degraded=sum(o.is_degraded for o in outcomes),
        parts=_parts(scored),
        p50_ttft_ms=_percentile(firsts, 0.50),
        p95_ttft_ms=_percentile(firsts, 0.95),
    )


def _parts(scored: Sequence[Outcome]) -> dict[str, float]:
    names = sorted({name for o in scored for name in o.parts})
    found = {name: [o.parts[name] for o in scored if name in o.parts] for name in names}
    return {name: math.fsum(values) / len(values) for name, values in found.items()}


def _row_means(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """Mean score by row; wants outcomes sorted by row."""
    by_row = groupby((o for o in outcomes if o.score is not None), key=lambda o: o.row)
    return {row: fmean(o.score or 0.0 for o in of_row) for row, of_row in by_row}


def _percentile(values: Sequence[float], share: float) -> float | None:
    """Nearest rank."""
    return values[max(0, math.ceil(share * len(values)) - 1)] if values else None
