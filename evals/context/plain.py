"""The fill of the baselines: the latest turns, then the best-scored ones that fit, whatever they take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stepwell.base.tokens import count_text
from stepwell.memory.context.packing.render import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_LEAST_TOKENS = 12


class PlainFill:
    """A talk's lines; each is counted once.

    Args:
        model: Whose vocabulary counts.
    """

    def __init__(self, lines: Sequence[Line], *, model: str) -> None:
        self._lines = lines
        self._model = model
        self._costs = [count_text(f"{line.text}\n", model) for line in lines]
        self._days = {line.day: count_text(f"[{line.day}]\n", model) for line in lines if line.day}

    def last(self, n_tokens: int) -> str:
        """The latest turns alone."""
        kept, _ = self._recent(n_tokens)
        return self._fitted(kept, sorted(kept), n_tokens)

    def best(self, n_tokens: int, scores: NDArray[np.float32], *, recent_share: float) -> str:
        """Args: scores: Of each turn, shape (n turns,)."""
        kept, left = self._recent(int(recent_share * n_tokens))
        left += n_tokens - int(recent_share * n_tokens)
        ranked = [int(i) for i in (-scores).argsort(kind="stable")]
        for i in ranked:
            cost = self._cost(i, kept)
            if i not in kept and cost <= left:
                kept.add(i)
                left -= cost
            if left < _LEAST_TOKENS:
                break
        return self._fitted(kept, [i for i in reversed(ranked) if i in kept], n_tokens)

    def _recent(self, left: int) -> tuple[set[int], int]:
        kept: set[int] = set()
        for i in reversed(range(len(self._lines))):
            cost = self._cost(i, kept)
            if cost > left:
                break
            kept.add(i)
            left -= cost
        return kept, left

    def _cost(self, i: int, kept: set[int]) -> int:
        day = self._lines[i].day
        return self._costs[i] + (
            0 if any(self._lines[k].day == day for k in kept) else self._days.get(day, 0)
        )

    def _fitted(self, kept: set[int], worst_first: Iterable[int], n_tokens: int) -> str:
        text = self._text(kept)
        for i in worst_first:
            if count_text(text, self._model) <= n_tokens:
                break
            kept.discard(i)
            text = self._text(kept)
        return text

    def _text(self, kept: set[int]) -> str:
        shown: list[str] = []
        day = ""
        for i in sorted(kept):
            line = self._lines[i]
            if line.day != day:
                day = line.day
                shown += [f"[{day}]"] if day else []
            shown.append(line.text)
        return "\n".join(shown)
