"""How placeholders look: as we write them, and as models write them again."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

MAX_KIND_CHARS = 20
MAX_DIGITS = 7
BEFORE_CHARS = 2
"""How far before a placeholder the text decides whether it is one."""
_MAX_FORM_CHARS = 72  # a kind, a number, and escapes all over
_MAX_BREAKS = 9

_BREAK = r"\\{0,2}_"  # markdown escapes underscores, and JSON escapes the escape
_LOOSE_BREAK = r"\\{0,2}[_ -]"
# no part of a longer name; not glued to another placeholder; an escaped line break in JSON is none of the name
_EDGE = r"(?:(?<![A-Za-z0-9_\]])|(?<=\\[bfnrt]))"
_NUMBER = rf"(?<![0-9])(?P<n>[0-9]{{1,{MAX_DIGITS}}}+)"
_IN_BRACKETS = re.compile(
    rf"(?P<escape>\\{{1,2}})?[\[【] ?(?P<kind>[A-Za-z][A-Za-z0-9]{{0,19}}"
    rf"(?:{_LOOSE_BREAK}[A-Za-z0-9]{{1,19}}){{0,{_MAX_BREAKS}}})(?:{_LOOSE_BREAK})?"
    rf"{_NUMBER} ?(?(escape)\\{{1,2}})[\]】]",
    re.ASCII,
)
_BARE = re.compile(
    rf"{_EDGE}(?P<kind>[A-Z][A-Z0-9]{{0,19}}+(?:{_BREAK}[A-Z0-9]{{1,19}}+){{0,{_MAX_BREAKS}}})"
    rf"{_BREAK}{_NUMBER}(?![A-Za-z0-9_\[])",
    re.ASCII,
)
_BEGUN = re.compile(
    rf"(?:\\{{0,2}}[\[【] ?(?P<loose>[A-Za-z0-9_\\ -]{{0,60}})|{_EDGE}(?P<bare>[A-Z][A-Z0-9_\\]{{0,60}})|\\{{1,2}})\Z",
    re.ASCII,
)
_AFTER_KIND = re.compile(rf"_?[0-9]{{0,{MAX_DIGITS}}}_?")
_PLAIN = str.maketrans({" ": "_", "-": "_", "\\": None})


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
    return (
        re.sub(r"[^A-Z0-9]+", "_", kind.upper()).lstrip("_0123456789")[:MAX_KIND_CHARS].strip("_") or "VALUE"
    )


def names_in(text: str) -> Iterator[Written]:
    """Whatever may be read as a placeholder of any kind; they may overlap.

    In square brackets they are read in any case, with spaces, hyphens and escapes; without them (or in other brackets,
    which stay) only in capitals.
    """
    for pattern in (_IN_BRACKETS, _BARE):
        for match in pattern.finditer(text):
            yield _written(match)


def find(text: str, names: Collection[str], start: int = 0) -> Iterator[Written]:
    """The placeholders of these names in a text from `start` on, in order; what lies before it is looked at, too."""
    bracketed, bare = (_known(p, text, names, start) for p in (_IN_BRACKETS, _BARE))
    one, other = next(bracketed, None), next(bare, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.start < other.start):
            assert one is not None
            yield one
            while other is not None and other.start < one.end:
                other = next(bare, None)
            one = next(bracketed, None)
        else:
            yield other
            other = next(bare, None)


def open_at(text: str, kinds: Collection[str], start: int = 0) -> int:
    """Where a placeholder of these kinds begins that more text may complete or change; len(text) if none does."""
    at = max(start, len(text) - _MAX_FORM_CHARS)
    while (match := _BEGUN.search(text, at)) is not None:
        said = match["loose"] if match["bare"] is None else match["bare"]
        if said is None or _may_become(said.translate(_PLAIN).upper(), kinds):
            return match.start()
        at = match.start() + 1
    return len(text)


def _known(pattern: re.Pattern[str], text: str, names: Collection[str], at: int) -> Iterator[Written]:
    while (match := pattern.search(text, at)) is not None:
        written = _written(match)
        is_known = written.name in names
        if is_known:
            yield written
        at = match.end() if is_known else match.start() + 1


def _written(match: re.Match[str]) -> Written:
    kind = match["kind"].translate(_PLAIN).upper()
    return Written(f"{kind}_{match['n']}", match.start(), match.end())


def _may_become(begun: str, kinds: Collection[str]) -> bool:
    for kind in kinds:
        if kind.startswith(begun):
            return True
        if begun.startswith(kind) and _AFTER_KIND.fullmatch(begun, len(kind)):
            return True
    return False
