"""Dates of birth: a full date behind a word such as born, DOB, geboren, né le, nacido, nato il."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepwell.base.decisions import Finding
from stepwell.guards.check import NEAR_CHARS, RunCheck, edge

_WORDS = (
    r"(?i:(?<![^\W_])(?:born|(?:date[ _]?of[ _]?)?birth(?:[ _-]?(?:date|day))?|d\.?o\.?b\.?|(?:ne|un)?geb(?:\.|oren"
    r"|urtsdatum|urtstag)|geboortedatum|née?(?:\(e\))? le|naissance|naci(?:do|da|[óo]|miento)"
    r"|nat[oa] (?:il|a)|nascit[ao]|nasci(?:do|da|mento)|urodzon[ya]|urodzenia|född|födelsedatum|fødselsdato)"
    r"(?![^\W_]))"
)
_STEMS = (
    "jan feb fév fev fee mar mär maa mrt may mai mei maj mag apr avr abr jun jui giu jul lug aug aoû aou ago sep set "
    "oct okt ott out nov dec déc dez dic ene gen"
)
_MONTH = rf"(?:{'|'.join(_STEMS.split())})[^\W\d_]{{0,8}}"
_DAY = r"\d{1,2}(?:st|nd|rd|th|er|º|\.)?"
_YEAR = r"(?:19|20)\d\d"
_LETTER = r"[^\W\d_]"
_EDGE = r"\w./-"
_NUMERIC = rf"{_YEAR}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}([-/.] ?)\d{{1,2}}[-/.] ?(?:{_YEAR}|\d\d)"
_NAMED = rf"{_DAY}[ -]?(?:de |of )?{_MONTH}\.?(?: del?|,)?[ -]?{_YEAR}|{_MONTH}\.? {_DAY},? {_YEAR}"
_DATE = re.compile(
    edge(_EDGE) + rf"(?i:{_NUMERIC}|{_NAMED})(?![^\WT]|T(?!\d\d)|[-/.]\d)",
)
# over-long rather than exact: it only waits behind one of the words
_OPEN = re.compile(
    edge(_EDGE) + rf"(?=(?:\d{{1,4}}(?:[-/.] ?\d{{0,4}}){{0,2}}"
    rf"|\d{{1,2}}{_LETTER}{{0,12}}+(?:[ .º-]{{1,2}}+{_LETTER}{{1,12}}+){{0,4}}+[ .,º-]{{0,3}}\d{{0,4}}"
    rf"|{_LETTER}{{1,12}}+\.?(?: \d{{0,2}}(?:º|\.|{_LETTER}{{1,2}})?,? ?\d{{0,4}})?)(?:T\d?|[-/.])?\Z)"
)
_WORD = re.compile(_WORDS)
_BEFORE = re.compile(_WORDS + r"[^0-9.!?;]{0,30}\Z")
_NUMBERS = re.compile(r"\d+")
_LAST_MONTH, _LAST_DAY, _YEAR_DIGITS = 12, 31, 4


class DateOfBirth(RunCheck):
    name = "date_of_birth"
    kinds = ("DATE_OF_BIRTH",)
    max_len = 40
    alert = tail = ""
    near = ("born", "birth", "dob", "d.o", "geb", "né", "naiss", "nac", "nat", "nasc", "urod", "föd", "fød")
    lead = _WORDS
    run = _OPEN
    after = 3

    def find(self, text: str) -> list[Finding]:
        if not self._is_near(text):
            return []
        dates = {m.start(): m for word in _WORD.finditer(text) for m in _behind(text, word.end())}
        return [
            Finding("DATE_OF_BIRTH", *dates[at].span(), check=self.name)
            for at in sorted(dates)
            if _may_be(dates[at][0]) and _is_told(text, at)
        ]

    def open_at(self, text: str, start: int = 0) -> int:
        """As for any run; only what stands behind one of the words is open."""
        window = max(start, len(text) - self.max_len - self.after)
        if not self._is_near(text[max(0, window - NEAR_CHARS) :]):
            return len(text)
        for m in self.run.finditer(text, window):
            if _is_told(text, m.start()):
                return m.start()
        return len(text)

    def _is_near(self, text: str) -> bool:
        lower = text.lower()
        return any(word in lower for word in self.near)


def _behind(text: str, start: int) -> Iterator[re.Match[str]]:
    """Dates that begin within reach of a word."""
    return _DATE.finditer(text, start, start + NEAR_CHARS + DateOfBirth.max_len)


def _is_told(text: str, start: int) -> bool:
    return _BEFORE.search(text, max(0, start - NEAR_CHARS), start) is not None


def _may_be(date: str) -> bool:
    """Whether its day and month may be such."""
    low = [int(n) for n in _NUMBERS.findall(date) if len(n) < _YEAR_DIGITS][:2]
    return all(0 < n <= _LAST_DAY for n in low) and min(low) <= (_LAST_MONTH if len(low) > 1 else _LAST_DAY)


def make() -> DateOfBirth:
    return DateOfBirth()
