"""What a judge's preferences say: which arm it likes better, and how far the order or the length decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from stepwell.evals.entries import Compared
from stepwell.evals.verdict.fixed import LEVEL, Matched, make_pair, match
from stepwell.evals.verdict.means import mean_interval
from stepwell.evals.verdict.pair import Pair
from stepwell.evals.verdict.several import holm, holm_levels
from stepwell.evals.verdict.shares import wilson

TIE = 0.5
# places of answers in a prompt
FIRST = "first"
SECOND = "second"


@dataclass(frozen=True, slots=True)
class Preference:
    """How a judge likes arm `a` against arm `b`.

    Attributes:
        form: How the judge was asked.
        score: Mean over rows of a's score, 1 won, .5 tied, 0 lost; None where no row was judged.
        low, high: 95 % interval of it.
        n_inconsistent: Comparisons whose two orders gave different verdicts.
        n_first: Of those that turned with the order, how many went to the answer that stood first.
        n_turned: Comparisons that the same place won in both orders.
        n_longer_won: Of `n_uneven` that were won, between answers of different length, those won by the longer.
        longer_low, longer_high: 95 % interval of that share: clear of 1/2, the judge may like length itself.
        pair: Verdict on the scores; its `difference` is a's score less b's, so 2 * score - 1.
    """

    a: str
    b: str
    judge: str
    n_rows: int
    score: float | None
    low: float
    high: float
    n_won: int
    n_tied: int
    n_lost: int
    n_inconsistent: int
    n_turned: int
    n_first: int
    n_uneven: int
    n_longer_won: int
    longer_low: float
    longer_high: float
    n_errors: int
    nano_usd: int
    pair: Pair
    form: str = ""

    @property
    def n_judged(self) -> int:
        return self.n_won + self.n_tied + self.n_lost

    @property
    def inconsistent_share(self) -> float | None:
        return self.n_inconsistent / self.n_judged if self.n_judged else None

    @property
    def longer_share(self) -> float | None:
        return self.n_longer_won / self.n_uneven if self.n_uneven else None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What else the preference may rest on, for people."""
        said = []
        if self.n_turned:
            place = "first" if self.n_first * 2 >= self.n_turned else "second"
            n_place = max(self.n_first, self.n_turned - self.n_first)
            said.append(
                f"{self.n_turned} of {self.n_judged} verdicts turned with the order ({n_place} for the {place}); "
                "they count as ties"
            )
        if self.longer_share is not None and not self.longer_low <= TIE <= self.longer_high:
            liked = "longer" if self.longer_share > TIE else "shorter"
            share = self.longer_share if liked == "longer" else 1 - self.longer_share
            said.append(f"the {liked} answer won {share:.0%} of {self.n_uneven}: length may have decided")
        return tuple(said)

    def as_dict(self) -> dict[str, object]:
        """Plain values for --json."""
        shares = {"inconsistent_share": self.inconsistent_share, "longer_share": self.longer_share}
        return {**asdict(self), **shares, "remarks": list(self.remarks)}


def preferences(
    compared: Iterable[Compared],
    *,
    clusters: Mapping[str, str] | None = None,
    margin: float | None = None,
    level: float = LEVEL,
) -> tuple[Preference, ...]:
    """One for each judge, form and pair of arms, in the order of their names; whatever order the lines came in.

    Args:
        clusters: Row -> the source it comes from.
        margin: Of the verdict, in a's score less b's: 0.1 is 55 to 45.
    """
    by_pair: dict[tuple[str, str, str, str], list[Compared]] = defaultdict(list)
    for line in {line.key: line for line in compared}.values():
        by_pair[line.judge, line.form, line.a, line.b].append(line)
    lines = [sorted(of, key=lambda c: (c.row, c.repeat, c.key)) for _, of in sorted(by_pair.items())]
    rows = [_row_means(of) for of in lines]
    matched = [_matched(of[0], means, clusters) for of, means in zip(lines, rows, strict=True)]
    raw = [m.evidence.p for m in matched]
    of_family = holm_levels(raw, level=level)
    pairs = [
        make_pair(m, p=p, inner=inner, margin=margin, level=level, alpha=1 - level)
        for m, p, inner in zip(matched, holm(raw), of_family, strict=True)
    ]
    return tuple(_preference(of, means, pair) for of, means, pair in zip(lines, rows, pairs, strict=True))


def _row_means(lines: Sequence[Compared]) -> dict[str, float]:
    by_row: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        if line.score is not None:
            by_row[line.row].append(line.score)
    return {row: fmean(scores) for row, scores in by_row.items()}


def _matched(line: Compared, means: Mapping[str, float], clusters: Mapping[str, str] | None) -> Matched:
    of_b = {row: 1 - score for row, score in means.items()}
    return match({line.a: means, line.b: of_b}, line.a, line.b, clusters=clusters)


def _preference(lines: Sequence[Compared], means: Mapping[str, float], pair: Pair) -> Preference:
    judged = [line for line in lines if line.score is not None]
    scores = list(means.values())
    turned = [line for line in judged if line.favours is not None]
    uneven = [line for line in judged if line.score != TIE and line.longer is not None]
    n_longer_won = sum((line.longer == line.a) == ((line.score or 0.0) > TIE) for line in uneven)
    low, high = mean_interval(scores)
    longer_low, longer_high = wilson(n_longer_won, len(uneven))
    return Preference(
        a=pair.a,
        b=pair.b,
        judge=lines[0].judge,
        n_rows=len(means),
        score=fmean(scores) if scores else None,
        low=low,
        high=high,
        n_won=sum((line.score or 0.0) > TIE for line in judged),
        n_tied=sum(line.score == TIE for line in judged),
        n_lost=sum((line.score or 0.0) < TIE for line in judged),
        n_inconsistent=sum(not line.is_consistent for line in judged),
        n_turned=len(turned),
        n_first=sum(line.favours == FIRST for line in turned),
        n_uneven=len(uneven),
        n_longer_won=n_longer_won,
        longer_low=longer_low,
        longer_high=longer_high,
        n_errors=len(lines) - len(judged),
        nano_usd=sum(line.nano_usd for line in lines),
        pair=pair,
        form=lines[0].form,
    )
