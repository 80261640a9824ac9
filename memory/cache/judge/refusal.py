"""Answers that answer nothing."""

from __future__ import annotations

import re

_MAX_CHARS = 300  # where an answer that refuses says so
_MAX_SHORT_CHARS = 240  # reasoning may note what a text leaves out, and answer all the same

_DECLINES = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry,? (?:but )?i|(?:un|not )able to|not (?:sure|certain|aware|allowed|familiar)|afraid)"
    r"|i (?:can(?:'t|not| not)|could ?n[o']t|won't|will not|do(?:n't| not)) (?:(?:really|actually|currently) )?"
    r"(?:know|help|assist|answer|provide|access|have|find|discuss|give|share|comply|do that|determine|tell|say|see|"
    r"recall|comment|recommend|create|generate|write|support|verify)"
    r"|as an ai|as a language model|unable to (?:help|assist|answer|provide|determine)"
    r"|cannot be determined|could you (?:please )?(?:clarify|provide|specify|share|tell)"
    r"|(?:please|can you) (?:provide|clarify|specify|share) (?:more|the|your)"
    r"|need more (?:information|details|context))"
)

_FINDS_NOTHING = re.compile(
    r"\b(?:(?:no|not enough|insufficient) information|(?:does|do)(?: not|n't) (?:contain|mention|specify|include|say)\b"
    r"|(?:is|are|was)(?: not|n't) (?:mentioned|specified|stated|provided|known)|unknown\W*$)"
)


def declines(plain_text: str) -> bool:
    """Whether an answer refuses, doesn't know or asks back, by how it begins.

    Args:
        plain_text: As `words.plain` gives it.
    """
    if len(plain_text) <= _MAX_SHORT_CHARS and _FINDS_NOTHING.search(plain_text):
        return True
    return _DECLINES.search(plain_text[:_MAX_CHARS]) is not None
