"""Answers with a shape: JSON and code."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

_FENCE = re.compile(r"```([\w+#-]*)[^\n]*\n(.*?)(?:```|\Z)", re.S)
_ANSWER_KEYS = ("answer", "final_answer", "result", "label", "output")
_COMMENT = re.compile(r"(?m)(?<!\S)(?:#(?!include|define)|//|--)[^\n]*|/\*.*?\*/", re.S)
_MAX_CHARS = 20_000
_UNREADABLE = object()


def same_json(one: str, other: str, same_text: Callable[[str, str], bool | None]) -> bool | None:
    """Whether two JSON answers hold the same; None where they can't be compared.

    What stands beside an `answer` field is taken for its reasoning, and left out.

    Args:
        same_text: Compares two strings.
    """
    a, b = _json(one), _json(other)
    if a is _UNREADABLE or b is _UNREADABLE:
        return None
    return _same(_core(a), _core(b), same_text)


def is_json(text: str) -> bool:
    """Whether a whole answer is a JSON object or list."""
    return _json(text) is not _UNREADABLE


def code_in(text: str) -> tuple[str, str] | None:
    """Language ("" where none is named) and code of an answer that shows code: its fences, comments and blanks cut."""
    fences = _FENCE.findall(text[:_MAX_CHARS])
    if not fences:
        return None
    code = "\n".join(body for _, body in fences)
    return fences[0][0].casefold(), "".join(_COMMENT.sub("", code).split())


def _json(text: str) -> Any:
    text = text.strip()
    fenced = _FENCE.fullmatch(text)
    text = fenced[2] if fenced else text
    if len(text) > _MAX_CHARS or not text.lstrip().startswith(("{", "[")):
        return _UNREADABLE
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return _UNREADABLE


def _core(value: Any) -> Any:
    if isinstance(value, dict):
        for key in _ANSWER_KEYS:
            if key in value:
                return value[key]
    return value


def _same(a: Any, b: Any, same_text: Callable[[str, str], bool | None]) -> bool | None:
    if isinstance(a, dict) and isinstance(b, dict):
        if a.keys() != b.keys():
            return None
        return _all(_same(a[k], b[k], same_text) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return False
        return _all(_same(x, y, same_text) for x, y in zip(a, b, strict=True))
    if isinstance(a, str) and isinstance(b, str):
        return same_text(a, b)
    if isinstance(a, bool) or isinstance(b, bool):  # which are ints
        return a is b
    if type(a) is type(b) or (isinstance(a, int | float) and isinstance(b, int | float)):
        return bool(a == b)
    return _across(a, b, same_text)


def _across(a: Any, b: Any, same_text: Callable[[str, str], bool | None]) -> bool | None:
    """ "12" and 12 are the same; what else differs in kind can't be compared."""
    if isinstance(a, int | float | str) and isinstance(b, int | float | str):
        return same_text(str(a), str(b))
    return None


def _all(verdicts: Any) -> bool | None:
    seen = list(verdicts)
    if False in seen:
        return False
    return None if None in seen else True
