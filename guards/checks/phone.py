"""Phone numbers in free text: own, careful rules; no numbering plans beyond North America's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepwell.base.decisions import Finding
from stepwell.guards.check import NUMBER, NUMBER_TAIL, RunCheck, any_word, begins
from stepwell.guards.checks.credit_card import luhn
from stepwell.guards.shape import apart, digit_shape

# a number with up to two separators between digits; longer or denser runs are tables, not phones
_BEGINS = begins(r"[+(\d]", r"\w./@#$€£+(-", r"(?=[ ().\-/\d]{6})")
_RUN_TEXT = r"(?:(?<=[\d])|[+(]?[\d])(?:[ ().\-/]{0,2}[\d]){6,}+(?!(?!x[\d])[\w]|[@%$€£]|[.,:][\d])"
_RUN = re.compile(_BEGINS + _RUN_TEXT)
# the same in ASCII text, at half the time: a set of plain ranges is a bitmap
_ASCII_RUN = re.compile((_BEGINS + _RUN_TEXT).replace(r"\d", "0-9").replace(r"\w", "A-Za-z0-9_"))
# North American Numbering Plan: area and exchange begin with 2-9
_NANP = re.compile(r"(?:\+?1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]?\d{4}\Z")
_ABROAD = re.compile(r"(?:\+|00)[1-9]")
# a date, a book number, a decimal number
_OTHER = re.compile(
    r"(?:19|20)\d\d([-/. ])\d{1,2}\1\d{1,2}|\d{1,2}([-/. ])\d{1,2}\2(?:19|20)\d\d|97[89][- ]?\d|\d+\.\d+\Z"
)
_SEPARATOR = re.compile(r"[ ().\-/]+")
_WORD = any_word(
    "call phone mobile cell tel telephone fax contact reach dial number ring text sms whatsapp office desk "
    r"answering messages? registered anruf telefon handy appel\w* t[ée]l[ée]phone ll[aá]m\w+ tel[ée]fono m[óo]vil"
)
_NOT_PHONE = any_word(
    r"order invoice ticket ref\w* isbn serial sku case tracking batch part item build commit zip account id v "
    "version release ts timestamp epoch"
)
_WORD_BEFORE, _WORD_AFTER, _DENIED_BEFORE = 60, 25, 20
_MIN_DIGITS, _MAX_DIGITS, _MIN_BARE_DIGITS = 7, 15, 9
_MAX_CHARS = 26
_FEWEST, _BETWEEN = b"0" * _MIN_DIGITS, apart(" ().-/")


class Phone(RunCheck):
    name = "phone"
    kinds = ("PHONE",)
    max_len = _MAX_CHARS
    alert, tail = NUMBER, NUMBER_TAIL
    after = 2
    run = re.compile(
        begins(r"[+(\d]", r"\w./@#$€£+(-") + r"[+(]?\d?(?:[ ().\-/]{0,2}+\d)*+(?:[ ().\-/]{0,2}|[,:x])\Z"
    )

    def find(self, text: str) -> list[Finding]:
        if _FEWEST not in digit_shape(text, _BETWEEN):
            return []
        return [
            Finding("PHONE", m.start(), m.end(), 0.8, self.name)
            for m in _runs(text)
            if len(m[0]) <= _MAX_CHARS and _is_phone(text, *m.span())
        ]

    def open_at(self, text: str, start: int = 0) -> int:
        """As for any run; a number also waits for the words behind it where they may tell what it is."""
        at = super().open_at(text, start)
        if _FEWEST not in digit_shape(text, _BETWEEN):
            return at
        for m in _runs(text):
            if start <= m.start() < at and m.end() + _WORD_AFTER > len(text) and _asks_after(text, *m.span()):
                return m.start()
        return at

    def decides_at(self, text: str, at: int) -> int:
        """Where the words behind a number end that is itself complete."""
        number = _RUN.match(text, at)
        is_complete = number is not None and number.end() + self.after < len(text)
        return number.end() + _WORD_AFTER if number and is_complete else 0


def _runs(text: str) -> Iterator[re.Match[str]]:
    return (_ASCII_RUN if text.isascii() else _RUN).finditer(text)


def _is_phone(text: str, start: int, end: int) -> bool:
    told = _judge(text, start, end)
    return bool(told if told is not None else _WORD.search(text[end : end + _WORD_AFTER].lower()))


def _asks_after(text: str, start: int, end: int) -> bool:
    return end - start <= _MAX_CHARS and _judge(text, start, end) is None


def _judge(text: str, start: int, end: int) -> bool | None:
    """Whether it is a phone number; None where only the words behind it can tell."""
    value = text[start:end]
    if _OTHER.match(value):
        return False
    digits = "".join(filter(str.isdigit, value))
    if not _MIN_DIGITS <= len(digits) <= _MAX_DIGITS or _is_other(value, digits):
        return False
    if _NANP.match(value) or (_ABROAD.match(value) and len(digits) > _MIN_BARE_DIGITS):
        return True
    if len(digits) < _MIN_BARE_DIGITS and not _n_separators(value):
        return False
    if _is_before(_NOT_PHONE, text, start, _DENIED_BEFORE):
        return False
    return True if _is_before(_WORD, text, start, _WORD_BEFORE) else None


def _is_before(words: re.Pattern[str], text: str, start: int, n_chars: int) -> bool:
    """Whether one of the words begins in the last `n_chars` before `start`."""
    begun = start - n_chars
    if begun <= 0:
        return words.search(text[:start].lower()) is not None
    return words.search(text[begun - 1 : start].lower(), 1) is not None


def _is_other(value: str, digits: str) -> bool:
    """A card or one digit over and over."""
    return len(set(digits)) < 3 or (len(digits) > 12 and value[0] != "+" and luhn(digits))


def _n_separators(value: str) -> int:
    return len(_SEPARATOR.findall(value.strip("(")))


def make() -> Phone:
    return Phone()
