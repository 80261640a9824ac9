"""Letters of other scripts that look like Latin ones, read as Latin where the words around them are Latin."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from stepwell.guards.normalise.offsets import Edit, Folded, rewrite

# by eye, and by what Unicode's own names say of the letter's shape; capitals give capitals
_LOOKS_LIKE = {
    "a": "аαɑⲁ",
    "b": "ЬьƄᏏɓ",
    "c": "сϲⅽⲥꮯ",
    "d": "ԁɗꓒ",
    "e": "еєҽɛεⲉ",
    "f": "ƒſϝ",
    "g": "ɡցɠ",
    "h": "һհᏂ",
    "i": "іιıɩӏ",
    "j": "јϳ",
    "k": "кκⲕ",
    "l": "ⅼǀɭן",
    "m": "мⅿ",
    "n": "пոռηɳ",
    "o": "оοօⲟ०௦ഠ",
    "p": "рρⲣ",
    "q": "ԛգզ",
    "r": "гꮁⲅ",
    "s": "ѕꜱʂꮪ",
    "t": "тτƭ",
    "u": "υսʋ",
    "v": "νѵⅴ",
    "w": "ԝωѡաɯ",
    "x": "хχⅹⲭ",
    "y": "уүγყʏ",
    "z": "ʐᴢꮓ",
    "A": "АΑᎪᗅꓮ",
    "B": "ВΒᏴꓐ",
    "C": "СϹᏟꓚ",
    "D": "ᎠꓓⅮ",
    "E": "ЕΕᎬꓰԐЄ",
    "F": "Ϝꓝ",
    "G": "ԌᏀꓖ",
    "H": "НΗᎻꓧ",
    "I": "ІΙӀꓲ",
    "J": "ЈᎫꓙ",
    "K": "КΚᏦꓗ",
    "L": "Ꮮꓡ",
    "M": "МΜᎷꓟ",
    "N": "Νꓠ",
    "O": "ОΟՕꓳ",
    "P": "РΡᏢꓑ",
    "Q": "Ԛ",
    "R": "Ꭱꓣ",
    "S": "ЅՏᏚꓢ",
    "T": "ТΤᎢꓔ",
    "U": "Սꓴ",
    "V": "ѴᏙꓦ",
    "W": "ԜᎳꓪ",
    "X": "ХΧꓫ",
    "Y": "ҮΥꓬУ",
    "Z": "ΖᏃꓜ",
}
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MARKED = re.compile(rf"[{_MARKS}](?<=[A-Za-z0-9 ].)[{_MARKS}]*")
# Latin with IPA, Greek with Coptic, Cyrillic, Armenian, any other
_SCRIPTS = tuple(
    re.compile(f"[{ranges}]")
    for ranges in (
        "A-Za-z\u0180-\u02af",
        "\u0370-\u03ff\u2c80-\u2cff",
        "\u0400-\u052f",
        "\u0530-\u058f",
        "\u05d0-\u2c7f\ua4d0-\ua4ff\uab30-\uabbf",
    )
)
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile(r"[A-Za-z]")


@cache
def _table() -> tuple[dict[int, str], frozenset[str]]:
    becomes = {ord(c): latin for latin, alike in _LOOKS_LIKE.items() for c in alike}
    return becomes, frozenset(map(chr, becomes))


def unmark(text: str) -> Folded | None:
    """The text without the marks that are piled on Latin letters; None where there are none."""
    if text.isascii():
        return None
    return rewrite(text, ((*m.span(), "") for m in _MARKED.finditer(text)))


def unmask(text: str) -> Folded | None:
    """The text with look-alikes as Latin letters; None where nothing changes.

    A word changes where all its letters can be read as Latin and it mixes scripts, or where it stands between Latin
    words: other languages stay as they are.
    """
    becomes, alike = _table()
    if text.isascii() or not _has_two_scripts(text) or alike.isdisjoint(text):
        return None
    found = _Words(becomes)
    for m in _WORD.finditer(text):
        found.read(m[0], m.start())
    return rewrite(text, found.finish()) if found.edits else None


def _has_two_scripts(text: str) -> bool:
    return sum(letters.search(text) is not None for letters in _SCRIPTS) > 1


class _Words:
    """Reads words in order, and keeps those in doubt until it is clear what stands around them."""

    def __init__(self, becomes: dict[int, str]) -> None:
        self.edits: list[Edit] = []
        self._becomes = becomes
        self._in_doubt: list[Edit] = []
        self._n_latin = 2  # Latin words in a row; the text's edge counts as Latin

    def read(self, word: str, at: int) -> None:
        if word.isascii():
            self._settle(is_latin=True)
            return
        new = word.translate(self._becomes)
        if not new.isascii():
            self._settle(is_latin=_LATIN.search(word) is not None)  # accented Latin is Latin
        elif _mixes(word):
            self._settle(is_latin=True)
            self.edits.append((at, at + len(word), new))
        else:
            self._in_doubt.append((at, at + len(word), new))

    def finish(self) -> list[Edit]:
        """What changes, by rising place."""
        if self.edits:
            self._settle(is_latin=True)
        return self.edits

    def _settle(self, *, is_latin: bool) -> None:
        # one Latin word on either side is no proof: names of products stand between words of any language
        if is_latin and self._n_latin > 1:
            self.edits += self._in_doubt
        self._in_doubt.clear()
        self._n_latin = self._n_latin + 1 if is_latin else 0


def _mixes(word: str) -> bool:
    """Whether a word that could be Latin holds Latin letters, or letters of two other scripts."""
    return len({unicodedata.name(c, "").split(" ", 1)[0] for c in word}) > 1
