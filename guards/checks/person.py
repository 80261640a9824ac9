"""Names of persons, by a spaCy model's named entities. Optional: needs `spacy` and a model, both installed before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.spacy_models import load_model

if TYPE_CHECKING:
    from spacy.language import Language  # type: ignore[import-not-found,unused-ignore]

_NAMERS = ("ner", "entity_ruler")
# a model gives no certainty of its own; below a checksum's, above a guess
_SCORE = 0.85


class Person:
    """Judges whole texts: whether a word is a name takes its sentence."""

    name = "person"
    kinds = ("PERSON",)
    max_len = WHOLE_TEXT
    engine = "spacy"

    def __init__(self, model: Language, labels: Sequence[str], max_chars: int) -> None:
        self._model = model
        self._labels = frozenset(labels)
        self._max_chars = max_chars

    def find(self, text: str) -> list[Finding]:
        return [f for start in range(0, len(text), self._max_chars) for f in self._part(text, start)]

    def _part(self, text: str, start: int) -> list[Finding]:
        doc = self._model(text[start : start + self._max_chars])
        return [
            Finding("PERSON", start + e.start_char, start + e.end_char, _SCORE, self.name)
            for e in doc.ents
            if e.label_ in self._labels
        ]


def make(
    model: str = "en_core_web_sm", labels: Sequence[str] = ("PERSON", "PER"), max_chars: int = 100_000
) -> Person:
    """Build the check from a model's package or folder; longer texts are read in parts of `max_chars`.

    Raises:
        ConfigError: spaCy or the model is not installed, or the model finds no entities; labels are no list.
    """
    if isinstance(labels, str):
        raise ConfigError("check 'person': labels is a list")
    loaded = load_model(model, "en")
    if not any(namer in loaded.pipe_names for namer in _NAMERS):
        raise ConfigError(f"spaCy's model {model!r} has no {' or '.join(_NAMERS)}, so it finds no names")
    return Person(loaded, labels, max_chars)
