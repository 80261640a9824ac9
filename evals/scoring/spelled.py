"""Numbers in English words, as lm-eval's BBH filters read them: with the regular expression they search by and the
arithmetic of word2number 1.1. Their corners are kept: "seven" alone is not found, "fourteen" is 4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ONES = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_VALUES = (
    {word: n for n, word in enumerate(_ONES + _TEENS)}
    | {word: 10 * n for n, word in enumerate(_TENS, start=2)}
    | {"hundred": 100}
    | _SCALES
)
# the words as they are searched for: roots take "teen" and "ty" freely, so "forteen" is one, too
_WHOLE = {"zero", "one", "two", "three", "four", "five", "ten", "eleven", "twelve", "fourteen", "hundred"}
_WHOLE |= {"thousand", "million", "billion", "trillion"}
_ROOTS = ("twen", "thir", "for", "fif", "six", "seven", "nine")
_SUFFIXED = {root + end for root in _ROOTS for end in ("teen", "ty")} | {"eighteen", "eighty"}
_CLOSES = _WHOLE | _SUFFIXED
_OPENS = _CLOSES | {"eight"}
_BETWEEN = _CLOSES | set(_ROOTS) | {",", "and", "&"}
_OPENING = re.compile("|".join(sorted(_OPENS, key=len, reverse=True)))
_FURTHER = re.compile("|".join(sorted(_BETWEEN, key=len, reverse=True)) + r"|[^\S\r\n]")


def spelled_numbers(text: str) -> list[str]:
    """Every number in words, in lower case, as it stands in the text. Takes time linear in its length."""
    found: list[str] = []
    lowered, at = text.lower(), 0
    while opening := _OPENING.search(lowered, at):
        end = _end_of(lowered, opening)
        if end is not None:
            found.append(lowered[opening.start() : end])
        at = opening.start() + 1 if end is None else end
    return found


def _end_of(text: str, opening: re.Match[str]) -> int | None:
    """Where a number ends: behind the last closing word, and something stands between that and the opening one."""
    end = _closed(opening)
    n_pieces, at = 0, opening.end()
    while piece := _FURTHER.match(text, at):
        n_pieces, at = n_pieces + 1, piece.end()
        if n_pieces > 1:
            end = _closed(piece) or end
    return end


def _closed(piece: re.Match[str]) -> int | None:
    """Where a number ends that ends with this piece: "four" is tried before "fourteen", and is found in it."""
    if piece[0] not in _CLOSES:
        return None
    return piece.start() + len("four") if piece[0] == "fourteen" else piece.end()


def number_of(words: str) -> int | None:
    """The number that words make; None where word2number refuses them."""
    known = [word for word in words.replace("-", " ").lower().split() if word in _VALUES]
    if not known or any(known.count(scale) > 1 for scale in _SCALES):
        return None
    if len(known) == 1:
        return _VALUES[known[0]]
    places = {scale: known.index(scale) for scale in reversed(_SCALES) if scale in known}
    if list(places.values()) != sorted(places.values()):
        return None
    return _summed(known, places)


def _summed(known: Sequence[str], places: dict[str, int]) -> int | None:
    total, begin = 0, 0
    for scale, place in places.items():
        many = _below_thousand(known[begin:place])
        if many is None:
            return None
        total += many * _SCALES[scale]
        begin = place + 1
    # word2number looks behind the smallest scale that isn't the last word, so "two million ten thousand" is 2011010
    behind = next((p + 1 for p in reversed(places.values()) if p + 1 < len(known)), None)
    if behind is None and places:
        return total
    rest = _below_thousand(known[behind or 0 :])
    return None if rest is None else total + rest


def _below_thousand(words: Sequence[str]) -> int | None:
    values = [_VALUES[word] for word in words]
    if len(values) == 4:
        return values[0] * values[1] + values[2] + values[3]
    if len(values) == 3:
        return values[0] * values[1] + values[2]
    if len(values) == 2:
        return values[0] * values[1] if 100 in values else sum(values)
    return values[0] if values else None
