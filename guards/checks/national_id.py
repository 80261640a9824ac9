"""National and tax numbers of persons (and Brazil's of firms), by their written form and check digits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepwell.base.decisions import Finding
from stepwell.guards.check import NUMBER, NUMBER_TAIL, RunCheck, begins, edge
from stepwell.guards.id_forms import FORMS, LETTERED, Form, id_shape
from stepwell.guards.shape import encoded

_WORD_BEFORE = 60
_WHOLE = tuple((f, f.shape, f.whole) for f in FORMS)
_NUMBERED = tuple(form for form in _WHOLE if form[1].startswith(b"0"))
_NAMED = tuple(form for form in _WHOLE if not form[1].startswith(b"0"))
_PARTS = {part for _, part, _ in _NUMBERED}
_LEAST = tuple(part for part in _PARTS if not any(other in part for other in _PARTS - {part}))
# a digit at an edge, digits and capitals enough behind it
_BEGINS = re.compile(
    begins("[0-9]", r"\w.\-/", r"(?=(?:[ .\-/]?[0-9]){5}(?:[ .\-/]?[0-9A-Zx]){3})"), re.ASCII
)
_EDGE = edge(r"\w.\-/")
# letters and digits enough that no ordinary word is one
_SEEN = 7


class NationalId(RunCheck):
    name = "national_id"
    kinds = tuple(dict.fromkeys(f.kind for f in FORMS))
    max_len = 26
    alert = "|".join([NUMBER, *dict.fromkeys("".join(f.atoms[:_SEEN]) for f in LETTERED)])
    tail = "|".join([NUMBER_TAIL, *dict.fromkeys(f.begun(_SEEN) for f in LETTERED)])
    after = 2
    run = re.compile(f"{_EDGE}(?:{'|'.join(dict.fromkeys(f.begun() for f in FORMS))})", re.ASCII)

    def find(self, text: str) -> list[Finding]:
        shape = id_shape(encoded(text))
        found = [
            Finding(form.kind, m.start(), m.end(1), check=self.name)
            for form, part, whole in _NAMED
            if part in shape
            for m in whole.finditer(text)
            if _holds(form, text, m)
        ]
        if any(part in shape for part in _LEAST):
            found += (f for m in _BEGINS.finditer(text) for f in self._at(text, m.start()))
        return sorted(found, key=lambda f: (f.start, -f.end))

    def _at(self, text: str, at: int) -> Iterator[Finding]:
        """The numbers that begin there."""
        shape = id_shape(encoded(text[at : at + self.max_len]))
        for form, part, whole in _NUMBERED:
            if shape.startswith(part) and (m := whole.match(text, at)) and _holds(form, text, m):
                yield Finding(form.kind, m.start(), m.end(1), check=self.name)


def _holds(form: Form, text: str, match: re.Match[str]) -> bool:
    start, end = match.start(), match.end(1)
    if not form.is_proven(text[start:end]):
        return False
    return (
        form.words is None
        or form.words.search(text[max(0, start - _WORD_BEFORE) : start].lower()) is not None
    )


def make() -> NationalId:
    return NationalId()
