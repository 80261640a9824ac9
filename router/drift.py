"""Has the traffic, or how good the answers are, moved away from what a policy was tuned on?"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Protocol

import msgspec

_N_BINS = 20
_LEAST_SD = 0.3


class Drift(msgspec.Struct, frozen=True):
    """What a watch says.

    Attributes:
        why: In plain ASCII words, also where nothing drifts.
        n: Labels and requests that it stands on.
    """

    is_drifting: bool = False
    why: str = "nothing seen yet"
    n: int = 0


class Label(Protocol):
    """One score against what was expected (router.outcomes.Scored)."""

    @property
    def score(self) -> float: ...
    @property
    def p_ok(self) -> float | None: ...


class ScoreWatch:
    """Two-sided CUSUM of (p_ok - score) / sd (Page 1954): small steady gaps add up, noise does not.

    With slack 0.25 and alarm 20, simulated: a calibrated policy raises a false alarm within 5,000 labels in 3 of 100
    runs; scores that lie .2 under p_ok are found after 40 to 110 labels (median), .1 under after 150 to 800.

    Args:
        slack: Gap in standard deviations that is let pass.
        alarm: Sum of what is over, at which it drifts.
    """

    def __init__(self, *, slack: float = 0.25, alarm: float = 20.0) -> None:
        self.n = 0
        self._slack = slack
        self._alarm = alarm
        # no higher than twice the alarm, so that it is over soon after the drift is
        self._under = _Sum(2 * alarm)
        self._over = _Sum(2 * alarm)

    def add(self, score: float, p_ok: float) -> None:
        """Take one label; both 0..1."""
        self.n += 1
        # a p_ok next to 1 must not make one bad answer an alarm
        sd = max(math.sqrt(p_ok * (1 - p_ok)), _LEAST_SD)
        self._under.add((p_ok - score) / sd - self._slack, p_ok - score)
        self._over.add((score - p_ok) / sd - self._slack, score - p_ok)

    def drift(self) -> Drift:
        for found, word in ((self._under, "lower"), (self._over, "higher")):
            if found.height > self._alarm:
                why = f"scores are {found.mean:.2f} {word} than expected over the last {found.n} labels"
                return Drift(True, why, self.n)
        return Drift(False, f"scores agree with p(ok) over {self.n} labels", self.n)


class _Sum:
    """A sum that never falls under 0, with what it grew from since it last was 0."""

    __slots__ = ("gap", "height", "most", "n")

    def __init__(self, most: float) -> None:
        self.most = most
        self.height = self.gap = 0.0
        self.n = 0

    @property
    def mean(self) -> float:
        return self.gap / self.n if self.n else 0.0

    def add(self, excess: float, gap: float) -> None:
        self.height = min(self.height + excess, self.most)
        self.gap += gap
        self.n += 1
        if self.height <= 0:
            self.height, self.gap, self.n = 0.0, 0.0, 0


class RankWatch:
    """Kolmogorov-Smirnov distance of the last ranks from an even spread over 0..1.

    Ranks among known traffic are spread evenly as long as traffic stays what it was.

    Args:
        name: What the ranks are of, for the reasons.
        n_window: How many of the last ranks count; nothing is said before half of them are there.
        min_shift: Least distance that matters, over what chance gives at that number.
        only_up: Only larger ranks matter.
    """

    def __init__(
        self, name: str, *, n_window: int = 500, min_shift: float = 0.15, only_up: bool = False
    ) -> None:
        self._name = name
        self._recent: deque[int] = deque()
        self._counts = [0] * _N_BINS
        self._n_window = n_window
        self._min_shift = min_shift
        self._only_up = only_up

    def add(self, rank: float) -> None:
        """Take the rank of one request, 0..1."""
        place = min(int(rank * _N_BINS), _N_BINS - 1)
        self._recent.append(place)
        self._counts[place] += 1
        if len(self._recent) > self._n_window:
            self._counts[self._recent.popleft()] -= 1

    def shift(self) -> float:
        """Largest gap between the share of ranks up to a point and the even share, -1..1; positive: larger ranks."""
        n, below, most = len(self._recent), 0, 0.0
        for i, count in enumerate(self._counts[:-1]):
            below += count
            gap = (i + 1) / _N_BINS - below / n if n else 0.0
            if abs(gap) > abs(most):
                most = gap
        return most

    def drift(self) -> Drift:
        n, shift = len(self._recent), self.shift()
        # 1.95 / sqrt(n): passed by chance once in 1,000 windows
        limit = max(self._min_shift, 1.95 / math.sqrt(n)) if n else 1.0
        is_far = (shift if self._only_up else abs(shift)) > limit and 2 * n >= self._n_window
        way = "higher" if shift > 0 else "lower"
        if is_far:
            return Drift(True, f"{self._name} is {way} than when tuned, by {abs(shift):.2f} of 1", n)
        return Drift(False, f"{self._name} is spread as when tuned, over {n} requests", n)


class DriftWatch:
    """All running checks of one policy: what is asked (need, novelty), and how good answers are."""

    def __init__(self, *, n_window: int = 500) -> None:
        self._need = RankWatch("need", n_window=n_window)
        self._novelty = RankWatch("novelty", n_window=n_window, only_up=True)
        self._scores = ScoreWatch()

    def saw(self, need: float | None, novelty: float | None) -> None:
        """Take one decision; None where the policy has no such rank."""
        if need is not None:
            self._need.add(need)
        if novelty is not None:
            self._novelty.add(novelty)

    def heard(self, score: float, p_ok: float | None) -> None:
        """Take one label of the tier that answered; None where it was pinned."""
        if p_ok is not None:
            self._scores.add(score, p_ok)

    def drift(self) -> Drift:
        """The first check that drifts, worst news first; else what all of them stand on."""
        checks = [w.drift() for w in (self._scores, self._novelty, self._need)]
        seen = [c for c in checks if c.n]
        n = sum(c.n for c in seen)
        drifting = [c.why for c in seen if c.is_drifting]
        if drifting or seen:
            return Drift(bool(drifting), "; ".join(drifting or [c.why for c in seen]), n)
        return Drift()


def drift_of(labels: Iterable[Label], ranks: Iterable[tuple[float | None, float | None]] = ()) -> Drift:
    """What a watch would say after these labels and (need, novelty) ranks, both oldest first."""
    watch = DriftWatch()
    for label in labels:
        watch.heard(label.score, label.p_ok)
    for need, novelty in ranks:
        watch.saw(need, novelty)
    return watch.drift()
