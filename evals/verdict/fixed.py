"""Arms against each other, once all rows are there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from stepwell.evals.verdict.evidence import Evidence, Flips, weigh
from stepwell.evals.verdict.means import mean_and_deviation, standardised
from stepwell.evals.verdict.needed import rows_to_settle
from stepwell.evals.verdict.pair import Effect, Pair, Word
from stepwell.evals.verdict.several import holm, holm_levels
from stepwell.evals.verdict.shares import odds_ratio

LEVEL = 0.95

Scores = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Matched:
    """Two arms on the rows that both have a score for, in the order of a's."""

    a: str
    b: str
    of_a: Sequence[float]
    of_b: Sequence[float]
    evidence: Evidence


def compare(
    by_arm: Mapping[str, Scores],
    *,
    clusters: Mapping[str, str] | None = None,
    baseline: str | None = None,
    margin: float | None = None,
    level: float = LEVEL,
    simultaneous: bool = False,
) -> tuple[Pair, ...]:
    """Every pair of arms, or each other arm against the baseline, from each arm's score by row.

    The word rests on the exact test or t; where rights and wrongs are few, the interval can clear 0 a row or
    two before the test does, and then the word is still "need more".

    Args:
        clusters: Row -> the source it comes from; rows without one stand for themselves.
        baseline: Compare with this arm alone: fewer pairs, so less is lost to looking at many.
        margin: Differences within it do not matter: an interval wholly inside is "tied".
        level: Of words and intervals.
        simultaneous: Widen each interval so that it agrees with the adjusted p; else each is for its pair alone.
    """
    matched = [match(by_arm, a, b, clusters=clusters) for a, b in asked_pairs(by_arm, baseline)]
    raw = [m.evidence.p for m in matched]
    of_family = holm_levels(raw, level=level)
    return tuple(
        make_pair(m, p=p, inner=inner, margin=margin, level=inner if simultaneous else level, alpha=1 - level)
        for m, p, inner in zip(matched, holm(raw), of_family, strict=True)
    )


def asked_pairs(by_arm: Mapping[str, Scores], baseline: str | None) -> list[tuple[str, str]]:
    """All pairs, or (other arm, baseline)."""
    if baseline is None:
        return list(combinations(by_arm, 2))
    return [(name, baseline) for name in by_arm if name != baseline and baseline in by_arm]


def match(by_arm: Mapping[str, Scores], a: str, b: str, *, clusters: Mapping[str, str] | None) -> Matched:
    """Line up two arms."""
    scores_b = by_arm[b]
    rows = [row for row in by_arm[a] if row in scores_b]
    of_a, of_b = [by_arm[a][row] for row in rows], [scores_b[row] for row in rows]
    groups = None if not clusters else [clusters.get(row) or ("row", row) for row in rows]
    return Matched(a, b, of_a, of_b, weigh(_gaps(of_a, of_b), groups))


def _gaps(of_a: Sequence[float], of_b: Sequence[float]) -> list[float]:
    # .3 - .1 and .4 - .2 are the same difference
    return [round(x - y, 12) for x, y in zip(of_a, of_b, strict=True)]


def make_pair(
    m: Matched, *, p: float, inner: float, margin: float | None, level: float, alpha: float
) -> Pair:
    """Put a pair into words.

    Args:
        p: Adjusted.
        inner: Level of the interval that must lie within the margin, all pairs considered.
        level: Of the interval that is shown.
        alpha: p at or under it shows a difference.
    """
    word = say(m.evidence, p=p, inner=inner, margin=margin, alpha=alpha)
    return describe(m, word, m.evidence.interval(level), p=p, inner=inner, margin=margin, level=level)


def describe(
    m: Matched,
    word: Word,
    interval: tuple[float, float],
    *,
    p: float,
    inner: float,
    margin: float | None,
    level: float,
) -> Pair:
    """All that is told of a pair once its word and interval are known."""
    evidence = m.evidence
    needed, shows = _needed(evidence, margin, inner) if word == "need more" and m.of_a else (None, None)
    return Pair(
        a=m.a,
        b=m.b,
        n_rows=len(m.of_a),
        difference=evidence.difference,
        low=interval[0],
        high=interval[1],
        n_only_a=sum(x > y for x, y in zip(m.of_a, m.of_b, strict=True)),
        n_only_b=sum(x < y for x, y in zip(m.of_a, m.of_b, strict=True)),
        p=p,
        word=word,
        n_more=None if needed is None else max(1, needed - len(m.of_a)),
        shows=shows,
        margin=margin,
        method=evidence.method,
        odds=_odds(evidence, level),
        d_z=_d_z(m, level),
        saved=_saved(m),
        level=level,
    )


def say(evidence: Evidence, *, p: float, inner: float, margin: float | None, alpha: float) -> Word:
    """Within the margin is tied, even where a difference that small is sure; then better or worse."""
    low, high = evidence.interval(inner)
    if margin is not None and -margin <= low and high <= margin:
        return "tied"
    if p <= alpha and not low <= 0 <= high:
        return "better" if evidence.difference > 0 else "worse"
    return "need more"


def _needed(evidence: Evidence, margin: float | None, level: float) -> tuple[int, float]:
    """Rows in all, and what they show or rule out; never fewer than the exact test can show anything with."""
    rows, shows = rows_to_settle(evidence.difference, evidence.square, evidence.n, margin=margin, level=level)
    return max(rows, evidence.least_rows(level)), shows


def _odds(evidence: Evidence, level: float) -> Effect | None:
    if not isinstance(evidence, Flips) or evidence.size != 1 or evidence.n_only_a + evidence.n_only_b == 0:
        return None
    value, low, high = odds_ratio(evidence.n_only_a, evidence.n_only_b, level=level)
    return Effect(_finite(value), low, _finite(high))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _d_z(m: Matched, level: float) -> Effect | None:
    if isinstance(m.evidence, Flips):
        return None
    mean, deviation = mean_and_deviation(_gaps(m.of_a, m.of_b))
    return Effect(*standardised(mean, deviation, len(m.of_a), level=level)) if deviation else None


def _saved(m: Matched) -> float | None:
    """1 - var(a - b) / (var a + var b)."""
    apart = sum(mean_and_deviation(of)[1] ** 2 for of in (m.of_a, m.of_b))
    together = mean_and_deviation(_gaps(m.of_a, m.of_b))[1] ** 2
    return 1 - together / apart if apart else None
