"""What a graded quality would be, had the judge made no errors."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from stepwell.evals.ends import Scored
from stepwell.evals.scoring.graded.judge_report import JudgeReport, Rate
from stepwell.evals.scoring.graded.options import read_options
from stepwell.evals.suite import Row
from stepwell.evals.verdict.student import z_of


@dataclass(frozen=True, slots=True)
class Corrected:
    """A share of right answers, corrected for the judge's errors.

    Attributes:
        low, high: Interval that knows how little is known of the judge, too, and that it may differ by style.
    """

    quality: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class _Share:
    value: float
    n: float

    @property
    def variance(self) -> float:
        return self.value * (1 - self.value) / self.n


def corrected(quality: float, n_rows: int, report: JudgeReport, *, level: float = 0.95) -> Corrected | None:
    """Correct a share of accepted answers by what the judge accepts of planted ones (Rogan & Gladen 1978).

    Nobody knows which style a tier's wrong answers have: the figure takes both styles as equally frequent, the
    interval reaches from the one to the other. Am. J. Epidemiol. 107:71; the interval is that of Lang & Reiczigel
    2014, Prev. Vet. Med. 113:13.

    Args:
        quality: Share of answers that the judge accepted, 0..1, on `n_rows` rows.

    Returns:
        None where the judge was not shown both right and wrong answers, or tells them no better than chance.
    """
    right, styles = report.right, [rate for rate in report.wrong if rate.n]
    if right is None or not right.n or not styles or not n_rows:
        return None
    pooled = _pooled(styles)
    value = _true(quality, right.n_accepted / right.n, pooled.n_accepted / pooled.n)
    spans = [_span(quality, n_rows, right, rate, level) for rate in (*styles, pooled)]
    known = [span for span in spans if span is not None]
    if value is None or len(known) < len(spans):
        return None
    return Corrected(value, min(low for low, _ in known), max(high for _, high in known))


def _pooled(styles: list[Rate]) -> Rate:
    return Rate("any", sum(r.n for r in styles), sum(r.n_accepted for r in styles), 0.0, 1.0)


def _true(seen: float, accepts_right: float, accepts_wrong: float) -> float | None:
    gap = accepts_right - accepts_wrong
    return min(1.0, max(0.0, (seen - accepts_wrong) / gap)) if gap > 0 else None


def _span(seen: float, n: int, right: Rate, wrong: Rate, level: float) -> tuple[float, float] | None:
    z = z_of(level)
    quality = _Share((n * seen + z * z / 2) / (n + z * z), n + z * z)
    of_right = _Share((right.n_accepted + 1) / (right.n + 2), right.n + 2)
    of_wrong = _Share((wrong.n_accepted + 1) / (wrong.n + 2), wrong.n + 2)
    gap = of_right.value - of_wrong.value
    if gap <= 0:
        return None
    true = (quality.value - of_wrong.value) / gap
    spread = quality.variance + true**2 * of_right.variance + (1 - true) ** 2 * of_wrong.variance
    shift = 2 * z * z * (true * of_right.variance - (1 - true) * of_wrong.variance)
    half = z * math.sqrt(spread) / gap
    return max(0.0, min(1.0, true + shift - half)), min(1.0, max(0.0, true + shift + half))


def corrected_arms(
    scores: Iterable[Scored], rows: Iterable[Row], judges: Sequence[JudgeReport]
) -> dict[str, Corrected]:
    """Arm -> corrected share of its answers that are right, over the rows that a judge calls right or wrong.

    Returns:
        Nothing where it is not one judge in one form that has graded them: errors of several can't be told apart.
    """
    graded = {r.id for r in rows if r.scorer == "graded" and read_options(r.options_json).highest == 1}
    of_grades = [report for report in judges if report.form.startswith("binary")]
    if len(of_grades) != 1:
        return {}
    found = (
        (arm, corrected(fmean(means), len(means), of_grades[0])) for arm, means in _means(scores, graded)
    )
    return {arm: value for arm, value in found if value is not None}


def _means(given: Iterable[Scored], rows: set[str]) -> list[tuple[str, list[float]]]:
    """By arm, in the order of names: a mean score for each row."""
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for o in given:
        if o.row in rows:
            scores[o.tier][o.row].append(o.score)
    return [(arm, [fmean(of_row) for _, of_row in sorted(of.items())]) for arm, of in sorted(scores.items())]
