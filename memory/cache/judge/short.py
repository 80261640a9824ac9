"""Short answers: a name, a number, a date, a sentence."""

from __future__ import annotations

import re

from stepwell.memory.cache.judge.wordlists import UNITS
from stepwell.memory.cache.judge.words import Reading

MAX_WORDS = 25  # "The Eiffel Tower was completed on 31 March 1889, in time for the World's Fair in Paris."
_MAX_MORE = 8  # words that one answer may add

_Counted = frozenset[tuple[str, str]]
_UNITS = frozenset(UNITS.values())
_WANTS_A_NUMBER = re.compile(
    r"\b(?:when|how (?!do|can|to|did|does|is|are)\w+|what (?:time|date|year|day|age|number))\b"
)


def wants_number(query: str) -> bool:
    """Whether a question is after a number or a date."""
    return _WANTS_A_NUMBER.search(query.lower()) is not None


def is_short(reading: Reading) -> bool:
    return reading.n_all <= MAX_WORDS


def same_short(query: Reading, fresh: Reading, cached: Reading, *, wants_number: bool) -> bool | None:
    """Whether of two answers, one of them short at least, the cached one gives what the fresh one gives.

    Words that the question holds don't answer it. True where one says all that the other says and adds only few
    words, no list items and no number that was asked for; False where a number or unit is contradicted, or where
    nothing that answers is shared.
    """
    asked = frozenset(query.words)
    new, old = frozenset(fresh.words), frozenset(cached.words)
    if not fresh.has_spaces or not cached.has_spaces or not _same_order(fresh, cached):
        return None
    verdict = _numbers(fresh, cached, asked)
    if new == old and verdict is None:
        return (bool(new) and fresh.signs == cached.signs) or None
    if not new - asked or not old - asked:
        return verdict
    if verdict is not None or fresh.numbers - cached.numbers:
        return verdict
    if wants_number and cached.numbers - fresh.numbers and not fresh.numbers:
        return None  # "in summer" for "in July 2023"
    if not (new & old) - asked:
        return False if is_short(fresh) and is_short(cached) and not fresh.signs else None
    return True if _says_all(asked, fresh, cached) else None


def _numbers(fresh: Reading, cached: Reading, asked: frozenset[str]) -> bool | None:
    """False where numbers, what they count, or their units contradict each other."""
    new, old = fresh.numbers - asked, cached.numbers - asked
    units, other_units = _UNITS & frozenset(fresh.words), _UNITS & frozenset(cached.words)
    is_other_unit = bool(units and other_units and not units & other_units)
    if new and old and not new & old:
        return None if is_other_unit else False  # two years are 24 months
    if new and new == old:
        shared = frozenset(fresh.words) & frozenset(cached.words)
        return False if is_other_unit or _clash(fresh.counted, cached.counted, shared) else None
    return None


def _clash(new: _Counted, old: _Counted, shared: frozenset[str]) -> bool:
    """Whether things change numbers: "two cats and a dog", "a cat and two dogs"."""
    return any(what in shared for _, what in new - old) and any(what in shared for _, what in old - new)


def _same_order(fresh: Reading, cached: Reading) -> bool:
    """Whether the words that both hold stand in the same order; dates are written either way round."""
    shared = frozenset(fresh.words) & frozenset(cached.words)
    new, old = (
        list(dict.fromkeys(w for w in r.words if w in shared and not w[0].isdigit() and w[:5] != "month"))
        for r in (fresh, cached)
    )
    return new == old


def _says_all(asked: frozenset[str], fresh: Reading, cached: Reading) -> bool:
    new, old = frozenset(fresh.words), frozenset(cached.words)
    more = (old - new) - asked or (new - old) - asked
    if (new - asked) - old and (old - asked) - new:
        return False
    if (asked & new) - old and (old - asked) - new:
        return False  # the cached one may be about something else
    if more and (fresh.is_list or cached.is_list):
        return False
    return len(more) <= _MAX_MORE and fresh.signs == cached.signs
