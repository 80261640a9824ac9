"""When to leave a failing summarizer alone, and when to try it again."""

from __future__ import annotations

from collections.abc import Callable


class Breaker:
    """Open after `max_failures` in a row; after `rest_s` one trial is let through, which closes it or not.

    Args:
        now_s: A clock that never goes back.
    """

    def __init__(self, max_failures: int, rest_s: float, now_s: Callable[[], float]) -> None:
        self._max_failures = max_failures
        self._rest_s = rest_s
        self._now_s = now_s
        self._opened_s: float | None = None
        self._n_in_row = 0
        self._is_on_trial = False

    @property
    def is_open(self) -> bool:
        return self._opened_s is not None

    def allows(self) -> bool:
        """Whether to call now; who is told so reports `succeeded`, `failed` or `given_up`."""
        if self._opened_s is None:
            return True
        if self._is_on_trial or self._now_s() - self._opened_s < self._rest_s:
            return False
        self._is_on_trial = True
        return True

    def succeeded(self) -> None:
        self._n_in_row, self._opened_s, self._is_on_trial = 0, None, False

    def failed(self) -> bool:
        """Count it; True where that opens the breaker, or keeps it open after the trial."""
        self._n_in_row += 1
        opens = self._is_on_trial or (self._opened_s is None and self._n_in_row >= self._max_failures)
        if opens:
            self._opened_s, self._is_on_trial = self._now_s(), False
        return opens

    def given_up(self) -> None:
        """It was cancelled from outside: nothing was learnt."""
        self._is_on_trial = False
