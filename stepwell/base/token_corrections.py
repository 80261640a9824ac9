"""What providers' own counts say about ours."""

from __future__ import annotations

from collections import OrderedDict, deque

_N_KEPT = 64
_N_TRUSTED = 8
_MIN_TOKENS = 500  # in a short prompt the provider's own frame weighs too much
_MARGIN = 1.02
_MAX_MODELS = 1000
_LEAST, _MOST = 0.5, 3.0


class Corrections:
    """By how much a model's own count differs from ours, as its replies tell.

    One that counts more is believed at once; that it counts less, only when eight prompts of 500 tokens or more
    have said so, and then the highest of the last 64 is taken, and 2 % on top.
    """

    def __init__(self) -> None:
        self._ratios: OrderedDict[str, deque[float]] = OrderedDict()

    def observe(self, model: str, *, n_counted: int, n_reported: int) -> None:
        """Take one reply's `usage.prompt_tokens` beside what was counted for the same prompt."""
        if n_counted < _MIN_TOKENS or n_reported <= 0:
            return
        ratios = self._ratios.setdefault(model, deque(maxlen=_N_KEPT))
        self._ratios.move_to_end(model)
        ratios.append(min(max(n_reported / n_counted, _LEAST), _MOST))
        if len(self._ratios) > _MAX_MODELS:
            self._ratios.popitem(last=False)

    def factor(self, model: str) -> float:
        """What to multiply our count with: 1 where nothing is known."""
        ratios = self._ratios.get(model)
        if not ratios:
            return 1.0
        most = max(ratios) * _MARGIN
        if max(ratios) <= 1.0 and len(ratios) < _N_TRUSTED:
            return 1.0
        return most if max(ratios) > 1.0 else min(most, 1.0)
