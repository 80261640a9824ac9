"""Leave out what is said for politeness: "Hi! Could you please tell me:" and "Thanks!" are no part of an ask."""

from __future__ import annotations

import re

_OPENING_WORDS = """
    please can could would will you kindly hi hello hey there thanks i i'd we have need want like a this the quick
    question help me us with tell know to answer following my is here let
"""
_OPENING = frozenset(_OPENING_WORDS.split())
# without one of these it is no courtesy
_POLITE = frozenset({"please", "kindly", "hi", "hello", "hey", "thanks", "help", "i'd"})
_POLITE_PHRASES = ("can you", "could you", "would you", "will you", "would like", "have a question")
_LINKS = frozenset({"a", "the", "my", "i", "we", "is", "there", "this", "have"})  # may begin what is asked
_MOST_WORDS = 10
_WORD = re.compile(r"[\s,.:;!?-]*([A-Za-z']+)(?=[\s,.:;!?-])")
_BETWEEN = " \t\r\n,.:;!?"  # no minus: it may be a number's
_THANKS = re.compile(
    r"(?<![:\"'])\s(?:Thanks|Thank you)(?: a lot| so much| very much| in advance)?[.!]*$", re.I
)
_LONGEST_THANKS = 32


def without_courtesies(text: str) -> str:
    """The ask itself, stripped of blanks; an ask of nothing but courtesies comes back whole."""
    text = text.strip()
    n = _opening_chars(text)
    kept = (text[n:].lstrip(_BETWEEN) or text) if n else text
    if "hank" in kept[-_LONGEST_THANKS:] or "HANK" in kept[-_LONGEST_THANKS:]:
        return _THANKS.sub("", kept).rstrip() or kept
    return kept


def _opening_chars(text: str) -> int:
    """How many characters the opening takes; 0: there is none."""
    words: list[str] = []
    ends = [0]
    while len(words) < _MOST_WORDS and (found := _WORD.match(text, ends[-1])):
        word = found[1].lower()
        if word not in _OPENING:
            break
        words.append(word)
        ends.append(found.end())
    if not words:
        return 0
    closed = max((i for i, end in enumerate(ends) if i and text[end] in ".:!?"), default=0)
    n = closed or len(words)
    while not closed and n and words[n - 1] in _LINKS:
        n -= 1
    del words[n:]
    if not n or (_POLITE.isdisjoint(words) and not _has_phrase(" ".join(words))):
        return 0
    return ends[n]


def _has_phrase(opening: str) -> bool:
    return any(phrase in opening for phrase in _POLITE_PHRASES)
