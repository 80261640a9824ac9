"""Words whose letters were pulled apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepwell.guards.normalise.offsets import Edit, Folded, rewrite
from stepwell.guards.normalise.words import word_lengths

MIN_APART = 5
"""Letters in a row that stand alone; fewer are initials."""
MIN_MIXED = 12
"""Single characters in a row of which some are no letters; fewer are formulas."""
_APART = re.compile(rf"(?<!\S)\S(?:\s{{1,3}}+\S(?!\S)){{{MIN_APART - 1},}}+")
_GAPS = re.compile(r"\s+")
_SIGN = r"[.\-_*/|~+,]"
_ONE = r"(?:[^\W_]|[@$!])"
_ALONE = rf"{_ONE}(?![^\W_])"
# a search for signs is faster than one for letters
_HINT = re.compile(rf"{_SIGN}(?<=[^\W_].|[@$!].){_ONE}{_SIGN}{_ONE}{_SIGN}")
_ALL_ALONE = b"\1" * MIN_APART
_SIGNED = re.compile(rf"(?<![^\W_])({_ONE})({_SIGN})(?:{_ALONE}\2){{{MIN_APART - 2},}}+({_ALONE})?")
_SIGNED_SHORT = re.compile(rf"(?<![^\W_])({_ONE})({_SIGN})(?:{_ALONE}\2)*+({_ALONE})?")


def join(text: str) -> Folded | None:
    """The text with such words in one piece; None where there are none."""
    if _ALL_ALONE in word_lengths(text) and (done := rewrite(text, _gaps(text))) is not None:
        return done
    if _HINT.search(text) is None:
        return None
    for first in _SIGNED.finditer(text):
        if _is_worded(first[0][::2]):
            return rewrite(text, _signs(text, first[2]))
    return None


def _gaps(text: str) -> Iterator[Edit]:
    """One space between letters goes, more are the gap between words."""
    for m in _APART.finditer(text):
        stretch = m[0]
        letters = "".join(stretch.split())
        if not letters.isalpha() and (
            len(letters) < MIN_MIXED or 2 * sum(map(str.isalnum, letters)) < len(letters)
        ):
            continue
        for gap in _GAPS.finditer(stretch):
            start, end = m.start() + gap.start(), m.start() + gap.end()
            yield start, end, "" if end - start == 1 else " "


def _signs(text: str, sign: str) -> Iterator[Edit]:
    """Once one word is pulled apart by a sign, short words with it are no initials."""
    for m in _SIGNED_SHORT.finditer(text):
        letters = m[0][::2]
        if m[2] == sign and len(letters) > 1 and _is_worded(letters):
            for i in range(m.start() + 1, m.end() - (m[3] is None), 2):
                yield i, i + 1, ""


def _is_worded(characters: str) -> bool:
    return 2 * sum(map(str.isalpha, characters)) >= len(characters)
