"""Whether the evidence supports the error budget: when to serve, when to step back, and the words for both."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Literal

from stepwell.memory.cache.gate.audits import Audits

Mode = Literal["shadow", "auto", "serve"]
State = Literal["shadow", "serving"]

_N_HITS = 500
_Z_ALARM = 2.33
_MIN_WRONG = 3


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
        error_foretold: What the gate expects of the hits to come, at most (95 % bound); None where there is no cut.
        judge_error: Share of the verdicts thought wrong, 0..1.
        hit_share: Share of recent requests that would be hits, 0..1.
        cut: P(same) from which on they are; None where there is no such P.
        missing: What serving still wants, or the watch over it: see `Promise.missing`; "" where nothing.
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

    def __init__(
        self, max_error: float, mode: Mode, *, audit_share: float = 0.02, doubt_share: float = 0.2
    ) -> None:
        self._max_error = max_error
        self._mode = mode
        self._audits = Audits(max_error, share=audit_share, share_in_doubt=doubt_share, n_mute=self.n_wanted)
        self._reports: deque[int] = deque(maxlen=_N_HITS)
        self._n_hits = 0
        self.state: State = "serving" if mode == "serve" else "shadow"

    @property
    def n_wanted(self) -> int:
        """Would-be hits that must have been judged before `auto` serves: one wrong one would use up the budget."""
        return math.ceil(1 / self._max_error - 1e-9)

    @property
    def audit_share(self) -> float:
        """Probability with which the next hit is to go upstream all the same."""
        return self._audits.share

    def served(self) -> None:
        self._n_hits += 1

    def audited(self, *, is_same: float, judge_error: float) -> None:
        """Weigh one audit."""
        self._audits.told(is_same, judge_error)

    def reported(self) -> None:
        self._reports.append(self._n_hits)
        self._audits.reported()

    def untold(self) -> Change | None:
        """An audit got no verdict; `auto` steps back where that is so of most: nobody knows what is served."""
        self._audits.untold()
        if self._mode != "auto" or self.state == "shadow" or not self._audits.is_mute:
            return None
        return self._move("shadow", self._muteness())

    def after_verdict(self) -> Change | None:
        """Step back where audits or reports refute the budget."""
        if self.state == "shadow":
            return None
        why = self._audits.refuted() or self._reports_refute()
        return self._move("shadow", f"{why}; {self._budget()}") if why else None

    def after_fit(self, estimate: Estimate, *, has_cut: bool, foretold: float | None = None) -> Change | None:
        """Begin where nothing is missing; only `auto` steps back here: where nothing keeps the budget any more.

        To begin, the model (prior and all verdicts) must know a cut that keeps the budget, and the would-be hits
        judged so far, too few to prove it, must not speak against it: the lower quartile of their error is within it.
        """
        if self._mode == "shadow":
            return None
        if self.state == "serving":
            if has_cut or self._mode == "serve":
                return None
            return self._move("shadow", f"no hits are left that keep to {_percent(self._max_error)} wrong")
        if self._wanted(estimate, has_cut=has_cut):
            return None
        self._audits.hear_again()
        return self._move("serving", self._begins(estimate, foretold))

    def missing(self, estimate: Estimate, *, has_cut: bool) -> str:
        """What serving still wants, or the watch over it; "" where nothing."""
        if self._audits.is_mute:
            return self._muteness()
        if self.state == "serving" and has_cut:
            return ""
        wanted = self._wanted(estimate, has_cut=has_cut)
        return wanted or ("nothing but leave to serve" if self._mode == "shadow" else "the next fit")

    def _wanted(self, estimate: Estimate, *, has_cut: bool) -> str:
        if not has_cut:
            return f"no P(same) is known from which at most {_percent(self._max_error)} of hits are wrong"
        if estimate.n_verdicts < self.n_wanted or estimate.error is None:
            n = self.n_wanted - estimate.n_verdicts
            return f"{n} more would-be hit{'s' * (n > 1)} to be judged"
        if estimate.lower_quartile > self._max_error:
            return (
                f"{_percent(estimate.error)} of {estimate.n_verdicts} judged would-be hits are wrong so far, "
                f"which speaks against the budget of {_percent(self._max_error)}"
            )
        return ""

    def _begins(self, estimate: Estimate, foretold: float | None) -> str:
        expected = (
            ""
            if foretold is None
            else f"the model expects at most {_percent(foretold)} of hits to be wrong; "
        )
        return (
            f"{expected}{estimate.n_verdicts} would-be hits were judged, "
            f"{_percent(estimate.error or 0.0)} of them wrong (95 % interval {_percent(estimate.low)} to "
            f"{_percent(estimate.high)}), which does not speak against it; {self._budget()}"
        )

    def _muteness(self) -> str:
        return f"the judge gave no verdict on {self._audits.n_mute} of the last {self._audits.n_last} audited hits"

    def _budget(self) -> str:
        return f"the budget is {_percent(self._max_error)}"

    def _reports_refute(self) -> str:
        first = self._n_hits - _N_HITS
        n_wrong, n = sum(at >= first for at in self._reports), min(self._n_hits, _N_HITS)
        low, _ = bounds(min(n_wrong, n), n, z=_Z_ALARM)
        if n_wrong < _MIN_WRONG or low <= self._max_error:
            return ""
        return f"{n_wrong} of the last {n} hits were reported wrong"

    def _move(self, new: State, why: str) -> Change:
        old, self.state = self.state, new
        self._audits.restart()
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
