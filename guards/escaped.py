"""How a text reads: dressed-up characters plain, invisible ones gone, and JSON's escapes as what they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stepwell.guards.normalise.fold import fold
from stepwell.guards.normalise.offsets import Folded, Offsets

# JSON within JSON escapes the backslash again: two layers more are read
_SLASHES = r"\\{1,4}"
_HEX, _HIGH, _LOW = "[0-9A-Fa-f]", "[dD][89abAB]", "[dD][c-fC-F]"
_ESCAPE = re.compile(rf"{_SLASHES}(?:u({_HIGH}{_HEX}{{2}}){_SLASHES}u({_LOW}{_HEX}{{2}})|u({_HEX}{{4}})|/)")
_CUT_OFF = re.compile(
    rf"{_SLASHES}(?:u{_HEX}{{0,3}})?\Z"
    rf"|{_SLASHES}u{_HIGH}{_HEX}{{2}}(?:{_SLASHES}(?:u(?:[dD](?:[c-fC-F]{_HEX}?)?)?)?)?\Z"
)
_MOST_CUT_OFF = 24
_BRACE = re.compile(r"\s*\{")


def is_json_text(text: str, known: bool | None) -> bool:
    """Whether a text is JSON; `known`: whether the place where it stands says so."""
    return _BRACE.match(text) is not None if known is None else known


def read(text: str, *, is_json: bool = False) -> Folded | None:
    r"""The text as it reads; None where that is as it stands.

    In JSON text \u0040 is @ and \/ a slash (RFC 8259, section 7); other escapes stay, checks know them. Pieces that
    `n_cut_off` leaves whole read as they do joined.
    """
    if not is_json or ("\\u" not in text and "\\/" not in text):
        return fold(text)
    return _built(text, _ESCAPE.finditer(text))


def n_cut_off(text: str) -> int:
    """How many characters at the end of JSON text may be an escape that goes on."""
    found = _CUT_OFF.search(text, max(0, len(text) - _MOST_CUT_OFF))
    return 0 if found is None else len(text) - found.start()


def _built(text: str, escapes: Iterable[re.Match[str]]) -> Folded | None:
    offsets = Offsets([], [], [], [])
    out: list[str] = []
    seen = n_out = 0
    for m in escapes:
        n_out += _fold_into(out, offsets, text[seen : m.start()], n_out, seen)
        char = _char(m)
        folded = fold(char)
        out.append(char if folded is None else folded.text)
        _note(offsets, n_out, len(out[-1]), *m.span())
        n_out += len(out[-1])
        seen = m.end()
    if not out:
        return fold(text)
    _fold_into(out, offsets, text[seen:], n_out, seen)
    return Folded("".join(out), offsets)


def _fold_into(out: list[str], offsets: Offsets, text: str, at: int, raw_at: int) -> int:
    """Add a stretch without escapes; how many characters it reads as."""
    folded = fold(text)
    if folded is None:
        out.append(text)
        return len(text)
    if (new := folded.offsets) is not None:
        offsets.at.extend(at + n for n in new.at)
        offsets.to.extend(at + n for n in new.to)
        offsets.raw_at.extend(raw_at + n for n in new.raw_at)
        offsets.raw_to.extend(raw_at + n for n in new.raw_to)
    out.append(folded.text)
    return len(folded.text)


def _note(offsets: Offsets, at: int, n_new: int, raw_at: int, raw_to: int) -> None:
    """An escape counts as a whole, however many characters it reads as."""
    offsets.at.append(at)
    offsets.to.append(at + n_new)
    offsets.raw_at.append(raw_at)
    offsets.raw_to.append(raw_to)


def _char(m: re.Match[str]) -> str:
    high, low, one = m.groups()
    if high is not None:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    return "/" if one is None else chr(int(one, 16))
