"""An answer's text as words that can be compared: numbers, units, times and months written one way."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from stepwell.memory.cache.judge.wordlists import MONTHS, SMALL_NUMBERS, STOP, UNITS

MAX_CHARS = 20_000

_MARKUP = re.compile(r"[*_`#>|]+|\[(?=[^\]]{0,200}\]\()|\]\([^)\s]{0,300}\)")
_LISTED = re.compile(r"^[ \t]*(?:\d{1,2}[.)]|[-•])[ \t]+", re.M)
_CLOCK = re.compile(r"\b(\d{1,2})(?:[:.](\d\d))?\s?([ap])\.?m\b\.?|\b(\d{1,2}):(\d\d)\b")
_WORD = re.compile(r"°[cf]\b|[%€$£]|(?:(?<![\w.)])[-−±])?\d+(?:,\d{3})*(?:\.\d+)*|[^\W\d_]+(?:'[^\W\d_]+)?")
_SIGN = re.compile(r"(?<!\S)\S*(?:[=_/\\<>{}@#±^~|&\[\]]|(?<!\S)-+(?=\w)|\w[:.(](?=\w))\S*")
_PLAIN_NUMBER = re.compile(r"[\d:.,/%€$£-]+")
_EDGES = ".,;:!?`*'\"()"
_LIST = re.compile(r",| and |\n[ \t]*(?:[-*•]|\d+[.)])\s")
_NO_SPACES = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ENDINGS = ("ations", "ation", "ings", "ing", "edly", "ed", "ies", "es", "ly", "s", "e")


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says, as far as words show it.

    Attributes:
        words: Stems of all words that carry meaning, in order; numbers, units, times and months canonical.
        numbers: The numbers and times among them.
        counted: Each number with the word after it.
        n_all: Words in all.
        signs: Pieces that are no plain words: addresses, options, code; as they are written.
        is_list: It lists things, by commas or "and".
        has_spaces: It is written in a script that sets words apart.
    """

    words: tuple[str, ...]
    numbers: frozenset[str]
    counted: frozenset[tuple[str, str]]
    n_all: int
    signs: frozenset[str]
    is_list: bool
    has_spaces: bool


def plain(text: str) -> str:
    """A text without case, markup and the numbering of its lists; blanks as one."""
    text = unicodedata.normalize("NFKC", text[:MAX_CHARS]).replace("’", "'")
    return " ".join(_MARKUP.sub("", _LISTED.sub("", text)).casefold().split())


def without_markup(text: str) -> str:
    """The beginning of a text as it is written, but for markup and the numbering of lists."""
    return _MARKUP.sub("", _LISTED.sub("", text[:MAX_CHARS]))


def read(text: str) -> Reading:
    """Read a text's words; of one longer than MAX_CHARS, the beginning."""
    found = _WORD.findall(_CLOCK.sub(_on_the_clock, plain(text)))
    words = [w for i, word in enumerate(found) if (w := _canonical(found, i, word))]
    counted = frozenset((a, b) for a, b in pairwise(words) if a[0].isdigit() and not b[0].isdigit())
    return Reading(
        words=tuple(words),
        numbers=frozenset(w for w in words if w[0].isdigit()),
        counted=counted,
        n_all=len(found),
        signs=frozenset(
            s.strip(_EDGES) for s in _SIGN.findall(text[:MAX_CHARS]) if not _PLAIN_NUMBER.fullmatch(s)
        ),
        is_list=_LIST.search(text[:MAX_CHARS]) is not None,
        has_spaces=_NO_SPACES.search(text[:MAX_CHARS]) is None,
    )


def _on_the_clock(m: re.Match[str]) -> str:
    if m[4] is not None:
        hour, minute = int(m[4]), m[5]
    else:
        hour, minute = int(m[1]) % 12 + 12 * (m[3] == "p"), m[2] or "00"
    return f"{hour} oclock{minute if minute != '00' else ''}"


def _canonical(found: list[str], i: int, word: str) -> str:
    """One word as it is compared; "" where it means nothing."""
    if word[-1].isdigit():
        return _number(word)
    if word in SMALL_NUMBERS:
        return SMALL_NUMBERS[word]
    beside = [w for w in (found[i - 1] if i else "", found[i + 1] if i + 1 < len(found) else "") if w]
    is_beside_number = any(w[0].isdigit() or w in SMALL_NUMBERS for w in beside)
    if is_beside_number and word in UNITS:
        return UNITS[word]
    if word in MONTHS and (word != "may" or is_beside_number):
        return MONTHS[word]
    if word in STOP:
        return ""
    return stem(UNITS.get(word, word))


def _number(word: str) -> str:
    sign, digits = ("-", word[1:]) if word[0] in "-−" else ("", word)
    digits = digits.replace(",", "")
    if digits.count(".") == 1:
        digits = digits.rstrip("0").rstrip(".")
    # the sign last: a number is known by its first character
    return (digits.lstrip("0") or "0") + sign


def stem(word: str) -> str:
    """A word without its ending, roughly."""
    word = word.removesuffix("'s")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
