"""Signs in a text that neither word lists nor the embedder read: texts that differ in them alone look equal to both."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

from stepwell import base

# currency signs and operators stand among a text's words already (words.py)
_HARMLESS = (
    "!\"'()*,-./:;?[]`$%&+<=>^" + "\u00a1\u00a2\u00a3\u00a5\u00a7\u00a9\u00ab\u00ae\u00b0\u00b7\u00bb\u00bf"
)
_HARMLESS += (
    "\u2010\u2011\u2012\u2013\u2014\u2015\u2018\u2019\u201a\u201c\u201d\u201e\u2022\u2026\u2039\u203a"
)
_HARMLESS += "\u20ac\u20b9\u2122\ufe0e\ufe0f"
_LONG = 100  # letters from which on the embedder reads a word as unknown
_SHARP = re.compile(r"(?<=[A-Za-z])#(?!\w)")  # C# is not C
# signs that stand alone are asked about, "what does [] mean"; but for loose points, smileys, and what is read as a word
_ALONE = re.compile(
    r"(?<!\S)(?![.,?!'\"&+()-]+(?!\S)|[:;=]-?[()]+(?!\S)|[:/*=<>^%$](?!\S))[!-/:-@\[-^`{-~]{1,4}(?!\S)"
)


def unread(text: str) -> tuple[str, ...]:
    """Signs that neither reads; texts in which they differ don't ask for the same.

    A text most of whose letters are not Latin is one sign as a whole: the embedder knows only English.
    """
    text = unicodedata.normalize("NFC", text)
    if not text.isascii() and is_foreign(text):
        return (" ".join(text.split()),)
    return (
        *signs(text),
        *_SHARP.findall(text),
        *_ALONE.findall(text),
        *(w for w in text.split() if len(w) > _LONG),
    )


def is_foreign(text: str) -> bool:
    """Whether most letters are none of the Latin alphabet's."""
    letters = [c for c in text if c.isalpha()]
    return 2 * sum(c in _read_signs() or c.isascii() for c in letters) < len(letters)


def signs(text: str) -> list[str]:
    """Each sign that nothing reads, in order: emoji, suits, notes, letters of other alphabets, fractions."""
    found = [] if text.isascii() else [c for c in text if ord(c) > 127 and c not in _read_signs()]
    return [c for c in found if not c.isspace() and (unicodedata.category(c) != "Cf" or ord(c) >= 0xE0020)]


@cache
def _read_signs() -> frozenset[str]:
    """Signs beside ASCII that are read or mean nothing, and Latin letters whose bare form the embedder knows."""
    path = Path(str(base.__file__)).with_name("minilm_vocab.txt")
    known = frozenset(path.read_text(encoding="utf-8").split("\n"))
    latin = (chr(i) for i in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)))
    return frozenset(_HARMLESS) | {c for c in latin if c.isalpha() and _bare(c) in known}


def _bare(letter: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", letter.lower()) if not unicodedata.combining(c))
