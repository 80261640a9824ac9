"""Answers that say the opposite in the same words: a "not" more, before for after, two things that change places."""

from __future__ import annotations

import re
from collections import Counter

from stepwell.memory.cache.judge.words import without_markup
from stepwell.memory.cache.verifier import wordlists as lists
from stepwell.memory.cache.verifier.lexicon import lexicon
from stepwell.memory.cache.verifier.words import words_of

_MAX_LEFT = 3  # words that one has and the other has not
_MIN_SHARED = 2
_STANCE = re.compile(r"\W*(?:yes|no|yep|yeah|nope)\b\s*[,.;:!\u2013\u2014-]+", re.I)
_BE = frozenset(["is", "are", "was", "were", "be", "=", "the", "a", "an", "also", "called", "named"])
_MUTUAL = lists.MUTUAL - {"better", "worse"} | {
    "connected",
    "acquainted",
    "acquaintance",
    "linked",
    "equivalent",
}
_EITHER_WAY = lists.LINKS | {"near", "beside", "plus", "times", "+", "*", "x", "next", "equals", "&"}
_OPPOSED = {
    frozenset(pair)
    for pair in (
        ("before", "after"), ("above", "below"), ("over", "under"), ("in", "out"), ("into", "out"), ("on", "off"),
        ("inside", "outside"), ("up", "down"), ("from", "to"), ("from", "until"), ("until", "after"),
        ("since", "until"), ("with", "without"), ("he", "she"), ("his", "her"), ("him", "her"), ("all", "none"),
        ("always", "never"),
    )
}  # fmt: skip


def contradict(one: str, other: str) -> bool:
    """Whether two texts of at most 96 words are equal but for what turns the sense round."""
    a, b = words_of(_bare(one)), words_of(_bare(other))
    if a.is_cut or b.is_cut:
        return False
    fa, fb = ([f for f in w.forms if f not in lists.POLITE] for w in (a, b))
    if Counter(fa) == Counter(fb):
        return _MUTUAL.isdisjoint(fa) and _swapped(fa, fb, is_list="," in one + other)
    left, right = _left(fa, fb), _left(fb, fa)
    if max(len(left), len(right)) > _MAX_LEFT or len(fa) - len(left) < _MIN_SHARED:
        return False
    return _opposed(left, right)


def _bare(text: str) -> str:
    """A text without the yes or no that it begins with."""
    text = without_markup(text)
    began = _STANCE.match(text)
    return text[began.end() :] if began else text


def _left(forms: list[str], others: list[str]) -> list[str]:
    """What one has and the other has in no form."""
    there = Counter(map(lexicon().key, others))
    left = []
    for form in forms:
        key = lexicon().key(form)
        if there[key]:
            there[key] -= 1
        else:
            left.append(form)
    return left


def _opposed(left: list[str], right: list[str]) -> bool:
    told = [[f for f in side if f in lists.NEGATIONS or not _is_filler(f)] for side in (left, right)]
    if len(told[0]) == len(told[1]) == 1:
        return _are_opposites(told[0][0], told[1][0])
    negated = [f for side in told for f in side]
    return len(negated) == 1 and negated[0] in lists.NEGATIONS


def _is_filler(form: str) -> bool:
    """Words that come and go with others: do, is, the; not those that say where or when."""
    return form in lists.STOP and not any(form in pair for pair in _OPPOSED)


def _are_opposites(x: str, y: str) -> bool:
    if frozenset((x, y)) in _OPPOSED or lexicon().opposite(x, y) or lexicon().opposite(y, x):
        return True
    return (x in lists.MORE and y in lists.LESS) or (x in lists.LESS and y in lists.MORE)


def _swapped(a: list[str], b: list[str], *, is_list: bool) -> bool:
    """Whether two parts change places around what says who does what to whom: from X to Y, X beats Y."""
    start = 0
    while start < len(a) and a[start] == b[start]:
        start += 1
    end = len(a)
    while end > start and a[end - 1] == b[end - 1]:
        end -= 1
    a, b = a[start:end], b[start:end]
    for i in range(1, len(a)):
        for j in range(1, len(a) - i):
            if a[:i] == b[-i:] and a[-j:] == b[:j] and a[i:-j] == b[j:-i]:
                return _has_sides(a[:i], a[i:-j], a[-j:], is_list=is_list)
    return False


def _has_sides(x: list[str], between: list[str], y: list[str], *, is_list: bool) -> bool:
    if _BE.issuperset(between) or not _EITHER_WAY.isdisjoint(between):
        return False
    if is_list and (lists.STOP | lists.PREPOSITIONS).isdisjoint(between):
        return False
    return not lists.STOP.issuperset(x) and not lists.STOP.issuperset(y)
