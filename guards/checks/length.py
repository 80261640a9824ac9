"""Texts that are too long, or that say the same again and again: shapes that cost a model much and say little."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.guards.check import WHOLE_TEXT

WINDOW_CHARS = 8_192
"""Repetition is looked for in pieces of this size; fewer than MIN_CHARS say nothing."""
MIN_CHARS = 2_048
_RUN = re.compile(r"(\S)\1{15,}+")
_WORD = re.compile(r"\S+")


class Length:
    """Finds what is beyond the limits; each limit may be None.

    Attributes:
        max_chars, max_bytes: Of the text (UTF-8).
        max_run_chars: Times that one character other than a space stands in a row.
        max_word_chars: Of a stretch without a space.
        max_squeeze: How many times smaller zlib may make a piece of text. Prose reaches 4, tables and logs 15; a
            phrase said over and over 100 and more.
    """

    name = "length"
    kinds = ("TOO_LONG", "LONG_RUN", "LONG_WORD", "REPEATED")
    max_len = WHOLE_TEXT
    blocks = True  # there is no place to cut out

    def __init__(
        self,
        *,
        max_chars: int | None,
        max_bytes: int | None,
        max_run_chars: int | None,
        max_word_chars: int | None,
        max_squeeze: float | None,
    ) -> None:
        limits = (max_chars, max_bytes, max_run_chars, max_word_chars, max_squeeze)
        if any(limit is not None and limit <= 0 for limit in limits):
            raise ConfigError("check 'length': a limit has to be above 0")
        self.max_chars = max_chars
        self.max_bytes = max_bytes
        self.max_run_chars = max_run_chars
        self.max_word_chars = max_word_chars
        self.max_squeeze = max_squeeze

    def find(self, text: str) -> list[Finding]:
        """What is too long ends where the text does, and begins where the limit was reached."""
        found = [
            *self._too_long(text),
            *self._long_runs(text),
            *self._long_words(text),
            *self._repeated(text),
        ]
        return sorted(found, key=lambda f: f.start)

    def _too_long(self, text: str) -> Iterator[Finding]:
        allowed = len(text) if self.max_chars is None else min(len(text), self.max_chars)
        if self.max_bytes is not None and 4 * allowed > self.max_bytes:
            allowed = _n_fitting(text[:allowed], self.max_bytes)
        if allowed < len(text):
            yield Finding("TOO_LONG", allowed, len(text), check=self.name)

    def _long_runs(self, text: str) -> Iterator[Finding]:
        limit = self.max_run_chars
        if limit is None or len(text) <= limit:
            return
        for m in (_RUN if limit > 16 else re.compile(r"(\S)\1++")).finditer(text):
            if m.end() - m.start() > limit:
                yield Finding("LONG_RUN", *m.span(), check=self.name)

    def _long_words(self, text: str) -> Iterator[Finding]:
        limit = self.max_word_chars
        if limit is None or len(text) <= limit:
            return
        for m in _WORD.finditer(text):
            if m.end() - m.start() > limit:
                yield Finding("LONG_WORD", *m.span(), check=self.name)

    def _repeated(self, text: str) -> Iterator[Finding]:
        if self.max_squeeze is None:
            return
        start = end = 0
        for at, stop in _windows(len(text)):
            if _squeeze(text[at:stop]) <= self.max_squeeze:
                continue
            if at != end and end:
                yield Finding("REPEATED", start, end, check=self.name)
            start, end = (start if at == end and end else at), stop
        if end:
            yield Finding("REPEATED", start, end, check=self.name)


def _n_fitting(text: str, n_bytes: int) -> int:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) <= n_bytes:
        return len(text)
    while data[n_bytes] & 0xC0 == 0x80:  # within a character
        n_bytes -= 1
    return len(data[:n_bytes].decode("utf-8", "surrogatepass"))


def _windows(n_chars: int) -> Iterator[tuple[int, int]]:
    """Pieces one behind the other; a short rest belongs to the last."""
    at = 0
    while n_chars - at >= MIN_CHARS:
        stop = at + WINDOW_CHARS if n_chars - at - WINDOW_CHARS >= MIN_CHARS else n_chars
        yield at, stop
        at = stop


def _squeeze(piece: str) -> float:
    data = piece.encode("utf-8", "surrogatepass")
    return len(data) / len(zlib.compress(data, 1))


def make(
    *,
    max_chars: int | None = 400_000,
    max_bytes: int | None = None,
    max_run_chars: int | None = 1_000,
    max_word_chars: int | None = 100_000,
    max_squeeze: float | None = 40.0,
) -> Length:
    return Length(
        max_chars=max_chars,
        max_bytes=max_bytes,
        max_run_chars=max_run_chars,
        max_word_chars=max_word_chars,
        max_squeeze=max_squeeze,
    )
