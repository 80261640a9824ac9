"""English as the division into sentences knows it: abbreviations, and words by the case they are written in."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Known:
    """What Punkt knows of a language; all words in small letters.

    Attributes:
        abbreviations: Without their last point.
        starters: Words that often start a sentence.
        small: Words seen in small letters.
        capital_within: Those of them that were also seen with a capital within a sentence.
        small_first: Words seen first in a sentence in small letters and never with a capital.
        pairs: Two words that belong together though a point stands between them.
    """

    abbreviations: Set[str]
    starters: Set[str]
    small: Set[str]
    capital_within: Set[str]
    small_first: Set[str] = frozenset()
    pairs: Set[tuple[str, str]] = frozenset()

    def is_seen_small(self, kind: str) -> bool:
        """The word is no name."""
        return kind in self.small

    def is_first_when_capital(self, kind: str) -> bool:
        """With a capital, the word can only be a sentence's first."""
        return kind in self.small and kind not in self.capital_within

    def may_start_small(self, kind: str) -> bool:
        """The word may start a sentence in small letters."""
        return kind in self.small_first


@cache
def english() -> Known:
    """Words of our own choice, each put where NLTK's answers about it put it: english.txt.

    They are the words of our suites and common first words of sentences; of a word that isn't there, Punkt
    thinks as of a name.
    """
    text = (resources.files("stepwell.evals.scoring.ifeval") / "english.txt").read_text("utf-8")
    named = dict(part.split("]\n", 1) for part in text.split("[")[1:])
    words = {name: frozenset(listed.split()) for name, listed in named.items()}
    both = words["small or capital"]
    return Known(words["abbreviations"], words["starters"], words["small"] | both, both)
