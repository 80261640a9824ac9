"""The gate: what a report comes to, as an exit code with its reasons."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from stepwell.base.errors import ConfigError
from stepwell.evals.bounded import Bounds
from stepwell.evals.report import Report, TierReport
from stepwell.evals.scoring.graded.judge_report import JudgeReport, unmeasured, why_refused
from stepwell.evals.verdict.needed import round_up
from stepwell.evals.verdict.pair import Pair

EXIT_PASS = 0
EXIT_REGRESSION = 1
EXIT_INCONCLUSIVE = 2
EXIT_INFRASTRUCTURE = 3
# the graver first
_ORDER = (EXIT_INFRASTRUCTURE, EXIT_REGRESSION, EXIT_INCONCLUSIVE)
_WORDS = {
    EXIT_PASS: "pass",
    EXIT_REGRESSION: "regression",
    EXIT_INCONCLUSIVE: "inconclusive",
    EXIT_INFRASTRUCTURE: "infrastructure",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a gate asks for.

    Attributes:
        max_error_share: An arm with more samples than this without a score: no verdict.
        max_false_accepts: A judge that accepts more of the planted wrong answers isn't believed.
        min_quality: Least quality of every arm but the baseline.
        max_cost_usd: Most that a sample of such an arm may cost on average.

    Raises:
        ConfigError: A share or a quality outside 0..1, a negative cost, or one that is no number.
    """

    max_error_share: float = 0.1
    max_false_accepts: float = 0.15
    min_quality: float | None = None
    max_cost_usd: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_error_share", "max_false_accepts", "min_quality"):
            _check(name, getattr(self, name), most=1.0)
        _check("max_cost_usd", self.max_cost_usd, most=math.inf)


def _check(name: str, value: float | None, *, most: float) -> None:
    if value is not None and not 0 <= value <= most:  # NaN is neither
        raise ConfigError(f"{name} must be 0 to {most:g}; got {value}")


@dataclass(frozen=True, slots=True)
class Gate:
    """The verdict; `reasons` say all that stood against a pass, the gravest first; `notes` what else to know."""

    exit_code: int
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        return _WORDS[self.exit_code]


def gate(report: Report, limits: Limits = Limits()) -> Gate:
    """3 too many errors, 1 an arm is worse than the baseline or than it must be, 2 not enough to say, else 0.

    Without a baseline nothing can regress against one: the run passes once it is whole. Errors are no scores, but
    their rows may be the hard ones: a pass takes that no arm is shown to be worse even where all of its errors are
    wrong answers and the baseline's are right ones. A regression is one by the scores that there are; where errors
    could change a word, a note says so.
    """
    found = sorted(_found(report, limits), key=lambda f: _ORDER.index(f[0]))
    code = found[0][0] if found else EXIT_PASS
    told = {reason for _, reason in found}
    said = [s for j in report.judges if (s := j.said(limits.max_false_accepts)) not in told]
    notes = [
        *said,
        *_corrected(report),
        *_open(report),
        *(remark for p in report.preferences for remark in p.remarks),
    ]
    if report.question.baseline is None and limits.min_quality is None:
        notes.append("no baseline and no least quality were named: a pass says only that the run is whole")
    return Gate(code, tuple(reason for _, reason in found), tuple(notes))


def _found(report: Report, limits: Limits) -> Iterator[tuple[int, str]]:
    for tier in report.tiers:
        # each by itself: among many arms the errors of one would not be seen
        if tier.n_errors > limits.max_error_share * tier.n_ended:
            yield EXIT_INFRASTRUCTURE, _broken(tier)
    if not report.is_whole:
        yield EXIT_INCONCLUSIVE, f"{report.n_ended:,} of {report.n_planned:,} samples ended"
    graders = [j for j in report.judges if not j.is_pair]
    refused = why_refused(graders, limits.max_false_accepts) if report.is_graded else ()
    for reason in (*refused, *_unbelieved(report, limits)):
        yield EXIT_INCONCLUSIVE, reason
    for code, reason in _of_quality(report, limits):
        # what a judge says that isn't believed is no regression either
        yield EXIT_INCONCLUSIVE if refused else code, reason
    for tier in _challengers(report):
        yield from _by_cost(tier, limits)


def _unbelieved(report: Report, limits: Limits) -> Iterator[str]:
    """Why there is no preference between two arms: of all that compared them no judge is believed."""
    judges = {(j.judge, j.form): j for j in report.judges}
    by_pair: dict[tuple[str, str], list[JudgeReport]] = {}
    for p in report.preferences:
        judge = judges.get((p.judge, p.form)) or unmeasured(p.judge, p.form)
        by_pair.setdefault((p.a, p.b), []).append(judge)
    lost = (of for of in by_pair.values() if not any(j.is_believed(limits.max_false_accepts) for j in of))
    yield from dict.fromkeys(j.said(limits.max_false_accepts) for of in lost for j in of)


def _broken(tier: TierReport) -> str:
    codes = ", ".join(f"{n:,} {code}" for code, n in tier.errors.items())
    return f"{tier.tier}: {tier.n_errors:,} of {tier.n_ended:,} samples ended as errors ({codes})"


def _of_quality(report: Report, limits: Limits) -> Iterator[tuple[int, str]]:
    yield from _against(report)
    for tier in _challengers(report):
        yield from _by_itself(tier, limits)


def _challengers(report: Report) -> Iterator[TierReport]:
    return (tier for tier in report.tiers if tier.tier != report.question.baseline)


def _corrected(report: Report) -> Iterator[str]:
    for arm, c in report.corrected.items():
        yield f"{arm} without the judge's errors: {c.quality:.3f} [{c.low:.3f}, {c.high:.3f}]"


def _against(report: Report) -> Iterator[tuple[int, str]]:
    baseline = report.question.baseline
    if baseline is None:
        return
    pairs = [p.seen_from(p.b if p.a == baseline else p.a) for p in report.pairs if baseline in (p.a, p.b)]
    if not pairs:
        yield EXIT_INCONCLUSIVE, f"nothing was compared with {baseline}"
    for pair in pairs:
        if pair.is_not_worse:
            yield from _hidden(report, pair)
        elif pair.word == "worse":
            yield EXIT_REGRESSION, f"{pair.a} is worse than {baseline}: {_sized(pair)}"
        else:
            yield EXIT_INCONCLUSIVE, f"{pair.a} against {baseline}: {_sized(pair)}{_more(pair)}"


def _hidden(report: Report, pair: Pair) -> Iterator[tuple[int, str]]:
    """A pass that rests on errors being no losses is none."""
    bounds = _bounds_of(report, pair)
    if bounds is not None and bounds.worst.word == "worse":
        hidden = f"errors may hide that {pair.a} is worse than {pair.b}"
        yield EXIT_INCONCLUSIVE, f"{hidden}: {_sized(bounds.worst)} if all of them are held against it"


def _open(report: Report) -> Iterator[str]:
    """The words that errors could turn."""
    for pair in report.pairs:
        bounds = _bounds_of(report, pair)
        if bounds is not None and pair.is_decided and {bounds.worst.word, bounds.best.word} != {pair.word}:
            between = f"{bounds.worst.difference:+z.3f} to {bounds.best.difference:+z.3f}"
            yield f"errors could change what is said of {pair.a} and {pair.b}: with them it is {between}"


def _bounds_of(report: Report, pair: Pair) -> Bounds | None:
    of = (b for b in report.bounds if {b.worst.a, b.worst.b} == {pair.a, pair.b})
    return next((b.seen_from(pair.a) for b in of), None)


def _sized(pair: Pair) -> str:
    return f"{pair.difference:+z.3f} [{pair.low:+z.3f}, {pair.high:+z.3f}]"


def _more(pair: Pair) -> str:
    return "" if pair.n_more is None else f", needs about {round_up(pair.n_more):,} more rows"


def _by_itself(tier: TierReport, limits: Limits) -> Iterator[tuple[int, str]]:
    least = limits.min_quality
    if tier.quality is None:
        yield EXIT_INCONCLUSIVE, f"{tier.tier} has no score"
    elif least is not None and tier.low < least:
        code = EXIT_REGRESSION if tier.high < least else EXIT_INCONCLUSIVE
        yield (
            code,
            f"{tier.tier}: quality {tier.quality:.3f} [{tier.low:.3f}, {tier.high:.3f}], wanted {least}",
        )
    elif least is not None and tier.high * tier.n_scored < least * tier.n_ended:
        hidden = f"{tier.tier}: errors may hide a quality under {least}"
        yield EXIT_INCONCLUSIVE, f"{hidden}: {tier.n_errors:,} of {tier.n_ended:,} samples have no score"


def _by_cost(tier: TierReport, limits: Limits) -> Iterator[tuple[int, str]]:
    most = limits.max_cost_usd
    if most is not None and tier.n_ended and tier.cost_usd / tier.n_ended > most:
        yield (
            EXIT_REGRESSION,
            f"{tier.tier} costs ${tier.cost_usd / tier.n_ended:.3g} a request, over ${most:.3g}",
        )
