"""Find the one thing that an answer settles on: a number, an option letter, a JSON value, an output, a few words.

Each reader gives a canonical text, the same for equal answers, or None where the answer settles on nothing that it
can read. A canonical text reads as itself again. Linear in the text, of which the last 4,000 characters count.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from fractions import Fraction
from typing import Any

import msgspec

_TAIL_CHARS = 4000
_MAX_DIGITS = 60
_MAX_SHORT_CHARS = 80
_MAX_TERM_CHARS = 60
_MAX_OUTPUT_CHARS = 2000
_ANSWER_KEYS = ("answer", "final_answer", "result", "output", "label")
_EDGES = " \t\r\n,;:!?\"'()[]{}*_`.“”‘’«»…$"

# the answer is 12 | **Answer:** 12 | answer = \(12
_SAID = re.compile(r"\b(?:answer|result)\b(?:[ \t]+(?:is|was))?[ \t]*[:=]?[ \t*_$(\\\[]*", re.I)
# thousands come in threes; "10-3" holds no -3
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!,?\d)|\d+)(?:\.\d+)?|(?<!\d)\.\d+"
_NUMBER = re.compile(
    rf"((?<![\w.)$])-\s?\$?|\$-)?(?:\\d?t?frac\s?(?:\{{\s*(-?\d+)\s*\}}|(\d))\s?(?:\{{\s*(\d+)\s*\}}|(\d))"
    rf"|({_DIGITS})(?:[eE]([+-]?\d{{1,2}})(?!\w)|\s?/\s?(\d+)(?![\d./]))?)"
)
_LETTER_SAID = re.compile(
    r"\b(?:answer|option|choice)\b(?:[ \t]+is|[ \t]*[:=])?\W{0,6}(?:\(([A-Za-z])\)|([A-Z])\b(?!['’]))", re.I
)
_LETTER_FIRST = re.compile(r"\W{0,4}([A-Za-z])\W*$|\W{0,3}([A-Z])\*{0,2}[).:](?:\s|\*|$)|\(([A-Za-z])\)")
_LETTER_IN_BRACKETS = re.compile(r"\(([A-Z])\)")
_MORE_THAN_NUMBER = re.compile(r"[√π∞^]|sqrt|\\pi\b|\bpi\b|\\infty|\bi\b|\d[a-z]\b")
_ANSWER_FIELD = re.compile(r'"(?:final_)?answer"\s*:\s*"?([^"\n}]{1,200})')
_FENCE = re.compile(r"```[\w+-]*\n?(.*?)```", re.S)
_OUTPUT_SAID = re.compile(
    r"\b(?:output|result|answer|prints?|returns?)\b[^\n:=`]{0,40}(?:[:=]+|\bis\b|`)\s*", re.I
)


def number_in(text: str) -> str | None:
    r"""The number that a text settles on: boxed, then said ("the answer is"), after ####, or the last one.

    No commas, $ or units, and equal fractions and decimals alike: "3/4" for 0.75. What is more than a number, such as
    x+1 in a box or 7 + √69, counts as it is written.
    """
    tail = _plain_digits(_unwrapped(text))
    box = _boxed(tail)
    if box is not None:
        return _whole_number(box) or _term(box)
    said = _said(tail, _SAID)
    piece = said if _NUMBER.search(said) else tail.rpartition("####")[2]
    if len(piece) <= _MAX_TERM_CHARS and _MORE_THAN_NUMBER.search(piece):
        return _term(piece)
    found = list(_NUMBER.finditer(piece))
    return _value(found[0 if piece is said else -1]) if found else None


def letter_in(text: str) -> str | None:
    """The option that a text settles on, as a capital: boxed, said (the last one counts), leading, in brackets."""
    tail = _unwrapped(text)
    box = _boxed(tail)
    if box is not None:
        tail = re.sub(r"\\text\w*\s*\{", "", box)
    said = [m[1] or m[2] for m in _LETTER_SAID.finditer(tail) if m[1] or m[2].isupper()]
    if said:
        return str(said[-1]).upper()
    first = _LETTER_FIRST.match(tail.strip())
    if first:
        return str(first[1] or first[2] or first[3]).upper()
    found = _LETTER_IN_BRACKETS.findall(tail)
    return str(found[-1]) if found else None


def json_in(text: str) -> str | None:
    """The JSON that a text is, or that its one fence holds: keys sorted, 1.0 as 1."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text.partition("\n")[2].removesuffix("```")
    try:
        value = msgspec.json.decode(text)
        return json.dumps(_even(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def output_in(text: str) -> str | None:
    """What a program prints, by an answer that holds it fenced, said or alone: without quotes, blanks as one."""
    text = text.strip()
    fenced = _FENCE.findall(text)
    if fenced:
        text = fenced[-1]
    else:
        text = _said(text, _OUTPUT_SAID) or text
        text = text if len(text) <= _MAX_OUTPUT_CHARS else ""
    text = " ".join(text.split()).strip("`")
    while len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1].strip()
    return text or None


def short_in(text: str) -> str | None:
    """A few words without case, punctuation around them and "answer:" before; None where there are many."""
    line = _unwrapped(text).strip()
    line = unicodedata.normalize("NFKC", line).casefold()
    while (
        bare := re.sub(r"^(?:the )?(?:final )?(?:answer|label|sentiment)(?: is)?\s*[:=]\s*", "", line)
    ) != line:
        line = bare
    line = " ".join(line.split()).strip(_EDGES)
    return line if line and len(line) <= _MAX_SHORT_CHARS else None


def _unwrapped(text: str) -> str:
    """The `answer` of a JSON object, where the text is one ("" where it breaks off before); else the text's end."""
    text = text.strip().removeprefix("```json").removesuffix("```").strip()
    if not text.startswith("{") or not text.lstrip("{ \t\r\n").startswith('"'):
        return text[-_TAIL_CHARS:]
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        found = _ANSWER_FIELD.findall(text)
        return str(found[-1]) if found else ""
    said = next((value[k] for k in _ANSWER_KEYS if k in value), None)
    return str(said)[-_TAIL_CHARS:] if isinstance(said, str | int | float) else text[-_TAIL_CHARS:]


def _plain_digits(text: str) -> str:
    return (
        text.replace("−", "-").replace("{,}", ",").replace("\\,", "").replace("\\$", "$").replace("\\%", "%")
    )


def _boxed(text: str) -> str | None:
    r"""What the last \boxed{...} holds, its braces matched."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for i in range(start + 6, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if not depth:
            return text[start + 7 : i]
    return None


def _whole_number(text: str) -> str | None:
    m = _NUMBER.fullmatch(text.strip(" $.%"))
    return _value(m) if m is not None else None


def _term(text: str) -> str | None:
    bare = "".join(text.split()).strip('$.*"')
    term = rf"\boxed{{{bare}}}"
    return term if bare and _boxed(term) == bare else None


def _said(text: str, pattern: re.Pattern[str]) -> str:
    """The line that follows the last match."""
    ends = [m.end() for m in pattern.finditer(text)]
    return text[ends[-1] :].partition("\n")[0] if ends else ""


def _value(m: re.Match[str]) -> str | None:
    sign = -1 if m[1] else 1
    if m[6] is None:
        above, below = m[2] or m[3], m[4] or m[5]
    else:
        above, below = m[6].replace(",", ""), m[8] or "1"
    if len(above) + len(below) > _MAX_DIGITS or not int(below):
        return None
    value = sign * Fraction(above) / int(below) * Fraction(10) ** int(m[7] or 0)
    return str(value)


def _even(value: Any) -> Any:
    """Whole floats as integers, all the way down: JSON knows one kind of number."""
    if isinstance(value, dict):
        return {k: _even(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_even(v) for v in value]
    if isinstance(value, float) and math.isfinite(value) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
