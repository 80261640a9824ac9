"""The days that a question names: turns of those days, and of the days after, tell of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Span = tuple[date, date]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTH = (
    r"(?P<month>january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?"
)
_DAY, _YEAR = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?", r"(?P<year>(?:19|20)\d\d)\b"
_NAMED = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\b(?P<year>(?:19|20)\d\d)-(?P<number>\d\d)-(?P<day>\d\d)\b",
        rf"\b{_DAY} (?:of )?{_MONTH}(?:,? {_YEAR})?",
        rf"\b{_MONTH} {_DAY}\b(?!\d)(?:,? {_YEAR})?",
        rf"\b{_MONTH},? (?:of )?{_YEAR}",
        rf"\b(?:in|of|during|since|by|until|early|late|mid|before|after|last|this)[ -]{_MONTH}",
        rf"\b(?:in|of|during|since) {_YEAR}",
    )
)
_AGO = re.compile(
    r"\b(?P<n>\d{1,3}|an?|one|two|three|four|five|six|couple of|few) (?P<unit>day|week|month|year)s? ago\b",
    re.I,
)
_NUMBERS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "couple of": 2,
    "few": 3,
}
_UNIT_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_LAST = re.compile(r"\b(?:last|past|previous) (?P<unit>week|month|year)\b", re.I)
_YESTERDAY = re.compile(r"\b(?:yesterday|last night)\b", re.I)
_TODAY = re.compile(r"\b(?:today|this (?:morning|afternoon|evening))\b", re.I)
_WEEKDAY = re.compile(r"\b(?:last|on|this|since) (?P<day>mon|tues|wednes|thurs|fri|satur|sun)day\b", re.I)
_BEFORE_DAYS, _AFTER_DAYS = 4.0, 10.0  # how fast what is said before and after such a day loses
_READ_CHARS, _MOST_SPANS, _DAY_S = 2000, 12, 86_400


def near_days(question: str, asked_at_s: float, at_s: NDArray[np.float64]) -> NDArray[np.float32] | None:
    """How near each turn is to a day that the question names, 0..1, shape (n,); None where it names none.

    Args:
        asked_at_s: Unix time of the question, 0 where unknown: "yesterday" then says nothing.
        at_s: Unix time of each turn, 0 where unknown.
    """
    known = at_s > 0
    if not known.any():
        return None
    first, last = _day(float(at_s[known].min())), _day(float(at_s[known].max()))
    spans = list(_spans(question[:_READ_CHARS], asked_at_s, first, last))[:_MOST_SPANS]
    if not spans:
        return None
    days = at_s // _DAY_S
    made = np.zeros(len(at_s), dtype=np.float32)
    for begin, end in spans:
        before, after = _number(begin) - days, days - _number(end)
        gap = np.maximum(np.maximum(before, 0) / _BEFORE_DAYS, np.maximum(after, 0) / _AFTER_DAYS)
        np.maximum(made, np.exp(-gap).astype(np.float32), out=made)
    made[~known] = 0
    return made


def _spans(text: str, asked_at_s: float, first: date, last: date) -> Iterator[Span]:
    taken: list[tuple[int, int]] = []
    for pattern in _NAMED:
        for match in pattern.finditer(text):
            if any(match.start() < end and begin < match.end() for begin, end in taken):
                continue
            taken.append(match.span())
            yield from _named(match.groupdict(), first, last)
    if asked_at_s > 0:
        yield from _relative(text, _day(asked_at_s))


def _named(parts: dict[str, str | None], first: date, last: date) -> Iterator[Span]:
    name, number, day = parts.get("month"), parts.get("number"), parts.get("day")
    years = [int(parts["year"] or 0)] if parts.get("year") else range(last.year, first.year - 2, -1)
    for year in years:
        if name is None and number is None:
            yield date(year, 1, 1), date(year, 12, 31)
            continue
        month = _MONTHS.index(name[:3].lower()) + 1 if name else int(number or 0)
        try:
            begin = date(year, month, int(day or 1))
        except ValueError:  # 31 June
            continue
        following = date(year + month // 12, month % 12 + 1, 1)
        yield begin, begin if day else following - timedelta(days=1)


def _relative(text: str, today: date) -> Iterator[Span]:
    for match in _AGO.finditer(text):
        n = match["n"].lower()
        count = int(n) if n.isdigit() else _NUMBERS[n]
        unit = _UNIT_DAYS[match["unit"].lower()]
        yield _around(today, count * unit, unit // 2)
    for match in _LAST.finditer(text):
        unit = _UNIT_DAYS[match["unit"].lower()]
        yield _around(today, unit, unit // 2)
    if _YESTERDAY.search(text):
        yield _around(today, 1, 0)
    if _TODAY.search(text):
        yield today, today
    for match in _WEEKDAY.finditer(text):
        back = (today.weekday() - _WEEKDAYS.index(match["day"][:3].lower())) % 7 or 7
        yield _around(today, back, 0)


def _around(today: date, back: int, slack: int) -> Span:
    middle = today - timedelta(days=back)
    return middle - timedelta(days=slack), middle + timedelta(days=slack)


def _day(at_s: float) -> date:
    at_s = min(max(at_s, 0.0), 32_503_680_000.0)  # the year 3000
    return datetime.fromtimestamp(at_s, UTC).date()


def _number(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()
