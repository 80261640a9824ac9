"""Case and signs in answers: what is equal without them need not be equal with them."""

from __future__ import annotations

import re
import unicodedata

from stepwell.memory.cache.judge.wordlists import UNITS
from stepwell.memory.cache.judge.words import without_markup
from stepwell.memory.cache.verifier.cased import cased, clash
from stepwell.memory.cache.verifier.unread import signs

_WORD = re.compile(r"[^\W\d_]+")
_FORMULA = re.compile(r"(?<![\w.])[^\W\d_]+\d\w*")
_SUPERSCRIPTS = "\u00b2\u00b3\u00b9\u2070\u2074\u2075\u2076\u2077\u2078\u2079\u207f"
_NO_CASE = {*UNITS, "a", "i", "am", "pm", "yes", "no", "true", "false", "ok", "okay", "not"}


def differ_raw(fresh: str, cached: str, *, same_words: bool) -> bool | None:
    """Whether two short answers differ in case or signs that mean something; None: can't tell.

    Args:
        same_words: Whether their words are equal but for these.
    """
    fresh, cached = without_markup(fresh), without_markup(cached)
    mine, others = _signs(fresh), _signs(cached)
    formulas = _formulas(fresh), _formulas(cached)
    is_clash = clash(cased(fresh), cased(cached)) or formulas[0] != formulas[1]
    if is_clash or mine != others:
        both = is_clash or bool(mine and others)
        return True if same_words and both else None
    return None if _shouts(fresh, cached) else False


def clash_in_values(fresh: str, cached: str) -> bool:
    """Whether units, flags or code of two answers, short or long, differ in case alone."""
    new, old = (
        {key: raws for key, raws in cased(without_markup(text)).items() if not key.isalpha()}
        for text in (fresh, cached)
    )
    return clash(new, old)


def _signs(text: str) -> list[str]:
    """Signs as they are; those that only write letters and digits in another form are read as these."""
    return [c for c in signs(text) if c in _SUPERSCRIPTS or unicodedata.normalize("NFKC", c) == c]


def _formulas(text: str) -> frozenset[str]:
    """H2O, B12: letters and digits in one word."""
    return frozenset(_FORMULA.findall(unicodedata.normalize("NFKC", text)))


def _shouts(fresh: str, cached: str) -> bool:
    """Whether both hold a word, but one in capitals and the other not; a capital at its beginning alone is nothing."""
    new, old = _by_word(fresh), _by_word(cached)
    return any(key in old and not raws & old[key] for key, raws in new.items())


def _by_word(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for word in _WORD.findall(text):
        key = word.casefold()
        if key not in _NO_CASE:
            is_plain = len(word) > 1 and word[1:].islower()
            found.setdefault(key, set()).add(key if is_plain else word)
    return found
