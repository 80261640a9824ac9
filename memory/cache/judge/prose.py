"""Long prose: a small logistic model over words, numbers, stance and (where there is an embedder) cosines."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.memory.cache.judge.settled import stance_of
from stepwell.memory.cache.judge.words import Reading, read

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Cosines = tuple[float, float, float]

_SENTENCE_END = re.compile(r"(?<=[.!?:])\s")
_NEGATION = re.compile(r"\b(?:not|no|never|none|nothing|without|cannot|neither|nor)\b|n't\b")
EMBED_CHARS = 600  # an answer says what it is about where it begins

# Fitted on questions with two answers that say the same, and answers to questions that differ in one point, written
# for this project: tests/memory/cache/judge/answers.txt; fit.py beside it prints these.
_BY_WORDS = (4.12, 0.79, -1.66, 2.18, 0.05, -0.71, -0.9, 1.53, -0.54, -0.9, -2.73, -1.04, -1.73, -1.47)
_WITH_COSINES = (
    *(1.71, -0.04, -1.18, 0.11, 1.57, -0.87, -0.75, 1.48, -0.61, -1.08, -2.89, -0.69, -0.66),
    *(6.19, -3.61, 2.93, -5.77),
)
MIN_LOG_ODDS = 1.6  # on questions apart, which differ in one point, 5 % of the verdicts beyond it are wrong


@dataclass(frozen=True, slots=True)
class Prose:
    """One long answer: its plain text, and its words."""

    text: str
    reading: Reading

    @property
    def first(self) -> frozenset[str]:
        """Words of the first sentence."""
        return frozenset(read(_SENTENCE_END.split(self.text, maxsplit=1)[0]).words)

    @property
    def negations(self) -> float:
        """Share of words that negate."""
        return len(_NEGATION.findall(self.text)) / max(1, self.reading.n_all)


def by_words(query: Reading, fresh: Prose, cached: Prose) -> tuple[float, ...]:
    """What words say of two answers to (perhaps) the same question; each about 0..1."""
    asked, new, old = frozenset(query.words), frozenset(fresh.reading.words), frozenset(cached.reading.words)
    shared = len(new & old)
    stances = {stance_of(fresh.text), stance_of(cached.text)}
    return (
        shared / max(1, min(len(new), len(old))),
        shared / max(1, len(new | old)),
        _share(asked, new),
        _share(asked, old),
        len((asked & new) - old) / max(1, len(asked)),
        _share(fresh.first, old),
        _share(cached.first, new),
        *_numbers(fresh.reading.numbers, cached.reading.numbers),
        float(_leading_numbers_clash(fresh, cached)),
        float(stances == {"yes", "no"}),
        10 * abs(fresh.negations - cached.negations),
        abs(math.log((len(new) + 1) / (len(old) + 1))),
    )


def _share(part: frozenset[str], whole: frozenset[str]) -> float:
    return len(part & whole) / max(1, len(part))


def _numbers(new: frozenset[str], old: frozenset[str]) -> tuple[float, float]:
    """Share of the fewer numbers that both hold (half where there are none), and whether all differ."""
    if not new or not old:
        return 0.5, 0.0
    both = len(new & old)
    return both / min(len(new), len(old)), float(not both)


def _leading_numbers_clash(fresh: Prose, cached: Prose) -> bool:
    """Whether one answer begins with a number that the other holds nowhere, though it holds numbers."""
    new, old = fresh.reading.numbers, cached.reading.numbers
    leading = fresh.first - old, cached.first - new
    return bool(new and old) and any(word[0].isdigit() for words in leading for word in words)


def by_cosines(
    query: NDArray[np.float32], fresh: NDArray[np.float32], cached: NDArray[np.float32]
) -> Cosines:
    """What embeddings say, each of shape (dim,) and L2-normalised."""
    answered = float(query @ cached)
    return float(fresh @ cached), float(query @ fresh) - answered, answered


def log_odds(words: tuple[float, ...], cosines: Cosines | None) -> float:
    """Log-odds that two answers say the same; a verdict where they are at least MIN_LOG_ODDS either way.

    Args:
        words: From `by_words`.
        cosines: From `by_cosines`; None where there is no embedder.
    """
    return _log_odds(words, _BY_WORDS) if cosines is None else _log_odds(words + cosines, _WITH_COSINES)


def _log_odds(features: Sequence[float], weights: Sequence[float]) -> float:
    """The last weight is the intercept."""
    return sum(f * w for f, w in zip(features, weights[:-1], strict=True)) + weights[-1]
