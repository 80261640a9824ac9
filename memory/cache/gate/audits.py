"""What audits of served hits say: whether the budget is broken, and how often to audit from here on."""

from __future__ import annotations

import math
from collections import deque

# a false alarm at most about once in exp(4.5) = 90 audits of a gate that just keeps its budget
_ALARM = 4.5
_MUCH_WORSE = 5.0  # times the budget: what audits are to notice soon
_MUTE = 0.75  # of the last audits without a verdict: too many to go on


class Audits:
    """Two sums of evidence, one against the budget, one that asks for more evidence.

    Each audit adds the logarithm of how much likelier it is with five times the budget's errors; never below 0, such a
    sum rises where the budget is broken (CUSUM: Page 1954, Biometrika 41:100). The doubt starts half way to the alarm
    (Lucas & Crosier 1982, Technometrics 24:199), grows with reports too, and while there is any, more is audited: a
    wrong audit is soon followed by those that clear or confirm it, and nothing is spent while all is well.

    Args:
        share: Of hits to audit while all is well; 0: never any.
        share_in_doubt: Otherwise.
        n_mute: Last audits by which the judge is called mute.
    """

    def __init__(self, max_error: float, *, share: float, share_in_doubt: float, n_mute: int) -> None:
        self._max_error = max_error
        self._share = share
        self._share_in_doubt = max(share, share_in_doubt) if share > 0 else 0.0
        self._was_told: deque[bool] = deque(maxlen=n_mute)
        self.restart()

    def restart(self) -> None:
        """Serving begins, or ended."""
        self._suspicion = 0.0
        self._doubt = _ALARM / 2
        self._n_wrong, self._n_audits = 0.0, 0

    @property
    def share(self) -> float:
        """Probability with which the next hit is to be audited."""
        return self._share_in_doubt if self._doubt > 0 and not self.is_mute else self._share

    @property
    def n_mute(self) -> int:
        """Of the last audits, those without a verdict."""
        return sum(not told for told in self._was_told)

    @property
    def n_last(self) -> int:
        """Audits that `n_mute` looks at."""
        return len(self._was_told)

    @property
    def is_mute(self) -> bool:
        """Whether the judge says too little for anybody to know of errors."""
        return len(self._was_told) == self._was_told.maxlen and self.n_mute > _MUTE * self.n_last

    def told(self, is_same: float, judge_error: float) -> None:
        """Weigh one verdict; a probability counts as that share of a right one and the rest of a wrong one."""
        if_right, if_wrong = self._steps(judge_error)
        step = is_same * if_right + (1 - is_same) * if_wrong
        if self._suspicion <= 0:
            self._n_wrong, self._n_audits = 0.0, 0
        self._n_wrong, self._n_audits = self._n_wrong + 1 - is_same, self._n_audits + 1
        self._suspicion = max(0.0, self._suspicion + step)
        self._doubt = min(_ALARM, max(0.0, self._doubt + step))
        self._was_told.append(True)

    def untold(self) -> None:
        """An audit got no verdict."""
        self._was_told.append(False)

    def hear_again(self) -> None:
        """Forget that the judge was mute."""
        self._was_told.clear()

    def reported(self) -> None:
        """A user's report is no sample of the hits: it only asks for audits."""
        self._doubt = min(_ALARM, self._doubt + self._steps(0.0)[1])

    def refuted(self) -> str:
        """Why the budget is thought broken; "" where it is not."""
        if self._suspicion < _ALARM:
            return ""
        return f"{self._n_wrong:.3g} of the last {self._n_audits} audited hits were wrong"

    def _steps(self, judge_error: float) -> tuple[float, float]:
        kept, broken = (
            judge_error + (1 - 2 * judge_error) * error
            for error in (self._max_error, min(0.5, _MUCH_WORSE * self._max_error))
        )
        return math.log((1 - broken) / (1 - kept)), math.log(broken / kept)
