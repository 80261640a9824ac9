"""National and tax numbers of persons (and Brazil's of firms), by their written form and check digits."""

from __future__ import annotations

import re

from stepwell.base.decisions import Finding
from stepwell.guards.check import NUMBER, NUMBER_TAIL, RunCheck, edge
from stepwell.guards.id_forms import FORMS, LETTERED, Form, id_shape
from stepwell.guards.shape import encoded

_WORD_BEFORE = 60
_SHAPES = tuple(dict.fromkeys(f.shape for f in FORMS))
_BY_SHAPE = {shape: [(f, f.whole) for f in FORMS if f.shape == shape] for shape in _SHAPES}
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
            for part, forms in _BY_SHAPE.items()
            if part in shape
            for form, whole in forms
            for m in whole.finditer(text)
            if _holds(form, text, m)
        ]
        return sorted(found, key=lambda f: (f.start, -f.end))


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
