"""What errors could change: a pair as it would be, had all samples without a score been wrong, or right."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from stepwell.evals.ends import ArmEnds
from stepwell.evals.verdict.fixed import LEVEL, Matched, make_pair, match
from stepwell.evals.verdict.pair import Pair
from stepwell.evals.verdict.several import holm, holm_levels

# row -> its mean score with errors as 0, and as 1
_Spans = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Both ends of what a pair could be (Manski 1990, Am. Econ. Rev. 80:319): nothing is supposed of errors.

    Rows that neither arm has a score for tell nothing of their difference, and are left out.

    Attributes:
        worst: Errors of the pair's `a` are wrong answers, those of `b` right ones.
        best: The other way round.
    """

    worst: Pair
    best: Pair

    def seen_from(self, arm: str) -> Bounds:
        """The same with `arm` as its `a`.

        Raises:
            ValueError: It is not about that arm.
        """
        if arm == self.worst.a:
            return self
        return Bounds(self.best.seen_from(arm), self.worst.seen_from(arm))


def bounds_of(
    by_arm: Mapping[str, ArmEnds], pairs: Sequence[Pair], *, clusters: Mapping[str, str] | None = None
) -> tuple[Bounds, ...]:
    """The bounds of each pair that errors take rows from, in their order."""
    broken = {arm for arm, ends in by_arm.items() if len(ends.scored()) < len(ends)}
    if not any(p.a in broken or p.b in broken for p in pairs):
        return ()
    spans = {arm: dict(_spans(ends)) for arm, ends in by_arm.items()}
    worst = _at_an_end(pairs, spans, clusters, of_a=0, of_b=1)
    best = _at_an_end(pairs, spans, clusters, of_a=1, of_b=0)
    return tuple(
        Bounds(low, high) for low, high in zip(worst, best, strict=True) if low.a in broken or low.b in broken
    )


def _spans(ends: ArmEnds) -> Iterator[tuple[str, tuple[float, float]]]:
    of = ends.all
    for row, places in groupby(ends.places, key=of.row.__getitem__):
        scores = [of.score[place] for place in places]
        found = [score for score in scores if not math.isnan(score)]
        total, n_lost = math.fsum(found), len(scores) - len(found)
        yield of.rows[row], (total / len(scores), (total + n_lost) / len(scores))


def _at_an_end(
    pairs: Sequence[Pair],
    spans: Mapping[str, _Spans],
    clusters: Mapping[str, str] | None,
    *,
    of_a: int,
    of_b: int,
) -> list[Pair]:
    matched = [_matched(p, spans[p.a], spans[p.b], clusters, of_a, of_b) for p in pairs]
    raw = [m.evidence.p for m in matched]
    levels = holm_levels(raw, level=LEVEL)
    return [
        make_pair(m, p=p, inner=inner, margin=pair.margin, level=inner, alpha=1 - LEVEL)
        for pair, m, p, inner in zip(pairs, matched, holm(raw), levels, strict=True)
    ]


def _matched(
    pair: Pair, a: _Spans, b: _Spans, clusters: Mapping[str, str] | None, of_a: int, of_b: int
) -> Matched:
    told = [row for row in a if row in b and not (_is_lost(a[row]) and _is_lost(b[row]))]
    ends = {pair.a: {row: a[row][of_a] for row in told}, pair.b: {row: b[row][of_b] for row in told}}
    return match(ends, pair.a, pair.b, clusters=clusters)


def _is_lost(span: tuple[float, float]) -> bool:
    """No sample of the row has a score."""
    return span == (0.0, 1.0)
