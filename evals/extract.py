"""Find the number, the option letter or the JSON value that an answer settles on."""

from __future__ import annotations

import json
import re
from decimal import Decimal

# thousands come in threes: "1,000" is one number, "3,4" are two; "10-3" holds no -3
_NUMBER = re.compile(
    r"(?:(?<![\w.)$])(-\$?|\$-))?((?:\d{1,3}(?:,\d{3})+(?!,?\d)|\d+)(?:\.\d+)?|(?<!\d)\.\d+)([eE][+-]?\d{1,3}(?!\w))?"
)
_SAID = re.compile(
    r"(?:answer|option|choice)(?:\s+is|\s*:|\s*=)?\W{0,4}(?:\(([A-Za-z])\)|([A-Z])\b(?!['’]))", re.I
)
_BOXED = re.compile(r"\\boxed\{\W*(?:\\text\{)?\W*([A-Za-z])\W*\}")
_FIRST = re.compile(r"\W*([A-Za-z])\W*$|\W{0,3}([A-Z])[).:](?:\s|$)|\(([A-Za-z])\)")
_PARENTHESISED = re.compile(r"\(([A-Z])\)")
_ALONE = re.compile(r"(?<![\w'’])([B-HJ-Z])(?![\w'’])")


def first_json(text: str) -> object:
    """The first JSON value of a text: an object or a list, whatever stands around it, or else the text's beginning.

    Raises:
        ValueError: There is none.
    """
    starts = [i for i in (text.find("{"), text.find("[")) if i >= 0]
    value: object = json.JSONDecoder().raw_decode(text, min(starts, default=0))[0]
    return value


def last_number(text: str) -> Decimal | None:
    """The last number of a text; after `####` where that is written, as GSM8K marks its answers.

    Commas between thousands, a $ and a closing point are no part of it (Cobbe et al. 2021, arXiv:2110.14168).
    """
    for part in (text.rpartition("####")[2], text):
        found = _NUMBER.findall(part.replace("−", "-").replace("{,}", ","))
        if found:
            sign, digits, exponent = found[-1]
            return Decimal(("-" if sign else "") + digits.replace(",", "") + exponent)
    return None


def option_letter(text: str) -> str | None:
    """The option (A, B, ...) that a text settles on, as a capital; None where it names none.

    In this order: boxed, said ("the answer is B"; the last one counts), leading ("B) ..."), the last in
    parentheses, the last capital that stands alone and is no word.
    """
    text = text.strip()
    boxed = _last(_BOXED, text)
    if boxed:
        return boxed
    said = [m[1] or m[2] for m in _SAID.finditer(text) if m[1] or m[2].isupper()]
    if said:
        return str(said[-1]).upper()
    first = _FIRST.match(text)
    if first:
        return str(first[1] or first[2] or first[3]).upper()
    return _last(_PARENTHESISED, text) or _last(_ALONE, text)


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.findall(text)
    return str(found[-1]).upper() if found else None
