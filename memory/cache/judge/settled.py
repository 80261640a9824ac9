"""What an answer settles on: an option, a final result, yes or no."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal

from stepwell.memory.cache.judge.raw import differ_raw

_TAIL_CHARS = 600
_MAX_RESULT_CHARS = 80

_OPTION_IN_QUERY = re.compile(r"^[ \t(]*([A-J])[.):][ \t]*\S", re.M)
_LETTER_SAID = re.compile(
    r"\b(?:answer|option|choice)\b(?:\s+is|\s*[:=])?[\s*$(\\\[]{0,6}(?:text\{)?\(?([A-J])\b(?!['’])", re.I
)
_LETTER_ALONE = re.compile(r"\W{0,4}([A-J])(?:\W*|[.):]\s.{0,200})", re.S)
_RESULT = re.compile(
    r"(?:\b(?:final |correct )?answer\b(?:\s+is)?\s*[:=]?\s*|####\s*)(?P<said>[^\n]{1,80}?)\s*\.?\s*\Z", re.I
)
_FIELD = re.compile(r'"(?:final_)?(?:answer|result)"\s*:\s*(?:"([^"\n]{1,80})"|([-\d.]{1,80}))\s*,?\s*\}')
_YES_NO = re.compile(
    r"\W*(?:is|are|was|were|am|can|could|do|does|did|has|have|had|will|would|should|may|might|must|shall)\b",
    re.I,
)
_HEDGE = (
    r"\W*(?:(?:most )?(?:likely|probably|usually|generally|normally|technically|strictly speaking|officially|"
    r"in general|in most cases|for most people|unfortunately|actually|well|sorry)[,:]? )*"
)
_YES = re.compile(_HEDGE + r"(?:yes|yep|yeah|correct|true|absolutely|certainly|of course|you can)\b(?!')")
_NO = re.compile(_HEDGE + r"(?:no|nope|false|incorrect|you can't|you cannot)\b(?! problem)")
_LATEX = re.compile(r"\\(?:left|right|,|!|;|\s)|\\(?:text|mathrm|mathbf)\s*\{([^{}]*)\}|[$\s]")
_FRACTION = re.compile(r"(-?)\\[dt]?frac\{?(-?\d+)\}?\{?(\d+)\}?")


def has_options(query: str) -> bool:
    """Whether a question lists options: an A. and a B."""
    return {"A", "B"} <= set(_OPTION_IN_QUERY.findall(query))


def option_in(text: str) -> str | None:
    """The letter that an answer settles on: the last one said to be the answer, or the one that it begins with."""
    said = _LETTER_SAID.findall(text[-_TAIL_CHARS:])
    if said:
        return str(said[-1]).upper()
    alone = _LETTER_ALONE.fullmatch(text.strip())
    return alone[1] if alone else None


def result_in(text: str) -> str | None:
    r"""What a worked solution says is its answer: an answer field, boxed, after ####, or at the very end."""
    tail = text[-_TAIL_CHARS:].strip()
    field = _FIELD.findall(tail)
    if field:
        return str(field[-1][0] or field[-1][1]).replace("\\\\", "\\")
    boxed = _boxed(tail)
    if boxed is not None:
        return boxed
    found = _RESULT.search(tail)
    return found["said"].strip("* `\"'()[]$") or None if found else None


def same_result(one: str, other: str) -> bool | None:
    """Whether two results are equal; None where they are written differently and are no plain numbers."""
    raw = one, other
    one, other = _bare(one), _bare(other)
    if one == other:
        differ = differ_raw(*raw, same_words=True)
        return None if differ is None or not one else not differ
    a, b = _value(one), _value(other)
    return a == b if a is not None and b is not None else None


def asks_yes_or_no(query: str) -> bool:
    """Whether the last sentence of a question wants yes or no, and names no two things to choose from."""
    last = re.split(r"(?<=[.!?\n])\s+", query.strip())[-1]
    return _YES_NO.match(last) is not None and " or " not in last


def stance_of(plain_text: str) -> Literal["yes", "no"] | None:
    """Whether an answer begins with a yes or a no.

    Args:
        plain_text: As `words.plain` gives it.
    """
    if _NO.match(plain_text):
        return "no"
    return "yes" if _YES.match(plain_text) else None


def _boxed(text: str) -> str | None:
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for i in range(start + 6, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if not depth:
            return text[start + 7 : i][:_MAX_RESULT_CHARS]
    return None


def _bare(result: str) -> str:
    bare = _LATEX.sub(lambda m: m[1] or "", result).casefold()
    return bare.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac").strip(".*`\"'")


def _value(bare: str) -> Fraction | None:
    bare = _FRACTION.sub(r"\1\2/\3", bare).removesuffix("\\%").removesuffix("%")
    if len(bare) > 40:
        return None
    try:
        return Fraction(re.sub(r"(?<=\d),(?=\d{3}\b)", "", bare))
    except (ValueError, ZeroDivisionError):
        return None
