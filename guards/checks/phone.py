"""Phone numbers in free text: own, careful rules; no numbering plans beyond North America's."""

from __future__ import annotations

import re

from stepwell.base.decisions import Finding
from stepwell.guards.check import RunCheck, begins, may_have_digits
from stepwell.guards.checks.credit_card import luhn

# a number with up to two separators between digits; longer or denser runs are tables, not phones
_RUN = re.compile(
    begins(r"[+(\d]", r"\w./@#$€£+(-")
    + r"(?:(?<=\d)|[+(]?\d)(?:[ ().\-/]{0,2}\d){4,}+(?!(?!x\d)\w|[@%$€£]|[.,:]\d)"
)
# North American Numbering Plan: area and exchange begin with 2-9
_NANP = re.compile(r"(?:\+?1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]?\d{4}\Z")
_ABROAD = re.compile(r"(?:\+|00)[1-9]")
_DATE = re.compile(r"(?:19|20)\d\d([-/. ])\d{1,2}\1\d{1,2}|\d{1,2}([-/. ])\d{1,2}\2(?:19|20)\d\d")
_ISBN = re.compile(r"97[89][- ]?\d")
_DECIMAL = re.compile(r"\d+\.\d+")
_SEPARATOR = re.compile(r"[ ().\-/]+")
_WORD = re.compile(
    r"\b(?:call|phone|mobile|cell|tel|telephone|fax|contact|reach|dial|number|ring|text|sms|whatsapp|office|desk|answering|messages?|registered"
    r"|anruf|telefon|handy|appel\w*|t[ée]l[ée]phone|ll[aá]m\w+|tel[ée]fono|m[óo]vil)\b",
    re.IGNORECASE,
)
_NOT_PHONE = re.compile(
    r"\b(?:order|invoice|ticket|ref\w*|isbn|serial|sku|case|tracking|batch|part|item|build|commit|zip|account|id|v|version|release|ts|timestamp|epoch)\b",
    re.IGNORECASE,
)
_WORD_BEFORE, _WORD_AFTER, _DENIED_BEFORE = 60, 25, 20
_MIN_DIGITS, _MAX_DIGITS, _MIN_BARE_DIGITS = 7, 15, 9
_MAX_CHARS = 26


class Phone(RunCheck):
    name = "phone"
    kinds = ("PHONE",)
    max_len = _MAX_CHARS
    starts = alert = r"[+(]\Z|\d"
    run = re.compile(r"[+(\d][\d ().+\-/]*\Z")

    def find(self, text: str) -> list[Finding]:
        if not may_have_digits(text):
            return []
        return [
            Finding("PHONE", m.start(), m.end(), 0.8, self.name)
            for m in _RUN.finditer(text)
            if len(m[0]) <= _MAX_CHARS and _is_phone(text, *m.span())
        ]

    def open_at(self, text: str) -> int:
        """As for any run; a number also waits for the words behind it that may tell what it is."""
        recent = max(0, len(text) - _MAX_CHARS - _WORD_AFTER)
        waiting = _WAITING.search(text, recent)
        return min(super().open_at(text), waiting.start() if waiting else len(text))


_WAITING = re.compile(r"[+(]{0,2}\d[\d ().\-/]{5,}+")


def _is_phone(text: str, start: int, end: int) -> bool:
    value = text[start:end]
    digits = "".join(c for c in value if c.isdigit())
    if not _MIN_DIGITS <= len(digits) <= _MAX_DIGITS or _is_other(value, digits):
        return False
    if _NANP.match(value) or (_ABROAD.match(value) and len(digits) > _MIN_BARE_DIGITS):
        return True
    if _NOT_PHONE.search(text, max(0, start - _DENIED_BEFORE), start):
        return False
    return _is_told(text, start, end) and (_n_separators(value) > 0 or len(digits) >= _MIN_BARE_DIGITS)


def _is_other(value: str, digits: str) -> bool:
    """A date, a book number, a card or one digit over and over."""
    if _DATE.match(value) or _ISBN.match(value) or _DECIMAL.fullmatch(value):
        return True
    return len(set(digits)) < 3 or (len(digits) > 12 and value[0] != "+" and luhn(digits))


def _is_told(text: str, start: int, end: int) -> bool:
    before = _WORD.search(text, max(0, start - _WORD_BEFORE), start)
    return bool(before or _WORD.search(text, end, end + _WORD_AFTER))


def _n_separators(value: str) -> int:
    return len(_SEPARATOR.findall(value.strip("(")))


def make() -> Phone:
    return Phone()
