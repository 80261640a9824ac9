"""The same choice as text: lines of turns under the days on which they were said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from stepwell.base.tokens import count_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAST_TOKENS = 12
# as in memory.context.packing.fill
_POWER = 0.5


class Line(msgspec.Struct, frozen=True):
    """A turn as it is shown.

    Attributes:
        text: "Speaker: text [photo: caption]" (`line` writes it).
        day: "8 May, 2023", shown once above the turns of that day; "" where it is unknown.
    """

    text: str
    day: str = ""


class Rendered(msgspec.Struct, frozen=True):
    """What was chosen.

    Attributes:
        kept: Places of its turns, rising.
        n_tokens: Of the text, exact in its vocabulary.
        expected_recall: Share of what matters that is kept, by estimate, 0..1.
    """

    text: str
    kept: tuple[int, ...]
    n_tokens: int
    expected_recall: float = 1.0


def line(speaker: str, text: str, caption: str = "") -> str:
    """One turn: "Speaker: text [photo: caption]"."""
    return f"{speaker}: {text}{f' [photo: {caption}]' if caption else ''}"


class Transcript:
    """A talk that is rendered for many questions or budgets; each line is counted once."""

    def __init__(self, lines: Sequence[Line], *, model: str) -> None:
        """Count its lines.

        Args:
            model: Names the vocabulary.

        Raises:
            ConfigError: It is not on this machine.
        """
        self._lines = lines
        self._model = model
        self._costs = [count_text(f"{line.text}\n", model) for line in lines]
        self._days = {day: count_text(f"[{day}]\n", model) for day in {line.day for line in lines} if day}

    def render(
        self, n_tokens: int, relevance: NDArray[np.float32] | None = None, *, recent_share: float = 0.1
    ) -> Rendered:
        """The latest turns, then those that matter most, in their order; never more than `n_tokens`.

        Args:
            relevance: Of each turn, 0..1, shape (n_turns,); None: the latest turns alone.
            recent_share: Share of `n_tokens` that the latest turns get in any case.
        """
        kept: dict[int, None] = {}  # the least worthy last
        share = 1.0 if relevance is None else recent_share
        left = n_tokens - self._take_recent(kept, int(share * n_tokens))
        if relevance is not None:
            self._take_best(kept, self._ranked(relevance), left)
        text = self._text(sorted(kept))
        while (n := count_text(text, self._model)) > n_tokens:
            kept.popitem()
            text = self._text(sorted(kept))
        places = tuple(sorted(kept))
        return Rendered(text, places, n, 1.0 if relevance is None else _recall(relevance, places))

    def _ranked(self, relevance: NDArray[np.float32]) -> list[int]:
        import numpy as np

        worth = relevance / np.array(self._costs, dtype=np.float64) ** _POWER
        ranked: list[int] = np.argsort(-worth, kind="stable").tolist()
        return ranked

    def _take_recent(self, kept: dict[int, None], n_tokens: int) -> int:
        n_used, shown = 0, set[str]()
        for place in reversed(range(len(self._lines))):
            n = self._cost(place, shown)
            if n_used + n > n_tokens:
                break
            kept[place] = None
            shown.add(self._lines[place].day)
            n_used += n
        return n_used

    def _take_best(self, kept: dict[int, None], ranked: Sequence[int], left: int) -> None:
        shown = {self._lines[place].day for place in kept}
        for place in ranked:
            if left < _LEAST_TOKENS:
                break
            n = self._cost(place, shown)
            if place not in kept and n <= left:
                kept[place] = None
                shown.add(self._lines[place].day)
                left -= n

    def _cost(self, place: int, shown: set[str]) -> int:
        """Tokens of a line, and of its day where that is not shown yet."""
        day = self._lines[place].day
        return self._costs[place] + (0 if day in shown else self._days.get(day, 0))

    def _text(self, places: Sequence[int]) -> str:
        shown, day = [], ""
        for place in places:
            at = self._lines[place]
            if at.day and at.day != day:
                shown.append(f"[{at.day}]")
            day = at.day or day
            shown.append(at.text)
        return "\n".join(shown)


def _recall(relevance: NDArray[np.float32], places: Sequence[int]) -> float:
    total = float(relevance.sum())
    return float(relevance[list(places)].sum()) / total if total > 0 else 1.0
