"""Two answers side by side, kind by kind, as far as their texts decide."""

from __future__ import annotations

import re

from stepwell.memory.cache.judge.case import Case
from stepwell.memory.cache.judge.contrast import contradict
from stepwell.memory.cache.judge.prose import Prose
from stepwell.memory.cache.judge.raw import clash_in_values, differ_raw
from stepwell.memory.cache.judge.refusal import declines
from stepwell.memory.cache.judge.settled import (
    asks_yes_or_no,
    has_options,
    option_in,
    result_in,
    same_result,
    stance_of,
)
from stepwell.memory.cache.judge.shaped import code_in, is_json, same_json
from stepwell.memory.cache.judge.short import is_short, same_short, wants_number
from stepwell.memory.cache.judge.words import Reading, plain, read

_EDGES = " .!\"'"
_BARE_WORDS = 2
_MIN_SHARED = 0.3
_BARE_CHOICE_WORDS = 8  # "The correct answer is option B: blue."
_FORMULA = re.compile(r"[\\^=*_]|\d[a-z]\b|sqrt")


class Pair:
    """A question and two answers, read once."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.query: Reading = read(case.query)
        self.fresh = Prose(plain(case.fresh), read(case.fresh))
        self.cached = Prose(plain(case.cached), read(case.cached))


def decide(pair: Pair) -> bool | None:
    """The verdict where the answers' form allows one; None leaves them to be compared as prose."""
    fresh, cached = pair.fresh.text.strip(_EDGES), pair.cached.text.strip(_EDGES)
    if fresh == cached:
        return _as_written(pair, bool(fresh) or None)
    verdict = _by_shape(pair.case)
    if verdict is None:
        verdict = _by_what_they_settle_on(pair)
    texts = pair.case.fresh, pair.case.cached
    if verdict is None and (contradict(*texts) or clash_in_values(*texts)):
        return False
    if verdict is None and (is_short(pair.fresh.reading) or is_short(pair.cached.reading)):
        return _as_written(
            pair,
            same_short(
                pair.query,
                pair.fresh.reading,
                pair.cached.reading,
                wants_number=wants_number(pair.case.query),
            ),
        )
    return verdict


def _as_written(pair: Pair, verdict: bool | None) -> bool | None:
    """A verdict made without case and signs, with them."""
    if verdict is False:
        return verdict
    same_words = frozenset(pair.fresh.reading.words) == frozenset(pair.cached.reading.words)
    differ = differ_raw(pair.case.fresh, pair.case.cached, same_words=same_words)
    return verdict if differ is False else None if differ is None else False


def n_declined(pair: Pair) -> int:
    """How many of the two answers answer nothing."""
    return declines(pair.fresh.text) + declines(pair.cached.text)


def is_prose(pair: Pair) -> bool:
    """Whether both answers are text to be compared as such: not short, no JSON, no worked solution."""
    case = pair.case
    if is_short(pair.fresh.reading) and is_short(pair.cached.reading):
        return False
    if is_json(case.fresh) or is_json(case.cached):
        return False
    return result_in(case.fresh) is None and result_in(case.cached) is None


def _by_shape(case: Case) -> bool | None:
    if is_json(case.fresh) and is_json(case.cached):
        return same_json(case.fresh, case.cached, lambda a, b: _same_text(case.query, a, b))
    new, old = code_in(case.fresh), code_in(case.cached)
    if new is None or old is None:
        return None
    if new[0] and old[0] and new[0] != old[0]:
        return False
    return True if new[1] == old[1] else None


def _by_what_they_settle_on(pair: Pair) -> bool | None:
    case = pair.case
    if has_options(case.query):
        new, old = option_in(case.fresh), option_in(case.cached)
        if new is not None and old is not None:
            # the letter may stand for something else where the reasons have little in common
            return False if new != old else _shares_words(pair) or None
    result, kept = result_in(case.fresh), result_in(case.cached)
    if result is not None and kept is not None:
        return same_result(result, kept)
    stances = stance_of(pair.fresh.text), stance_of(pair.cached.text)
    if None not in stances and stances[0] != stances[1]:
        return False
    if asks_yes_or_no(case.query):
        n_words = min(pair.fresh.reading.n_all, pair.cached.reading.n_all)
        if stances[0] is not None and stances[0] == stances[1] and n_words <= _BARE_WORDS:
            return True
    return None


def _shares_words(pair: Pair) -> bool:
    """Whether two explained answers have words in common; a bare one has none to share."""
    new, old = pair.fresh.reading, pair.cached.reading
    if min(new.n_all, old.n_all) <= _BARE_CHOICE_WORDS:
        return True
    shared = frozenset(new.words) & frozenset(old.words)
    return len(shared) >= _MIN_SHARED * min(len(set(new.words)), len(set(old.words)))


def _same_text(query: str, a: str, b: str) -> bool | None:
    """Two strings of JSON answers, compared as short answers are."""
    pair = Pair(Case(query, a, b))
    verdict = True if pair.fresh.text == pair.cached.text else same_result(a, b)
    if verdict is None:
        verdict = same_short(
            pair.query, pair.fresh.reading, pair.cached.reading, wants_number=wants_number(query)
        )
    return _as_written(pair, verdict)
