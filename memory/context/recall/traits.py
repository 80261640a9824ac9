"""What kind of thing a question asks for, and which turns hold such."""

from __future__ import annotations

import re

ROLES = frozenset(
    {"user", "assistant", "tool", "system", "developer", "function"}
)  # speakers that are no names

# bits of a turn's traits
ASKS, TIME, NUMBER, PLACE, BY_USER, BY_ASSISTANT = 1, 2, 4, 8, 16, 32
NAME_SHIFT = 6  # two bits count names, 0..3

_ASKS = re.compile(r"[?\uff1f\u061f][\s\"')\u201d]*(?:\[[^\]]*\])?\s*$")
_TIME = re.compile(
    r"\b(?:yesterday|today|tomorrow|tonight|ago|last|next|weeks?|weekends?|months?|years?|days?|mornings?|evenings?"
    r"|nights?|since|until|recently|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june"
    r"|july|august|september|october|november|december|spring|summer|autumn|fall|winter|birthday|anniversary"
    r"|christmas|easter|later|earlier|when|before|after|first|date|hours?|minutes?|o'clock|soon)\b",
    re.I,
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|thirty|forty|fifty|hundred"
    r"|thousand|once|twice|couple|few|several|half|pair|double|triple)\b",
    re.I,
)
_PLACE = re.compile(
    r"\b(?:in|at|to|from|near|around|by|outside|inside|beside|into|towards?)\s+(?:the\s+)?[A-Z]"
)
_NAME = re.compile(r"(?<=[\w,;'\u2019] )[A-Z][\w'\u2019]+")
_READ_CHARS = 4000

_ASKS_WHEN = re.compile(r"\b(?:when|dates?|years?|months?|days?|how long|what time)\b", re.I)
_ASKS_NUMBER = re.compile(
    r"\b(?:how (?:many|much|long|often|old|far|big|tall)|many|number|price|cost)\b", re.I
)
_ASKS_NAME = re.compile(r"\b(?:who|whose|whom|names?|called|named)\b", re.I)
_ASKS_PLACE = re.compile(r"\b(?:where|city|cities|country|countries|place|places|town)\b", re.I)
_SAID_BY_USER = re.compile(
    r"\b(?:(?:did|do|have|had|was|am) i|i (?:said|told|mention(?:ed)?|gave|asked|wrote|wanted|called))\b",
    re.I,
)
_OF_ASSISTANT = re.compile(
    r"\b(?:(?:did|have|had|were|are|would|could) you|you (?:\w+ed|said|told|gave|wrote)|your)\b", re.I
)
_OF_USER = re.compile(r"\b(?:i|my|mine|me|we|our|ours)\b", re.I)


def traits_of(text: str, speaker: str) -> int:
    """Bits of what a turn holds, 0..255."""
    text = text[:_READ_CHARS]
    made = min(3, len(_NAME.findall(text))) << NAME_SHIFT
    for bit, pattern in ((TIME, _TIME), (NUMBER, _NUMBER), (PLACE, _PLACE)):
        made |= bit if pattern.search(text) else 0
    made |= ASKS if _ASKS.search(text[-_READ_CHARS:]) else 0
    return made | {"user": BY_USER, "assistant": BY_ASSISTANT}.get(speaker, 0)


def wanted(question: str) -> tuple[bool, bool, bool, bool]:
    """Whether a question asks for a time, a number, a name, a place."""
    kinds = (_ASKS_WHEN, _ASKS_NUMBER, _ASKS_NAME, _ASKS_PLACE)
    when, number, name, place = (kind.search(question[:_READ_CHARS]) is not None for kind in kinds)
    return when, number, name, place


def said_by(question: str) -> int:
    """Whose words a question asks for: BY_USER ("which port did I name"), BY_ASSISTANT, or 0."""
    question = question[:_READ_CHARS]
    if not _SAID_BY_USER.search(question) and _OF_ASSISTANT.search(question):
        return BY_ASSISTANT
    return BY_USER if _OF_USER.search(question) else 0
