"""How much a sentence is worth in a summary: facts stay, small talk goes.

Counted are what facts are made of (names, numbers, days, what somebody is, has, likes, decides, rules out). In a
script without capitals or in another language fewer signs are seen, and length and numbers decide.
"""

from __future__ import annotations

import re

from stepwell.memory.context.summary.sentences import is_unspaced

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_NUMBER = re.compile(r"\d[\d.,:]*")
_NOT = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|without|cannot|anymore|instead|[a-z]+n['’]t)\b", re.I
)

_WHEN_WORDS = """
    january february march april june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday today tomorrow yesterday tonight weekend week weeks month months year years ago
    birthday anniversary summer winter spring autumn morning evening hour hours days deadline"""
_LIFE_WORDS = """
    name named live lives lived moved moving born married divorced wife husband partner son daughter sister brother
    mother father mom dad mum kids children cat dog pet job work works worked working studying studied school college
    university degree bought sold started quit joined finished won lost got allergic allergy vegetarian vegan favorite
    favourite prefer prefers preferred hate hates love loves liked decided decide decision chose choose agreed plan
    planning planned going want wants wanted need needs must should budget cost costs paid called made use uses using
    booked signed applied adopted visited"""
_SMALL_WORDS = """
    thanks thank wow haha lol awesome great cool nice amazing sounds glad happy hear congrats congratulations welcome
    hey hi hello bye sure okay ok yeah yes yep definitely absolutely totally exactly wonderful fantastic lovely sorry
    certainly hope luck proud"""
_VAGUE_WORDS = "it that this they those these he she and but so then there"
_YOU = frozenset(("you", "your", "yours", "you're", "you've", "you'd", "you'll"))
_MIN_WORDS = 5  # shorter ones answer a question that the summary does not hold
_ASSISTANT_SHARE = 0.5
_WHEN, _LIFE, _SMALL, _VAGUE = (
    frozenset(words.split()) for words in (_WHEN_WORDS, _LIFE_WORDS, _SMALL_WORDS, _VAGUE_WORDS)
)


def worth(sentence: str, *, speaker: str = "") -> float:
    """Above 0 for what may go into a summary, rarely above 4.

    Args:
        speaker: What an "assistant" says counts less: it is advice at length, and it can say it again.
    """
    words = _WORD.findall(sentence)
    low = [w.lower() for w in words]
    n = len(words) if sentence.isascii() else len(words) + sum(map(is_unspaced, sentence)) // 2
    if n < _MIN_WORDS:
        return -1.0
    value = 0.5 * min(_n_names(words), 3) + 0.5 * min(len(_NUMBER.findall(sentence)), 2)
    value += 0.3 * min(len(_WHEN.intersection(low)), 2) + 0.3 * min(len(_LIFE.intersection(low)), 3)
    value += 0.05 * min(n, 20) + (0.2 if _NOT.search(sentence) else 0.0)
    value -= 0.3 * min(len(_SMALL.intersection(low)), 3) + (0.2 if low[0] in _VAGUE else 0.0)
    value -= 0.5 if not _YOU.isdisjoint(low) else 0.0
    value -= 1.0 if sentence.rstrip("\"'”’)」』 ").endswith(("?", "？")) else 0.0
    value -= 0.3 if sentence.endswith("!") else 0.0
    return (value - 0.3) * (_ASSISTANT_SHARE if speaker == "assistant" and value > 0.3 else 1.0)


def stems(text: str) -> frozenset[str]:
    """What `text` is about, for telling repetition: beginnings of its words; pairs of letters where none are spaced."""
    found: set[str] = set()
    for word in _WORD.findall(text.lower()):
        if is_unspaced(word[0]):
            found.update(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        elif len(word) > 3 or word[0].isdigit():
            found.add(word[:6])
    return frozenset(found)


def _n_names(words: list[str]) -> int:
    """Words with a capital, but the first; none where somebody shouts."""
    n = sum(w[0].isupper() and w != "I" and not w.startswith(("I'", "I’")) for w in words[1:])
    return n if any(w[0].islower() for w in words[1:]) or len(words) < 3 else 0
