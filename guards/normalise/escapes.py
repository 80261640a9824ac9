"""Percent escapes, HTML entities and the backslash escapes of programming languages."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote_to_bytes

from stepwell.guards.normalise.offsets import Edit

MIN_ESCAPES = 2
"""Letters and spaces; one alone is no disguise."""
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})++")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_BACKSLASH = re.compile(
    r"(?:\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|u\{[0-9A-Fa-f]{1,6}\}|U[0-9A-Fa-f]{8}|[0-3][0-7]{2}))++"
)
_ONE = re.compile(r"\\(?:[uUx]\{?([0-9A-Fa-f]+)\}?|([0-7]{3}))")


def runs(text: str) -> Iterator[Edit]:
    """What is escaped, in no order; signs that have to be escaped are no disguise."""
    for sign, pattern, decode in _KINDS:
        if sign not in text:
            continue
        decoded = [(*m.span(), decode(m[0])) for m in pattern.finditer(text)]
        found = [(start, end, plain) for start, end, plain in decoded if plain != text[start:end]]
        if sum(sum(c.isalnum() or c == " " for c in plain) for *_, plain in found) >= MIN_ESCAPES:
            yield from found


def _unpercent(run: str) -> str:
    try:
        return unquote_to_bytes(run).decode()
    except UnicodeDecodeError:
        return run


def _unescape(run: str) -> str:
    places = [int(m[1], 16) if m[1] else int(m[2], 8) for m in _ONE.finditer(run)]
    if max(places) > 0x10FFFF:
        return run
    joined = "".join(map(chr, places))
    return joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_KINDS: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
    ("%", _PERCENT, _unpercent),
    ("&", _ENTITY, html.unescape),
    ("\\", _BACKSLASH, _unescape),
)
