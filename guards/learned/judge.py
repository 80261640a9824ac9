"""A check that asks one learned head what a text is."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from stepwell.base.decisions import Finding
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.context import Context
from stepwell.guards.learned.head import Head
from stepwell.guards.learned.load import load
from stepwell.guards.learned.windows import N_WHOLE_CHARS, windows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.guards.normalise.views import View

_N_WINDOWS = 64
"""Of a text too long to be read whole, so many windows at most are read, spread over it; a bound on time."""


class HeadJudge:
    """Scores a text by the worst of its views, as a whole, and by windows where it is long.

    Args:
        name: Of the check, and of its head's files.
        kind: Of its findings.
        floor: Scores below it are not reported.
    """

    max_len = WHOLE_TEXT
    reads_vector = True

    def __init__(self, name: str, kind: str, floor: float) -> None:
        self.name = name
        self.kinds = (kind,)
        self.floor = floor

    @cached_property
    def _head(self) -> Head:
        return load(self.name)

    def default_threshold(self, false_blocks: float) -> float:
        """The card's threshold for a budget of false blocks, 0..1."""
        return self._head.threshold(false_blocks)

    def find(self, text: str) -> list[Finding]:
        return self.find_in(text, Context())

    def find_in(self, text: str, context: Context) -> list[Finding]:
        """One finding where the text reaches the floor: the whole text, or the window that is worst."""
        if not text.strip():
            return []
        vector = context.vector_of(text)
        looks = [self._look(v, vector if i == 0 else None) for i, v in enumerate(context.views(text))]
        score, start, end = max(looks)
        return [Finding(self.kinds[0], start, end, score, self.name)] if score >= self.floor else []

    def _look(self, view: View, vector: NDArray[np.float32] | None) -> tuple[float, int, int]:
        """The highest score in a view, and the characters of the raw text it is for."""
        whole = (self._head.score(view.text, vector), 0, len(view.text))
        score, start, end = max([whole, *self._in_windows(view.text)])
        return (score, *view.span(start, end))

    def _in_windows(self, text: str) -> list[tuple[float, int, int]]:
        if len(text) <= N_WHOLE_CHARS:
            return []
        spans = windows(text)
        every = -(-len(spans) // _N_WINDOWS)
        return [(self._head.score(text[s:e]), s, e) for s, e in spans[::every]]
