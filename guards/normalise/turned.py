"""Stretches of text in rot13, or written backwards: they read more like a language when turned."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator

from stepwell.guards.normalise.letters import cost
from stepwell.guards.normalise.offsets import Edit

MIN_GAIN = 50
"""Half bits that a stretch has to be cheaper when turned, and so many for each word."""
MIN_GAIN_WORD = {"rot13": 12, "backwards": 6}
MIN_VOWELS = 0.19
"""Share of a, e, i, o, u in a text: languages have about 0.3, their rot13 0.16."""
_PATIENCE = 60
_WORD = re.compile(r"(?<![^\W_])(?<![+/])[A-Za-z]{2,24}(?![^\W_]|[+/])")
# pieces of frequent words (the, you, and, ing, tion, ment, to, all, that, me, is), turned; rare as they stand
_ROT13 = ("gur ", "lbh", "naq ", "vat ", "gvba", "zrag", " gb ", "nyy", "gung", " zr ", "vf ")
_BACKWARDS = (
    " eht",
    "uoy ",
    " dna",
    " gni",
    " noit",
    " tnem",
    " ot ",
    " lla",
    " siht",
    " taht",
    " htiw",
    " si ",
)


def runs(text: str) -> list[Edit]:
    """Stretches that read better when turned, as they read then."""
    lower = text.lower()
    is_short_of_vowels = sum(map(lower.count, "aeiou")) < MIN_VOWELS * len(text)
    if (is_short_of_vowels or _has(lower, _ROT13)) and (found := list(_turned(text, "rot13", _rot13))):
        return found
    return list(_turned(text, "backwards", _backwards)) if _has(lower, _BACKWARDS) else []


def _has(lower: str, hints: tuple[str, ...]) -> bool:
    for hint in hints:  # noqa: SIM110 - any() with a generator takes twice as long
        if hint in lower:
            return True
    return False


def _rot13(stretch: str) -> str:
    return codecs.encode(stretch, "rot13")


def _backwards(stretch: str) -> str:
    return stretch[::-1]


def _turned(text: str, name: str, turn: Callable[[str], str]) -> Iterator[Edit]:
    """Stretches of words whose sum of gains is greatest (Kadane's way)."""
    min_gain_word = MIN_GAIN_WORD[name]
    start = end = best = total = n_words = n_best = 0
    for m in _WORD.finditer(text):
        word = m[0].lower()
        if total <= 0:
            start, best, total, n_words, n_best = m.start(), 0, 0, 0, 0
        total += cost(word) - cost(turn(word))
        n_words += 1
        if total > best:
            best, end, n_best = total, m.end(), n_words
        elif total < best - _PATIENCE:
            if best >= max(MIN_GAIN, min_gain_word * n_best):
                yield start, end, turn(text[start:end])
            total = best = 0
    if best >= max(MIN_GAIN, min_gain_word * n_best):
        yield start, end, turn(text[start:end])
