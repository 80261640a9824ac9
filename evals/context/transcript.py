"""Pack a talk as text for one question: turn lines under date headers, within a budget, counted exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from stepwell.base.tokens import count_text
from stepwell.evals.context.talk import Talk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RECENT_SHARE = 0.1
_LEAST = 12  # tokens; nothing worth having is shorter


class Context(msgspec.Struct, frozen=True):
    """What was packed.

    Attributes:
        kept: Places of its turns, rising.
        n_tokens: Of the text, exact.
        expected_recall: As the packer estimates it, 0..1.
    """

    text: str
    kept: tuple[int, ...]
    n_tokens: int
    expected_recall: float = 1.0


class Transcript:
    """A talk as it is packed; each line is counted once."""

    def __init__(self, talk: Talk, *, model: str) -> None:
        self._turns = talk.turns
        self._model = model
        self._costs = [count_text(f"{turn.line}\n", model) for turn in talk.turns]
        self._days = {turn.day: count_text(f"[{turn.day}]\n", model) for turn in talk.turns if turn.day}

    def pack(
        self,
        budget_tokens: int,
        relevance: NDArray[np.float32] | None = None,
        *,
        recent_share: float = RECENT_SHARE,
    ) -> Context:
        """The latest turns, then the most relevant ones that fit.

        Args:
            relevance: Of each turn, shape (n turns,); None: the latest turns alone.
        """
        kept: set[int] = set()
        shown: set[str] = set()
        share = 1.0 if relevance is None else recent_share
        left = budget_tokens - self._take_recent(kept, shown, int(share * budget_tokens))
        ranked = [] if relevance is None else [int(i) for i in (-relevance).argsort(kind="stable")]
        for i in ranked:
            cost = self._cost(i, shown)
            if i not in kept and cost <= left:
                kept.add(i)
                shown.add(self._turns[i].day)
                left -= cost
            if left < _LEAST:
                break
        worst_first = [i for i in reversed(ranked) if i in kept] or sorted(kept)
        text = self._fitted(kept, worst_first, budget_tokens)
        expected = 1.0
        if relevance is not None and relevance.sum() > 0:
            expected = float(relevance[sorted(kept)].sum() / relevance.sum())
        return Context(text, tuple(sorted(kept)), count_text(text, self._model), expected)

    def _take_recent(self, kept: set[int], shown: set[str], budget_tokens: int) -> int:
        used = 0
        for i in reversed(range(len(self._turns))):
            cost = self._cost(i, shown)
            if used + cost > budget_tokens:
                break
            kept.add(i)
            shown.add(self._turns[i].day)
            used += cost
        return used

    def _cost(self, i: int, shown: set[str]) -> int:
        day = self._turns[i].day
        return self._costs[i] + (0 if day in shown else self._days.get(day, 0))

    def _fitted(self, kept: set[int], worst_first: Iterable[int], budget_tokens: int) -> str:
        text = self._render(sorted(kept))
        for i in worst_first:
            if count_text(text, self._model) <= budget_tokens:
                return text
            kept.discard(i)
            text = self._render(sorted(kept))
        return text

    def _render(self, kept: Sequence[int]) -> str:
        lines: list[str] = []
        day = ""
        for i in kept:
            turn = self._turns[i]
            if turn.day != day:
                day = turn.day
                lines += [f"[{day}]"] if day else []
            lines.append(turn.line)
        return "\n".join(lines)
