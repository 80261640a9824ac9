"""Stretches of text in rot13, or written backwards: they read more like a language when turned."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stepwell.guards.normalise.letters import cost
from stepwell.guards.normalise.offsets import Edit

MIN_GAIN = 50
"""Half bits that a stretch has to be cheaper when turned, and so many for each word."""
MIN_GAIN_WORD = {"rot13": 12, "backwards": 6}
MAX_COST_PAIR = 9
"""Half bits for each pair of letters in what comes out; languages take 7 to 9, rot13 of them 12."""
MIN_VOWELS = 0.19
"""Share of a, e, i, o, u in a text: languages have about 0.3, their rot13 0.16."""
_PATIENCE = 60
_WORD = re.compile(r"(?<![^\W_])(?<![+/])[A-Za-z]{1,24}(?![^\W_]|[+/])")
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


@dataclass(slots=True)
class _Stretch:
    """Attributes:
    gain: What turning it saves.
    cost: Of the turned words; n_pairs: their pairs of letters.
    """

    start: int
    end: int = 0
    gain: int = 0
    cost: int = 0
    n_pairs: int = 0
    n_words: int = 0

    def with_word(self, end: int, word: str, turned: str) -> _Stretch:
        costs = cost(turned)
        gain = self.gain + cost(word) - costs
        return _Stretch(
            self.start, end, gain, self.cost + costs, self.n_pairs + len(word) + 1, self.n_words + 1
        )


def _turned(text: str, name: str, turn: Callable[[str], str]) -> Iterator[Edit]:
    """Stretches of words whose sum of gains is greatest (Kadane's way)."""
    best = now = _Stretch(0)
    for m in _WORD.finditer(text):
        if now.gain <= 0:
            best = now = _Stretch(m.start())
        word = m[0].lower()
        now = now.with_word(m.end(), word, turn(word))
        if now.gain > best.gain:
            best = now
        elif now.gain < best.gain - _PATIENCE:
            if _is_enough(best, name):
                yield best.start, best.end, turn(text[best.start : best.end])
            best = now = _Stretch(m.end())
    if _is_enough(best, name):
        yield best.start, best.end, turn(text[best.start : best.end])


def _is_enough(found: _Stretch, name: str) -> bool:
    is_gain = found.gain >= max(MIN_GAIN, MIN_GAIN_WORD[name] * found.n_words)
    return is_gain and found.cost <= MAX_COST_PAIR * found.n_pairs
