"""A share of requests, or dollars a day, for the dearest tier: held by a running cut on what requests need.

The cut is a quantile of the last needs seen, so it follows traffic that changes; what went wrong lately is paid
back by asking for a little more or less. A quality promise goes first: this only says who goes up in any case.
"""

from __future__ import annotations

import time
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

_DAY_S = 86_400.0
# A debt fades over this many paybacks, and is bounded: a switch of traffic must not be paid for ever after. Both by
# simulation: needs by three rankers, 10 to 90 % asked, any of five data sets after any other.
_N_FORGIVING = 20
_GOLDEN = 0.6180339887498949
_N_USUAL = 20  # what is usual counts as this many requests


class ShareState(msgspec.Struct, frozen=True):
    """Where a control stands.

    Attributes:
        asked: Share that should go to the dearest tier; for a dollar target the one that it comes to now.
        realised: Share that went there of the last requests; None before the first.
        cut: Need from which a request goes there.
        is_outvoted: More went there than asked because something else, as the quality promise, sent them.
        spent_usd: Today (UTC); only where there is a dollar target.
    """

    asked: float
    realised: float | None
    cut: float
    n: int
    is_outvoted: bool = False
    spent_usd: float | None = None

    @property
    def said(self) -> str:
        """In plain words, for headers and logs."""
        now = "" if self.realised is None else f", {self.realised:.0%} of the last requests"
        spent = "" if self.spent_usd is None else f", ${self.spent_usd:.2f} spent today"
        more = "; the quality promise needs more" if self.is_outvoted else ""
        cut = "" if self.cut == float("inf") else f" (need {self.cut:.2f} or more)"
        return f"asked {self.asked:.0%}{cut}{now}{spent}{more}"


class ShareControl:
    """Says from which need on a request goes to the dearest tier. One event loop; no locks, no I/O.

    Args:
        target_share: 0..1 of requests; or
        target_usd_per_day: Of all tiers together, from midnight to midnight UTC.
        cdf: Needs of known traffic (any number, in any order): what the cut starts from. Without it needs are taken
            to be spread evenly over 0..1.
        n_window: Last requests that the cut looks at.
        n_payback: Requests over which a deviation is made good.
        usual_usd: Mean cost of a cheap and of a dearest request, until enough were seen.
        spent_usd: Spent today before it began.
        clock: Unix time in seconds.

    Raises:
        ValueError: Neither or both targets.
    """

    def __init__(
        self,
        *,
        target_share: float | None = None,
        target_usd_per_day: float | None = None,
        cdf: Sequence[float] = (),
        n_window: int = 160,
        n_payback: int = 40,
        usual_usd: tuple[float, float] | None = None,
        spent_usd: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if (target_share is None) == (target_usd_per_day is None):
            raise ValueError("give a share or dollars a day")
        self._share = target_share or 0.0
        self._pace: _Pace | None = None
        if target_usd_per_day is not None:
            self._pace = _Pace(target_usd_per_day, spent_usd, usual_usd, clock)
        start = sorted(cdf) or [i / n_window for i in range(n_window + 1)]
        known = [_quantile(start, (i + 0.5) / n_window) for i in range(n_window)]
        # spread out, so that what is forgotten first is no end of the distribution
        self._recent = deque(known[i] for i in sorted(range(n_window), key=lambda i: i * _GOLDEN % 1))
        self._sorted = sorted(self._recent)
        self._went: deque[bool] = deque(maxlen=n_window)
        self._n_went = 0
        self._debt = 0.0
        self._n_payback = n_payback
        self._n = 0

    def cut(self) -> float:
        """The need from which on a request goes to the dearest tier."""
        asked = self.asked() - self._debt / self._n_payback
        return _quantile(self._sorted, 1 - asked)

    def asked(self) -> float:
        """The share asked for; for a dollar target what is left of it comes to."""
        return self._pace.share() if self._pace is not None else self._share

    def observe(self, need: float, cost_usd: float = 0.0, *, went_up: bool | None = None) -> None:
        """Take one request that was routed.

        Args:
            cost_usd: What it cost, as far as is known.
            went_up: Whether the dearest tier answered; None: as the cut said.
        """
        asked, is_over = self.asked(), need >= self.cut()
        went = is_over if went_up is None else went_up
        self._n += 1
        if len(self._went) == self._went.maxlen:
            self._n_went -= self._went[0]
        self._went.append(went)
        self._n_went += went
        # who went up for other reasons is no debt of the cut: it is not taken back from those in need
        debt = self._debt * (1 - 1 / (_N_FORGIVING * self._n_payback)) + is_over - asked
        self._debt = min(max(debt, -self._n_payback), self._n_payback)
        old = self._recent.popleft()
        del self._sorted[bisect_left(self._sorted, old)]
        self._recent.append(need)
        insort(self._sorted, need)
        if self._pace is not None:
            self._pace.add(cost_usd, went)

    def pay(self, cost_usd: float) -> None:
        """Take dollars that went where nothing was steered, as for a pinned tier."""
        if self._pace is not None:
            self._pace.pay(cost_usd)

    def state(self) -> ShareState:
        """For explanations and metrics."""
        n = len(self._went)
        asked = self.asked()
        realised = self._n_went / n if n else None
        over = realised is not None and n == self._went.maxlen and realised > asked + 0.05
        spent = self._pace.spent_usd if self._pace is not None else None
        return ShareState(asked, realised, self.cut(), self._n, over, spent)


class _Pace:
    """What share a day's dollars come to: what is left of them, over the requests that the day still brings."""

    def __init__(
        self,
        usd_per_day: float,
        spent_usd: float,
        usual_usd: tuple[float, float] | None,
        clock: Callable[[], float],
    ) -> None:
        self.spent_usd = spent_usd
        self._usd_per_day = usd_per_day
        self._clock = clock
        cheap, dear = usual_usd or (0.0, 0.0)
        self._cheap_usd, self._dear_usd = (
            _Mean(cheap, usual_usd is not None),
            _Mean(dear, usual_usd is not None),
        )
        self._gap_s = _Mean(0.0, False)
        self._last_s = clock()
        self._day = self._last_s // _DAY_S

    def pay(self, cost_usd: float) -> None:
        day = self._clock() // _DAY_S
        if day > self._day:
            self._day, self.spent_usd = day, 0.0
        self.spent_usd += cost_usd

    def add(self, cost_usd: float, went_up: bool) -> None:
        self.pay(cost_usd)
        now_s = self._clock()
        self._gap_s.add(max(0.0, now_s - self._last_s))
        self._last_s = now_s
        (self._dear_usd if went_up else self._cheap_usd).add(cost_usd)

    def share(self) -> float:
        """0..1; a half until both costs are known."""
        now_s = self._clock()
        is_new_day = now_s // _DAY_S > self._day
        left_usd = self._usd_per_day - (0.0 if is_new_day else self.spent_usd)
        if left_usd <= 0:
            return 0.0
        cheap, dear = self._cheap_usd.value, self._dear_usd.value
        if cheap is None or dear is None or dear <= cheap:
            return 0.5
        left_s = _DAY_S - now_s % _DAY_S
        n_left = max(1.0, left_s / max(self._gap_s.value or 0.0, 1e-3))
        return min(1.0, max(0.0, (left_usd / n_left - cheap) / (dear - cheap)))


class _Mean:
    """Of the last few hundred values, old ones fading; a start value counts as `_N_USUAL`."""

    def __init__(self, start: float, is_known: bool, n_memory: int = 400) -> None:
        self._sum, self._n = (start * _N_USUAL, float(_N_USUAL)) if is_known else (0.0, 0.0)
        self._keep = 1 - 1 / n_memory

    def add(self, value: float) -> None:
        self._sum = self._sum * self._keep + value
        self._n = self._n * self._keep + 1

    @property
    def value(self) -> float | None:
        """None before the first."""
        return self._sum / self._n if self._n else None


def _quantile(rising: Sequence[float], share: float) -> float:
    """Between the values around it; above all of them for 1 or more, so that nothing reaches it."""
    if share >= 1:
        return float("inf")
    place = max(0.0, share) * len(rising) - 0.5
    low = int(max(0.0, place))
    high = min(low + 1, len(rising) - 1)
    part = min(1.0, max(0.0, place - low))
    return rising[low] * (1 - part) + rising[high] * part
