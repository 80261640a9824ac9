"""A pair of arms and what can be said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

Word = Literal["better", "worse", "tied", "need more"]
_SWAPPED: dict[Word, Word] = {"better": "worse", "worse": "better", "tied": "tied", "need more": "need more"}


class Effect(NamedTuple):
    """A size with its interval; `high` is None where there is no upper limit."""

    value: float | None
    low: float
    high: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Arm `a` against arm `b`, on the rows that both have a score for.

    Attributes:
        difference: Quality of a less quality of b.
        low, high: Interval of it.
        n_only_a, n_only_b: Rows that a, or b, did better.
        p: Two-sided, that there is no difference, adjusted over all pairs that were asked about (Holm).
        word: a is "better", "worse", "tied" within the margin, or it takes more rows to say.
        n_more: Further rows that would settle it with 90 % power, where the word is "need more".
        shows: The size of difference that those rows would show, or rule out.
        margin: Differences within it do not matter; None where none was given.
        method: Test and interval.
        odds: Matched odds ratio, where rows are right or wrong.
        d_z: Mean in standard deviations of the differences, where they are scores.
        saved: Share of the rows that asking both arms the same rows saved, against other rows for each.
        level: Of the interval.
        look, n_looks: Of a run that looked on the way, the look that this was said at; else None.
        is_early: It was said before all planned rows were asked.
    """

    a: str
    b: str
    n_rows: int
    difference: float
    low: float
    high: float
    n_only_a: int
    n_only_b: int
    p: float
    word: Word
    n_more: int | None
    shows: float | None = None
    margin: float | None = None
    method: str = "exact McNemar"
    odds: Effect | None = None
    d_z: Effect | None = None
    saved: float | None = None
    level: float = 0.95
    look: int | None = None
    n_looks: int | None = None
    is_early: bool = False

    @property
    def is_decided(self) -> bool:
        return self.word != "need more"

    @property
    def is_close(self) -> bool:
        """The interval clears 0, but the exact test does not yet: a few more rows like these decide it."""
        return not self.is_decided and not self.low <= 0 <= self.high

    @property
    def is_not_worse(self) -> bool:
        """a is better, or less than the margin worse at most; what a gate asks about."""
        return self.word in ("better", "tied") or (self.margin is not None and self.low >= -self.margin)

    def seen_from(self, arm: str) -> Pair:
        """The same pair with `arm` as its `a`.

        Raises:
            ValueError: The pair is not about that arm.
        """
        if arm == self.a:
            return self
        if arm != self.b:
            raise ValueError(f"the pair is about {self.a!r} and {self.b!r}, not {arm!r}")
        return replace(
            self,
            a=self.b,
            b=self.a,
            difference=-self.difference,
            low=-self.high,
            high=-self.low,
            n_only_a=self.n_only_b,
            n_only_b=self.n_only_a,
            word=_SWAPPED[self.word],
            odds=_inverse(self.odds),
            d_z=None if self.d_z is None else _minus(self.d_z),
        )


def _inverse(odds: Effect | None) -> Effect | None:
    if odds is None:
        return None
    value = None if odds.value == 0 else 0.0 if odds.value is None else 1 / odds.value
    return Effect(value, 0.0 if odds.high is None else 1 / odds.high, 1 / odds.low if odds.low else None)


def _minus(effect: Effect) -> Effect:
    value = None if effect.value is None else -effect.value
    return Effect(value, -effect.low if effect.high is None else -effect.high, -effect.low)
