"""Characters and encodings that hide text from people, or make it grow: what no honest writer needs."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.normalise.decode import decode
from stepwell.guards.normalise.fold import INVISIBLE

# the flags of England, Scotland and Wales are written so
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{5}\U000e007f")
_HIDDEN = re.compile("[\U000e0020-\U000e007e]{4,}+|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}+")
_OVERRIDE = re.compile("[\u202d\u202e]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CLOSING = frozenset("\u202c\u2069")
# emoji, Persian and Indian scripts join characters
_INVISIBLE = re.compile(rf"[{INVISIBLE}](?<![^\x00-\x7f][\u200c\u200d\ufe0e\ufe0f])")
_MARKS = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
MIN_COUNT = 4
"""Fewer invisible or broken characters than this are an accident."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_BROKEN = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\ue000-\uf8ff\U000f0000-\U0010ffff]"
)


class Encoding:
    """Finds what hides or swells. A finding by share spans from the first such character to the last.

    Attributes:
        max_invisible: Share of characters that nobody sees.
        max_broken: Share of control, private-use and unassigned characters and lone surrogates.
        max_marks: Combining marks on one letter.
        max_layers: Encodings around one another.
        max_growth: How many times longer compatibility normalising (NFKC) may make the text.
    """

    name = "encoding"
    kinds = ("HIDDEN_TEXT", "BIDI_OVERRIDE", "INVISIBLE", "BROKEN", "MARKS", "NESTED", "GROWS")
    max_len = WHOLE_TEXT
    blocks = True  # there is no place to cut out

    def __init__(
        self, *, max_invisible: float, max_broken: float, max_marks: int, max_layers: int, max_growth: float
    ) -> None:
        if not (0 <= max_invisible <= 1 and 0 <= max_broken <= 1):
            raise ConfigError("check 'encoding': max_invisible and max_broken are shares, 0..1")
        self.max_invisible = max_invisible
        self.max_broken = max_broken
        self.max_marks = max_marks
        self.max_layers = max_layers
        self.max_growth = max_growth

    def find(self, text: str) -> list[Finding]:
        """Hidden texts, overridden directions and piles of marks, each; shares, layers and growth of the whole."""
        found = [
            *self._share("BROKEN", _CONTROL if text.isascii() else _BROKEN, text, self.max_broken),
            *self._nested(text),
        ]
        if not text.isascii():
            text = _FLAG.sub(lambda m: "\U0001f3f4" * len(m[0]), text)
            found += (Finding("HIDDEN_TEXT", *m.span(), check=self.name) for m in _HIDDEN.finditer(text))
            found += self._bidi(text)
            found += self._share("INVISIBLE", _INVISIBLE, text, self.max_invisible)
            found += self._piles(text)
            found += self._growth(text)
        return sorted(found, key=lambda f: f.start)

    def _share(self, kind: str, pattern: re.Pattern[str], text: str, max_share: float) -> Iterator[Finding]:
        n, first, last = 0, 0, 0
        for m in pattern.finditer(text):
            first = m.start() if not n else first
            last, n = m.end(), n + 1
        if n >= MIN_COUNT and n > max_share * len(text):
            yield Finding(kind, first, last, n / len(text), self.name)

    def _bidi(self, text: str) -> Iterator[Finding]:
        """Overrides, and embeddings that a line leaves open (CVE-2021-42574)."""
        for m in _OVERRIDE.finditer(text):
            yield Finding("BIDI_OVERRIDE", *m.span(), check=self.name)
        at = 0
        for line in text.splitlines(keepends=True):
            marks = [m for m in _BIDI.finditer(line) if m[0] not in "\u202d\u202e"]
            n_open = sum(-1 if m[0] in _CLOSING else 1 for m in marks)
            if n_open > 0:
                yield Finding("BIDI_OVERRIDE", at + marks[0].start(), at + len(line), 0.5, self.name)
            at += len(line)

    def _piles(self, text: str) -> Iterator[Finding]:
        for m in _MARKS.finditer(text):
            if m.end() - m.start() > self.max_marks:
                yield Finding("MARKS", *m.span(), check=self.name)

    def _nested(self, text: str) -> Iterator[Finding]:
        """Layers are counted to one more than allowed."""
        outer = done = decode(text)
        for _ in range(self.max_layers):
            done = decode(done.text) if done is not None else None
        if outer is not None and done is not None:
            offsets = outer.offsets
            span = (offsets.raw_at[0], offsets.raw_to[-1]) if offsets is not None else (0, len(text))
            yield Finding("NESTED", *span, check=self.name)

    def _growth(self, text: str) -> Iterator[Finding]:
        """By single characters: normalising a whole text takes quadratic time on piles of marks."""
        n = sum(len(unicodedata.normalize("NFKC", char)) * times for char, times in Counter(text).items())
        if n > self.max_growth * len(text):
            yield Finding("GROWS", 0, len(text), check=self.name)


def make(
    *,
    max_invisible: float = 0.1,
    max_broken: float = 0.01,
    max_marks: int = 4,
    max_layers: int = 1,
    max_growth: float = 3.0,
) -> Encoding:
    return Encoding(
        max_invisible=max_invisible,
        max_broken=max_broken,
        max_marks=max_marks,
        max_layers=max_layers,
        max_growth=max_growth,
    )
