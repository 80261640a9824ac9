"""English as the division into sentences knows it: abbreviations, and words by the case they are written in."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """What Punkt knows of a language; all words in small letters.

    Attributes:
        abbreviations: Without their last point.
        pairs: Two words that belong together though a point stands between them.
        starters: Words that often start a sentence.
        small: Words seen in small letters.
        capital_within: Those of them that were also seen with a capital within a sentence.
        small_first: Words seen first in a sentence in small letters and never with a capital.
    """

    abbreviations: Set[str]
    pairs: Set[tuple[str, str]]
    starters: Set[str]
    small: Set[str]
    capital_within: Set[str]
    small_first: Set[str]

    def is_seen_small(self, kind: str) -> bool:
        """The word is no name."""
        return kind in self.small

    def is_first_when_capital(self, kind: str) -> bool:
        """With a capital, the word can only be a sentence's first."""
        return kind in self.small and kind not in self.capital_within

    def may_start_small(self, kind: str) -> bool:
        """The word may start a sentence in small letters."""
        return kind in self.small_first


ENGLISH = Known(
    abbreviations=frozenset(),
    pairs=frozenset(),
    starters=frozenset(),
    small=frozenset(),
    capital_within=frozenset(),
    small_first=frozenset(),
)
