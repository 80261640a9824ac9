"""Digits and signs that stand for letters inside words."""

from __future__ import annotations

import re

from stepwell.guards.normalise.letters import cost
from stepwell.guards.normalise.offsets import Edit, Folded, rewrite

MIN_WORDS = 2
"""Words that are surely so written, below which nothing is; unless they are MIN_SHARE of all words."""
MIN_SHARE = 0.3
MIN_SHARE_ALL = 0.25
"""Share of sure words from which on words of one letter, and of none, are so written too."""
_SIGNS = "013457890@$!"
_BECOMES = str.maketrans("034579@$8", "oeastgasb")
_WORD = re.compile(rf"(?<![\w@$!./+])[A-Za-z{_SIGNS}]{{1,64}}+(?![\w@$+]|[./]\w)")
_SURE = re.compile(rf"[A-Za-z][{_SIGNS}]+[A-Za-z]|^[013457890$!]+[A-Za-z]{{3}}")
_ANY = re.compile(rf"[{_SIGNS}]")
_HINT = re.compile(rf"[{_SIGNS}][A-Za-z]")
_ANY_SURE = re.compile(
    rf"[{_SIGNS}](?<=[A-Za-z{_SIGNS}].)[A-Za-z]|(?<![A-Za-z{_SIGNS}])[013457890$!][A-Za-z]{{3}}"
)


def unleet(text: str) -> Folded | None:
    """The text with letters for digits and signs inside words; None where nothing changes."""
    if _HINT.search(text) is None or _ANY_SURE.search(text) is None:
        return None
    found = [m for m in _WORD.finditer(text) if _ANY.search(m[0]) is not None]
    n_sure = sum(_is_sure(m[0]) for m in found)
    share = n_sure / (text.count(" ") + 1)
    if n_sure < MIN_WORDS and share < MIN_SHARE:
        return None
    min_letters = 2 if share < MIN_SHARE_ALL else 0
    return rewrite(text, (_edit(m) for m in found if _n_letters(m[0]) >= min_letters)) if n_sure else None


def _is_sure(word: str) -> bool:
    return _SURE.search(word) is not None and _n_letters(word) >= max(2, len(word) // 3)


def _n_letters(word: str) -> int:
    return sum(map(str.isalpha, word))


def _edit(m: re.Match[str]) -> Edit:
    word = m[0].rstrip("!") or m[0]
    plain = word.translate(_BECOMES)
    if "1" in plain or "!" in plain:
        plain = min(
            (plain.replace("1", one).replace("!", one) for one in "il"), key=lambda w: cost(w.lower())
        )
    # digits have no case
    upper = sum(map(str.isupper, word))
    return (
        m.start(),
        m.start() + len(word),
        plain.upper() if 2 * upper > _n_letters(word) and upper > 1 else plain,
    )
