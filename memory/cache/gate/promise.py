"""Whether the evidence supports the error budget: when to serve, when to step back, and the words for both."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Literal

Mode = Literal["shadow", "auto", "serve"]
State = Literal["shadow", "serving"]

_N_HITS = 500
_Z_ALARM = 2.33
_MIN_WRONG = 3
# a false alarm at most about once in exp(4.5) = 90 audits of a gate that just keeps its budget
_ALARM = 4.5
_MUCH_WORSE = 5.0  # times the budget: what audits are to notice soon


@dataclass(frozen=True, slots=True)
class Change:
    """The gate began or stopped to serve."""

    old: State
    new: State
    why: str

    def __str__(self) -> str:
        return f"{self.old} -> {self.new}: {self.why}"


@dataclass(frozen=True, slots=True)
class Estimate:
    """Errors among judged requests.

    Attributes:
        n: Requests that the verdicts stand for.
        n_verdicts: How many verdicts these are.
        error: Share thought wrong, 0..1, after the judge's own errors; None without any verdict.
        low, high: Its 95 % interval.
        lower_quartile: With three chances in four it is above this.
    """

    n: float
    n_verdicts: int
    error: float | None
    low: float
    high: float
    lower_quartile: float = 0.0


@dataclass(frozen=True, slots=True)
class GateReport:
    """What is known about the promise.

    Attributes:
        state: "serving", or "shadow" where hits are only counted.
        n_judged: Verdicts seen.
        n_hits_judged: Of the last of those, hits, and requests that would have been hits had the gate served.
        error: Share of hits that were wrong by these, 0..1, after the judge's own errors; None before any. Audits
            stand for the hits that were not judged.
        error_low, error_high: Its 95 % interval.
        error_foretold: What the gate expects of the hits to come; None where there is no cut.
        judge_error: Share of the verdicts thought wrong, 0..1.
        hit_share: Share of recent requests that would be hits, 0..1.
        cut: P(same) from which on they are; None where there is no such P.
        missing: What the promise still wants; "" while it is kept.
    """

    state: State
    n_judged: int
    n_hits_judged: int
    error: float | None
    error_low: float
    error_high: float
    error_foretold: float | None
    judge_error: float
    hit_share: float
    cut: float | None
    missing: str


class Promise:
    """Follows what was served; says when that is to begin and to end."""

    def __init__(self, max_error: float, mode: Mode) -> None:
        self._max_error = max_error
        self._mode = mode
        self._suspicion = 0.0
        self._n_wrong, self._n_audits = 0, 0
        self._reports: deque[int] = deque(maxlen=_N_HITS)
        self._n_hits = 0
        self.state: State = "serving" if mode == "serve" else "shadow"

    @property
    def n_wanted(self) -> int:
        """Would-be hits that must have been judged before `auto` serves: one wrong one would use up the budget."""
        return math.ceil(1 / self._max_error - 1e-9)

    def served(self) -> None:
        self._n_hits += 1

    def audited(self, *, is_same: bool, judge_error: float) -> None:
        """Weigh one audit: how much likelier is it with five times the budget's errors?

        The sum of such steps, never below 0, rises where the budget is broken (CUSUM: Page 1954, Biometrika 41:100).
        """
        kept, broken = (
            judge_error + (1 - 2 * judge_error) * error
            for error in (self._max_error, min(0.5, _MUCH_WORSE * self._max_error))
        )
        step = math.log((1 - broken) / (1 - kept)) if is_same else math.log(broken / kept)
        if self._suspicion <= 0:
            self._n_wrong = self._n_audits = 0
        self._n_wrong, self._n_audits = self._n_wrong + (not is_same), self._n_audits + 1
        self._suspicion = max(0.0, self._suspicion + step)

    def reported(self) -> None:
        self._reports.append(self._n_hits)

    def after_verdict(self) -> Change | None:
        """Step back where audits or reports refute the budget."""
        if self.state == "shadow":
            return None
        why = self._audits_refute() or self._reports_refute()
        return self._move("shadow", why) if why else None

    def after_fit(self, estimate: Estimate, *, has_cut: bool) -> Change | None:
        """`auto` only: begin where the evidence suffices, step back where nothing keeps the budget any more."""
        if self._mode == "shadow":
            return None
        if self.state == "serving":
            if has_cut or self._mode == "serve":
                return None
            return self._move("shadow", f"no hits are left that keep to {_percent(self._max_error)} wrong")
        error = estimate.error
        if not has_cut or estimate.n_verdicts < self.n_wanted or error is None:
            return None
        # the cut allows for all that is known; these few verdicts must only not speak against it
        if estimate.lower_quartile > self._max_error:
            return None
        return self._move(
            "serving",
            f"{estimate.n_verdicts} would-be hits were judged, {_percent(error)} of them wrong "
            f"(95 % interval {_percent(estimate.low)} to {_percent(estimate.high)}); "
            f"the budget is {_percent(self._max_error)}",
        )

    def missing(self, estimate: Estimate, *, has_cut: bool) -> str:
        """What the promise still wants; "" while it is kept."""
        if self.state == "serving" and has_cut:
            return ""
        if not has_cut:
            return f"no P(same) is known from which at most {_percent(self._max_error)} of hits are wrong"
        if estimate.n_verdicts < self.n_wanted:
            n = self.n_wanted - estimate.n_verdicts
            return f"{n} more would-be hit{'s' * (n > 1)} to be judged"
        if estimate.lower_quartile > self._max_error:
            return f"{_percent(estimate.error or 0.0)} of the would-be hits are wrong so far"
        return "nothing but leave to serve" if self._mode == "shadow" else "the next fit"

    def _audits_refute(self) -> str:
        if self._suspicion < _ALARM:
            return ""
        return (
            f"{self._n_wrong} of the last {self._n_audits} audited hits were wrong; "
            f"the budget is {_percent(self._max_error)}"
        )

    def _reports_refute(self) -> str:
        first = self._n_hits - _N_HITS
        n_wrong, n = sum(at >= first for at in self._reports), min(self._n_hits, _N_HITS)
        low, _ = bounds(min(n_wrong, n), n, z=_Z_ALARM)
        if n_wrong < _MIN_WRONG or low <= self._max_error:
            return ""
        return (
            f"{n_wrong} of the last {n} hits were reported wrong; the budget is {_percent(self._max_error)}"
        )

    def _move(self, new: State, why: str) -> Change:
        old, self.state = self.state, new
        self._suspicion = 0.0
        self._reports.clear()
        return Change(old, new, why)


def without_judge_error(share: float, judge_error: float) -> float:
    """What share is wrong where `share` was judged so (Rogan & Gladen 1978, Am. J. Epidemiol. 107:71)."""
    return min(1.0, max(0.0, (share - judge_error) / (1 - 2 * judge_error)))


def bounds(n_wrong: float, n: float, *, z: float) -> tuple[float, float]:
    """Interval of a share (Wilson 1927, JASA 22:209)."""
    if n <= 0:
        return 0.0, 1.0
    p = n_wrong / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(max(0.0, p * (1 - p) / n + z * z / (4 * n * n)))
    return max(0.0, middle - half), min(1.0, middle + half)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
