"""What providers' own counts say about ours."""

from __future__ import annotations

from collections import OrderedDict, deque

_N_KEPT = 64
_MIN_TOKENS = 500  # in a short prompt the provider's own frame weighs too much
_MARGIN = 1.02
_MAX_MODELS = 1000
_MOST = 2.0


class Corrections:
    """By how much a model counts more than we do, as its replies tell.

    The second highest ratio of the last 64 is taken, and 2 % on top: one odd reply says nothing. That a model counts
    less is not used: what is on the safe side for one prompt (prose) may not be for the next (digits, another script).
    """

    def __init__(self) -> None:
        self._ratios: OrderedDict[str, deque[float]] = OrderedDict()

    def observe(self, model: str, *, n_counted: int, n_reported: int) -> None:
        """Take one reply's `usage.prompt_tokens` beside what was counted for the same prompt."""
        if n_counted < _MIN_TOKENS or n_reported <= 0:
            return
        ratios = self._ratios.setdefault(model, deque(maxlen=_N_KEPT))
        self._ratios.move_to_end(model)
        ratios.append(min(n_reported / n_counted, _MOST))
        if len(self._ratios) > _MAX_MODELS:
            self._ratios.popitem(last=False)

    def factor(self, model: str) -> float:
        """What to multiply our count with, 1 or more."""
        ratios = self._ratios.get(model)
        if ratios is None or len(ratios) < 2:
            return 1.0
        second = sorted(ratios)[-2]
        return second * _MARGIN if second > 1.0 else 1.0
