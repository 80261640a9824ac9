"""How placeholders look: as we write them, and as models write them again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

MAX_KIND_CHARS = 20
MAX_DIGITS = 7
MAX_FORM_CHARS = 64
"""No way of writing a placeholder is longer: a kind, a number, and escapes all over."""
BEFORE_CHARS = 2
"""How far before a placeholder the text decides whether it is one."""

_BREAK = r"\\{0,2}_"  # markdown escapes underscores, and JSON escapes the escape
_LOOSE_BREAK = r"\\{0,2}[_ -]"
# no part of a longer name; not glued to another placeholder; an escaped line break in JSON is none of the name
_EDGE = r"(?:(?<![A-Za-z0-9_\]])|(?<=\\[bfnrt]))"
_END = r"(?![A-Za-z0-9_\[])"
_ANY = rf"[A-Za-z][A-Za-z0-9]{{0,19}}(?:{_LOOSE_BREAK}[A-Za-z0-9]{{1,19}}){{0,5}}"
_ANY_BARE = rf"[A-Z][A-Z0-9]{{0,19}}+(?:{_BREAK}[A-Z0-9]{{1,19}}+){{0,5}}"


@dataclass(frozen=True, slots=True)
class Written:
    """A placeholder at start..end of a text.

    Attributes:
        name: What stands between the brackets when we write it: "EMAIL_1".
    """

    name: str
    start: int
    end: int


def kind_of(kind: str) -> str:
    """A kind as it stands in a placeholder: capitals, digits and underscores."""
    return re.sub(r"[^A-Z0-9]+", "_", kind.upper())[:MAX_KIND_CHARS].strip("_") or "VALUE"


@dataclass(frozen=True, slots=True)
class Forms:
    """Patterns for placeholders of some kinds.

    In square brackets they are read in any case, with spaces, hyphens and escapes; without them (or in other
    brackets, which stay) only in capitals.
    """

    full: re.Pattern[str]
    begun: re.Pattern[str]

    def find(self, text: str, start: int = 0) -> Iterator[Written]:
        """Those in a text from `start` on, in order; what lies before it is looked at, too."""
        for match in self.full.finditer(text, start):
            yield Written(_name(match), match.start(), match.end())

    def open_at(self, text: str, start: int = 0) -> int:
        """Where one begins that more text may complete or change; len(text) if none does."""
        match = self.begun.search(text, max(start, len(text) - MAX_FORM_CHARS))
        return match.start() if match else len(text)


@lru_cache(maxsize=256)
def forms(kinds: frozenset[str]) -> Forms:
    """The patterns for these kinds (see `kind_of`), one at least."""
    loose = "|".join(_loose(k) for k in sorted(kinds, key=lambda k: (-len(k), k)))
    bare = "|".join(k.replace("_", _BREAK) for k in sorted(kinds, key=lambda k: (-len(k), k)))
    return Forms(
        re.compile(f"{_bracketed(loose)}|{_bare(bare)}", re.ASCII),
        re.compile("|".join(_beginnings(k) for k in sorted(kinds)), re.ASCII),
    )


def names_in(text: str) -> Iterator[Written]:
    """Whatever may be read as a placeholder of any kind; they may overlap."""
    for pattern in _ANY_PATTERNS:
        for match in pattern.finditer(text):
            yield Written(_name(match), match.start(), match.end())


def _loose(kind: str) -> str:
    made = kind.replace("_", _LOOSE_BREAK)
    # its own digits must not run into the number
    return rf"{made}(?={_LOOSE_BREAK})" if kind[-1].isdigit() else made


def _bracketed(kind: str, tail: str = "_in") -> str:
    return (
        rf"(?P<escape>\\{{1,2}})?[\[【] ?(?i:(?P<kind{tail}>{kind}))(?:{_LOOSE_BREAK})?"
        rf"(?<![0-9])(?P<n{tail}>[0-9]{{1,{MAX_DIGITS}}}+) ?(?(escape)\\{{1,2}})[\]】]"
    )


def _bare(kind: str, tail: str = "_bare") -> str:
    return rf"{_EDGE}(?P<kind{tail}>{kind}){_BREAK}(?P<n{tail}>[0-9]{{1,{MAX_DIGITS}}}+){_END}"


def _name(match: re.Match[str]) -> str:
    found = match.groupdict()
    kind = found.get("kind_in") or found.get("kind_bare") or ""
    plain = kind.replace("\\", "").replace(" ", "_").replace("-", "_").upper()
    return f"{plain}_{found.get('n_in') or found.get('n_bare')}"


def _beginnings(kind: str) -> str:
    """Regex for the beginning of a placeholder of this kind at the end of a text."""
    number = rf"[0-9](?:[0-9]{{0,{MAX_DIGITS - 1}}})"
    loose = [rf"(?i:{c})" if c != "_" else _LOOSE_BREAK for c in kind]
    in_brackets = [r"\[|【", " ?", *loose, rf"(?:{_LOOSE_BREAK})?", number, " ?", r"\\{0,2}"]
    bare = [*(c if c != "_" else _BREAK for c in kind), _BREAK, number]
    return rf"\\{{0,2}}(?:{_up_to(in_brackets)})\Z|\\{{1,2}}\Z|{_EDGE}(?:{_up_to(bare)})\Z"


def _up_to(atoms: Iterable[str]) -> str:
    """Regex for the first atoms of a sequence, one at least; an atom that is a break may be cut off within."""
    made = ""
    for atom in reversed(list(atoms)):
        cut = r"|\\{1,2}" if _LOOSE_BREAK in atom or _BREAK in atom else ""
        made = rf"(?:(?:{atom})(?:{made})?{cut})" if made else f"(?:{atom})"
    return made


_ANY_PATTERNS = (re.compile(_bracketed(_ANY), re.ASCII), re.compile(_bare(_ANY_BARE), re.ASCII))
