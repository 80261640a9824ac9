"""Phone numbers in free text: careful rules of our own, and `phonenumbers` where only a numbering plan can tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.guards.check import NUMBER, NUMBER_TAIL, RunCheck, any_word, begins
from stepwell.guards.checks.credit_card import luhn
from stepwell.guards.phone_plans import is_international, is_national, plan
from stepwell.guards.shape import apart, digit_shape

# a number with up to two separators between digits; longer or denser runs are tables, not phones
_BEGINS = begins(r"[+(\d]", r"\w./@#$€£+(-", r"(?=\+?[ ().\-/\d]{6})")
_RUN_TEXT = r"(?:(?<=[\d])|(?<=[+(])[+(]?[\d])(?:[ ().\-/]{0,2}[\d]){6,}+(?!(?!x[\d])[\w]|[@%$€£]|[.,:][\d])"
_RUN = re.compile(_BEGINS + _RUN_TEXT)
# the same in ASCII text, at half the time: a set of plain ranges is a bitmap
_ASCII_RUN = re.compile((_BEGINS + _RUN_TEXT).replace(r"\d", "0-9").replace(r"\w", "A-Za-z0-9_"))
# North American Numbering Plan: area and exchange begin with 2-9; with brackets nothing else is written so
_NANP = re.compile(
    r"(?:\+?1[ .-]?)?(?:(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]?\d{4}|\(\d{3}\)[ -]?\d{3}[ .-]\d{4})\Z"
)
_ABROAD = re.compile(r"\(?(?:\+|00)[1-9]")
# a date, a book number, a decimal number
_OTHER = re.compile(
    r"(?:19|20)\d\d([-/. ])\d{1,2}\1\d{1,2}|\d{1,2}([-/. ])\d{1,2}\2(?:19|20)\d\d|97[89][- ]?\d|\d+\.\d+\Z"
)
_SEPARATOR = re.compile(r"[ ().\-/]+")
_WORD = any_word(
    "call phone mobile cell tel telephone fax contact reach dial number ring text sms whatsapp office desk "
    r"answering messages? registered anruf telefon handy appel\w* t[ée]l[ée]phone ll[aá]m\w+ tel[ée]fono m[óo]vil"
)
_LABEL = any_word(
    "phone mobile cell tel telephone fax whatsapp telefon tlf telefono téléphone teléfono móvil"
)
_NOT_PHONE = any_word(
    r"order invoice ticket ref\w* isbn serial sku case tracking batch part item build commit zip account id v "
    "version release ts timestamp epoch"
)
_WORD_BEFORE, _WORD_AFTER, _DENIED_BEFORE, _LABEL_BEFORE = 60, 25, 20, 14
_MIN_DIGITS, _MAX_DIGITS, _MIN_BARE_DIGITS = 7, 15, 9
_MAX_CHARS = 26
REGIONS = ("GB", "DE", "FR", "ES", "IT", "NL", "IN", "BR", "AU", "CH", "AT", "BE", "SE", "JP")
"""Whose numbers are known without a country code, as they are written there."""
# 12345678 or 70-66-66-71 may be anything; a trunk zero, brackets or 3-2-2-2 are how numbers are written
_NATIONAL = re.compile(r"(?:\(\d{1,5}\)|0\d*/?)[\d .\-]*\Z|\d{3} \d\d \d\d \d\d\Z")
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

    def __init__(self, regions: Sequence[str] = REGIONS) -> None:
        self._regions = tuple(regions)

    def find(self, text: str) -> list[Finding]:
        if _FEWEST not in digit_shape(text, _BETWEEN):
            return []
        return [
            Finding("PHONE", m.start(), m.end(), 0.8, self.name)
            for m in _runs(text)
            if len(m[0]) <= _MAX_CHARS and self._is_phone(text, *m.span())
        ]

    def open_at(self, text: str, start: int = 0) -> int:
        """As for any run; a number also waits for the words behind it where they may tell what it is."""
        at = super().open_at(text, start)
        if _FEWEST not in digit_shape(text, _BETWEEN):
            return at
        for m in _runs(text):
            if (
                start <= m.start() < at
                and m.end() + _WORD_AFTER > len(text)
                and self._asks_after(text, *m.span())
            ):
                return m.start()
        return at

    def _is_phone(self, text: str, start: int, end: int) -> bool:
        told = _judge(text, start, end)
        if told is not None:
            return told
        is_told_after = _WORD.search(text[end : end + _WORD_AFTER].lower()) is not None
        return is_told_after or _is_planned(text[start:end], self._regions)

    def _asks_after(self, text: str, start: int, end: int) -> bool:
        if end - start > _MAX_CHARS or _judge(text, start, end) is not None:
            return False
        return not _is_planned(text[start:end], self._regions)

    def decides_at(self, text: str, at: int) -> int:
        """Where the words behind a number end that is itself complete."""
        number = _RUN.match(text, at)
        is_complete = number is not None and number.end() + self.after < len(text)
        return number.end() + _WORD_AFTER if number and is_complete else 0


def _runs(text: str) -> Iterator[re.Match[str]]:
    return (_ASCII_RUN if text.isascii() else _RUN).finditer(text)


def _judge(text: str, start: int, end: int) -> bool | None:
    """Whether it is a phone number; None where only a numbering plan or the words behind it can tell."""
    value = text[start:end]
    if _OTHER.match(value):
        return False
    digits = "".join(filter(str.isdigit, value))
    if not _MIN_DIGITS <= len(digits) <= _MAX_DIGITS or _is_other(value, digits):
        return False
    if _NANP.match(value) or (_ABROAD.match(value) and len(digits) > _MIN_BARE_DIGITS):
        return True
    if len(digits) < _MIN_BARE_DIGITS and not _n_separators(value):
        return _is_before(_LABEL, text, start, _LABEL_BEFORE)
    if _is_before(_NOT_PHONE, text, start, _DENIED_BEFORE):
        return False
    return True if _is_before(_WORD, text, start, _WORD_BEFORE) else None


def _is_planned(value: str, regions: Sequence[str]) -> bool:
    """Whether a numbering plan has such a number, written so."""
    if value[0] == "+":
        return is_international(value)
    return _NATIONAL.match(value) is not None and _n_separators(value) > 0 and is_national(value, regions)


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


def make(regions: Sequence[str] = REGIONS) -> Phone:
    """Build the check; `regions` are two-letter codes whose national numbers it knows without a country code.

    Raises:
        ConfigError: There is no such region, or they are no list.
    """
    if isinstance(regions, str):
        raise ConfigError("check 'phone': regions is a list of codes such as US, GB, DE")
    try:
        for region in regions if regions is not REGIONS else ():
            plan(region)
    except KeyError as e:
        raise ConfigError(f"check 'phone' knows no region {e}: give codes such as US, GB, DE") from None
    return Phone(regions)
