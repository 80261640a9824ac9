"""Whether a text leans on what was said before."""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z']+")
_POINTS_BACK = frozenset(
    _WORD.findall(
        """it its itself he him his himself she her hers herself they them their theirs themselves
        this that these those here one ones same former latter above previous earlier again
        another other others example examples else instead both either neither such
        further rest second third continue elaborate rephrase shorter longer simpler"""
    )
)
# "is there a fee" points nowhere, "how do I get there" does
_NO_PLACE = frozenset(_WORD.findall("is are was were be been isn't aren't there's"))
_BEGINS_MIDWAY = frozenset(
    _WORD.findall("and but or so then because ok okay yes no sure thanks also too next")
)
_BEGINS_MIDWAY_2 = frozenset(
    {("what", "about"), ("how", "about"), ("how", "so"), ("go", "on"), ("what", "if"), ("why", "not")}
)
_MIN_WORDS = 6  # "what are the alternatives?"


def is_followup(text: str) -> bool:
    """True where the text may lean on what was said before: pronouns, ellipsis, or hardly any English."""
    words = _WORD.findall(text.lower())
    letters = sum(c.isalpha() for c in text)
    if len(words) < _MIN_WORDS or 2 * sum(map(len, words)) < letters:
        return True
    if words[0] in _BEGINS_MIDWAY or tuple(words[:2]) in _BEGINS_MIDWAY_2:
        return True
    return any(_points_back(words, i) for i in range(len(words)))


def _points_back(words: list[str], i: int) -> bool:
    word = words[i].partition("'")[0]
    if word == "there":
        beside = {words[i], *words[max(0, i - 1) : i], *words[i + 1 : i + 2]}
        return not beside & _NO_PLACE
    return word in _POINTS_BACK
