"""Prompt injection and jailbreak, by heads that learned from labelled texts (the cards lie beside their weights).

Texts are judged as a whole, and what is longer by its pieces, very long ones by windows too; documents (retrieved
text, tools' results) also sentence by sentence for what speaks to whoever reads them. Every reading of the text is
judged; the worst counts.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import ClassVar, Literal

from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.context import Context
from stepwell.guards.learned.documents import worst_sentence
from stepwell.guards.learned.head import Head
from stepwell.guards.learned.load import load
from stepwell.guards.learned.windows import N_WHOLE_CHARS, windows
from stepwell.guards.learned.within import worst_piece
from stepwell.guards.normalise.views import View
from stepwell.guards.time_limit import in_time

Documents = Literal["auto", "always", "never"]
Scored = tuple[float, int, int]
_PER_E = 0.4  # of more windows the worst is worse by chance: so much is taken off for each factor e
_STAGES = ("retrieved", "tool_result")


class Injection:
    """A `Judge`: one finding, the worst piece, window, sentence or text, where its score reaches `floor`."""

    name: ClassVar[str] = "injection"
    kinds: ClassVar[tuple[str, ...]] = ("PROMPT_INJECTION",)
    max_len: ClassVar[int] = WHOLE_TEXT
    reads_vector: ClassVar[bool] = True

    def __init__(self, documents: Documents, floor: float) -> None:
        self._documents = documents
        self.floor = floor

    @cached_property
    def _prompts(self) -> Head:
        return load("injection")

    @cached_property
    def _planted(self) -> Head:
        return load("injection_documents")

    def find(self, text: str) -> list[Finding]:
        """As `find_in`, with nothing known."""
        return self.find_in(text, Context())

    def find_in(self, text: str, context: Context) -> list[Finding]:
        """The worst place of the text; without an embedding by n-grams alone, which is less sure.

        Raises:
            TimeoutError: As `in_time`.
        """
        score, start, end = max(
            (self._worst(view, text, context) for view in context.views(text)), default=(0.0, 0, 0)
        )
        if score < self.floor or not text:
            return []
        return [Finding(self.kinds[0], start, end, round(score, 4), self.name)]

    def default_threshold(self, false_blocks: float) -> float:
        """As `Judge`; both heads share their thresholds."""
        return max(self._prompts.threshold(false_blocks), self._planted.threshold(false_blocks))

    def _worst(self, view: View, text: str, context: Context) -> Scored:
        in_time()
        found = [self._whole(view, text, context)]
        if (piece := worst_piece(self._prompts.grams, view.text)) is not None:
            found.append((self._prompts.scored_within(piece[0]), *view.span(piece[1], piece[2])))
        if len(view.text) > N_WHOLE_CHARS:
            found += self._windows(view)
        if self._reads_documents(context):
            found += self._sentences(view, context)
        return max(found)

    def _whole(self, view: View, text: str, context: Context) -> Scored:
        vector = context.vector_of_view(text, view)
        return self._prompts.score(view.text, vector), *view.span(0, len(view.text))

    def _windows(self, view: View) -> list[Scored]:
        found = []
        for spans in windows(view.text):
            scores = self._prompts.grams.of_spans(view.text, spans)
            worst = int(scores.argmax())
            least = float(scores[worst]) - _PER_E * math.log(len(spans))
            found.append((self._prompts.scored(least, None), *view.span(*spans[worst])))
        return found

    def _sentences(self, view: View, context: Context) -> list[Scored]:
        found = worst_sentence(self._planted, view.text, context.embed)
        return [] if found is None else [(found[0], *view.span(found[1], found[2]))]

    def _reads_documents(self, context: Context) -> bool:
        return self._documents == "always" or (self._documents == "auto" and context.stage in _STAGES)


def make(documents: Documents = "auto", floor: float = 0.1) -> Injection:
    """The check.

    Args:
        documents: Whether texts are read sentence by sentence as documents are: "auto" by the stage, "always", "never".
        floor: Scores below it are not reported.

    Raises:
        ConfigError: An option has no such value.
    """
    if documents not in ("auto", "always", "never"):
        raise ConfigError(f"check 'injection': documents is {documents!r}, not one of auto, always, never")
    if not 0 <= floor <= 1:
        raise ConfigError(f"check 'injection': floor is {floor!r}, not within 0..1")
    return Injection(documents, floor)
