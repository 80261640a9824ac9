"""What one character stands for, whatever stands around it: invisible ones go, dressed-up letters become plain."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from stepwell.guards.normalise.offsets import Folded, Offsets, add

__all__ = ["Folded", "fold"]

# Default_Ignorable_Code_Point (Unicode 16) and the interlinear marks
INVISIBLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_ASCII = bytes(range(0x80))
_TAGS = range(0xE0020, 0xE007F)  # U+E0000 plus an ASCII character
# variation selectors: 256, one for each byte, from 17 on here; emoji carry hidden text in them
_SELECTORS = range(0xE0100, 0xE01F0)
# blocks with characters that stand for ASCII ones (NFKC): spaces, super- and subscripts, letterlike, enclosed,
# ligatures, full-width, mathematical letters
_DRESSED = (
    (0xA0, 0xC0),
    (0x2B0, 0x2E5),
    (0x1D2C, 0x1DC0),
    (0x2000, 0x2190),
    (0x2460, 0x2500),
    (0x2C7C, 0x2C7E),
    (0x3000, 0x3001),
    (0x3250, 0x3400),
    (0xA7F0, 0xA800),
    (0xFB00, 0xFB07),
    (0xFE30, 0xFE70),
    (0xFF00, 0xFFF0),
    (0x10780, 0x107C0),
    (0x1CCD6, 0x1CCFA),
    (0x1D400, 0x1D800),
    (0x1F100, 0x1F200),
    (0x1FBF0, 0x1FBFA),
)
# ordinary writing, worth no reading of its own
_ORDINARY = "\u2026\u2122\u2120\xaa\xba\xa8\xaf\xb4\xb8"
# what ordinary writing holds too: spaces, East Asian punctuation, flags; and joiners between signs of other scripts
_ORDINARY_TOO = (
    "\xa0\u2000-\u200a\u202f\u205f\u3000\ufe30-\ufe6f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
_FLAGS = "\U0001f1e6-\U0001f1ff"
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"
# letters that Unicode draws but does not take apart: small capitals, enclosed white on black, regional indicators
_SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz", strict=True))
_ENCLOSED = ((0x1F150, 26), (0x1F170, 26), (0x1F1E6, 26))


@dataclass(frozen=True, slots=True)
class _Table:
    """Attributes:
    becomes: For str.translate.
    changed: Characters that change; asking a set is faster than a regex of so many ranges.
    rare: Those of them that are rare in ordinary writing.
    is_resized: Finds a run that goes, or a character that becomes several.
    is_joiner: Finds a joiner behind an ASCII character, where it joins nothing.
    """

    becomes: dict[int, str]
    changed: frozenset[str]
    rare: frozenset[str]
    is_resized: re.Pattern[str]
    is_joiner: re.Pattern[str]


def fold(text: str) -> Folded | None:
    """The text with each character as it reads; None where nothing changes.

    Knows no context: folding two pieces gives what folding them joined does.
    """
    if text.isascii():
        return None
    table = _table()
    # what is not ASCII is little, and all that matters
    rest = text.encode("utf-8", "surrogatepass").translate(None, _ASCII).decode("utf-8", "surrogatepass")
    if table.changed.isdisjoint(rest):
        return None
    offsets = Offsets([], [], [], [])
    moved = 0
    for found in table.is_resized.finditer(text):
        start, end = found.span()
        n_new = len(table.becomes[ord(text[start])]) if end - start == 1 else 0
        add(offsets, start + moved, n_new, start, end)
        moved += n_new - (end - start)
    return Folded(text.translate(table.becomes), offsets if offsets.at else None)


def is_worth(text: str) -> bool:
    """Whether folding may undo a disguise: something changes that ordinary writing has no use for."""
    if text.isascii():
        return False
    table = _table()
    return not table.rare.isdisjoint(text) or table.is_joiner.search(text) is not None


@cache
def _table() -> _Table:
    becomes = {ord(c): "" for c in _expand(INVISIBLE)}
    becomes |= {place: chr(place - 0xE0000) for place in _TAGS}
    becomes |= {place: chr(place - 0xE00F0) for place in _SELECTORS if 32 <= place - 0xE00F0 < 127}
    becomes |= {
        place: plain for start, stop in _DRESSED for place in range(start, stop) if (plain := _plain(place))
    }
    becomes |= {ord(c): plain for c, plain in _SMALL_CAPITALS.items()}
    becomes |= {start + i: chr(0x41 + i) for start, n in _ENCLOSED for i in range(n)}
    gone = _ranges(sorted(place for place, plain in becomes.items() if not plain))
    several = _ranges(sorted(place for place, plain in becomes.items() if len(plain) > 1))
    changed = frozenset(map(chr, becomes))
    return _Table(
        becomes,
        changed,
        rare=changed.difference(_expand(_ORDINARY_TOO + _FLAGS + _JOINERS)),
        is_resized=re.compile(f"[{gone}]+|[{several}]"),
        is_joiner=re.compile(rf"[{_JOINERS}](?<![^\x00-\x7f].)"),
    )


def _plain(place: int) -> str:
    """What a character stands for, where that is ASCII."""
    char = chr(place)
    plain = unicodedata.normalize("NFKC", char)
    return plain if plain.isascii() and char not in _ORDINARY else ""


def _expand(ranges: str) -> list[str]:
    """Every character of a character class."""
    out: list[str] = []
    for i, char in enumerate(ranges):
        if char == "-":
            out += map(chr, range(ord(out[-1]) + 1, ord(ranges[i + 1])))
        else:
            out.append(char)
    return out


def _ranges(places: list[int]) -> str:
    """A character class of code points, given sorted."""
    out: list[str] = []
    start = last = places[0]
    for place in [*places[1:], -1]:
        if place != last + 1:
            out.append(f"\\U{start:08x}-\\U{last:08x}")
            start = place
        last = place
    return "".join(out)
