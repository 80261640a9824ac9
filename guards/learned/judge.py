"""A check that asks one learned head what a text is."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.context import Context
from stepwell.guards.learned.head import Head
from stepwell.guards.learned.load import load
from stepwell.guards.learned.windows import N_WHOLE_CHARS, ends, sentences, windows
from stepwell.guards.time_limit import in_time

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.guards.normalise.views import View

Scored = tuple[float, int, int]
WORST_OF = 0.3
"""Of more spans the worst is worse by chance: so much is taken off its log-odds for each factor e."""


class HeadJudge:
    """Scores a text by the worst of its views, as a whole, and by windows where it is long.

    Args:
        name: Of the check, and of its head's files.
        kind: Of its findings.
        floor: Scores below it are not reported.
        by_sentence: Each sentence is read on its own, too, by its n-grams.

    Raises:
        ConfigError: The floor is no score.
    """

    max_len = WHOLE_TEXT
    reads_vector = True

    def __init__(self, name: str, kind: str, floor: float, *, by_sentence: bool = False) -> None:
        if not 0 <= floor <= 1:
            raise ConfigError(f"check {name!r}: floor is {floor!r}, not within 0..1")
        self.name = name
        self.kinds = (kind,)
        self.floor = floor
        self._by_sentence = by_sentence

    @cached_property
    def _head(self) -> Head:
        return load(self.name)

    def default_threshold(self, false_blocks: float) -> float:
        """The card's threshold for a budget of false blocks, 0..1."""
        return self._head.threshold(false_blocks)

    def find(self, text: str) -> list[Finding]:
        return self.find_in(text, Context())

    def find_in(self, text: str, context: Context) -> list[Finding]:
        """One finding where the text reaches the floor: the whole text, or the window that is worst.

        Raises:
            TimeoutError: As `in_time`.
        """
        if not text.strip():
            return []
        score, start, end = max(self._look(v, context.vector_of_view(text, v)) for v in context.views(text))
        return [Finding(self.kinds[0], start, end, score, self.name)] if score >= self.floor else []

    def _look(self, view: View, vector: NDArray[np.float32] | None) -> Scored:
        """The highest score in a view, and the characters of the raw text it is for."""
        in_time()
        text = view.text
        parts = [(self._head.grams.score(ends(text)), 0, len(text))]
        if self._by_sentence:
            parts += self._worst_of(text, sentences(text))
        by_vector = self._by_vector(vector)
        looks = [(self._head.scored(grams, by_vector), start, end) for grams, start, end in parts]
        if len(text) > N_WHOLE_CHARS:
            found = [part for spans in windows(text) for part in self._worst_of(text, spans)]
            looks += [(self._head.scored(grams, None), start, end) for grams, start, end in found]
        score, start, end = max(looks)
        return (score, *view.span(start, end))

    def _by_vector(self, vector: NDArray[np.float32] | None) -> float | None:
        head = self._head.vector
        return None if head is None or vector is None else head.score(vector)

    def _worst_of(self, text: str, spans: list[tuple[int, int]]) -> list[Scored]:
        """The span whose n-grams say most, and their log-odds less what chance gives; none where there are none."""
        if not spans:
            return []
        scores = self._head.grams.of_spans(text, spans)
        worst = int(scores.argmax())
        return [(float(scores[worst]) - WORST_OF * math.log(len(spans)), *spans[worst])]
