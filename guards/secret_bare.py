"""Secrets assigned without quotes, `password=hunter2x`: a run of characters in which many assignments may stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from stepwell.guards.check import NEAR_CHARS
from stepwell.guards.secret_phrases import ASSIGNED, BARE, LEAST_CHARS, NOT_BARE

_BEGINS = re.compile(rf"{ASSIGNED}(?={BARE}{{{LEAST_CHARS}}})")
_RUN = re.compile(f"{BARE}*+")
_OPEN = re.compile(rf"{ASSIGNED}(?P<v>{BARE}*+)\Z")
_LAST_RUN = re.compile(rf"(?<!{BARE}){BARE}*+\Z")
_SAMPLE = re.compile("(?=(?ai:example|x{8}))")
_HEAD_CHARS = max(map(len, NOT_BARE))


class _Run:
    """Characters up to `end` that may be one value; tells of each value that reaches its end whether it is a secret.

    The values of a run are each other's ends, so what one lacks is looked for once for all.
    """

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._start = start
        self.end = _RUN.match(text, start).end()  # type: ignore[union-attr]  # matches the empty run too
        self._last_digit = self._last_letter = self._last_sample = -1
        if text[start : self.end].isalpha():
            return  # words: no secret begins here
        self._last_digit = self._last(str.isdigit)
        self._last_letter = self._last(str.isalpha)
        self._last_sample = max((m.start() for m in _SAMPLE.finditer(text, start, self.end)), default=-1)

    def is_secret_from(self, start: int) -> bool:
        if self._text[start : start + _HEAD_CHARS].lower().startswith(NOT_BARE):
            return False
        return self._last_sample < start <= min(self._last_digit, self._last_letter)

    def _last(self, is_one: Callable[[str], bool]) -> int:
        text = self._text
        return next((i for i in range(self.end - 1, self._start - 1, -1) if is_one(text[i])), -1)


def bare_values(text: str, given: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Start and end of each, where one of the wordings at `given`, by rising place, gives it.

    One that is the end of another is left out.
    """
    run = None
    seen = -1
    for at in given:
        m = _BEGINS.match(text, at)
        if m is None or m.end() <= seen:
            continue
        if run is None or m.end() >= run.end:
            run = _Run(text, m.end())
            seen = -1
        if text[run.end : run.end + 1] != "(" and run.is_secret_from(m.end()):
            seen = run.end
            yield m.end(), run.end


def bare_open_at(text: str, start: int) -> int:
    """Where the first value begins that the end of the text cuts off; len(text) if none does."""
    last = _LAST_RUN.search(text, start)
    m = _OPEN.search(text, start if last is None else max(start, last.start() - NEAR_CHARS))
    return len(text) if m is None else m.start("v")
