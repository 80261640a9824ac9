"""Two stretches of traffic compared: what moved, by how much, since when, and what it means for the tiers."""

from __future__ import annotations

from typing import Literal

import msgspec

from stepwell.evals.shift.alarm import Alarm
from stepwell.evals.shift.effects import ClassShift, NumberShift
from stepwell.evals.shift.energy import Energy
from stepwell.router.drift import Drift

Word = Literal["drift", "no drift", "unsure", "too few rows"]
Shift = NumberShift | ClassShift | Energy


class ShiftReport(msgspec.Struct, frozen=True):
    """All that was compared.

    Attributes:
        word: "drift": the alarm went off, and something is `min_effect` apart. "unsure": something is, and the alarm
            has not gone off: it takes more rows. "too few rows": nothing was compared.
        shifts: Every comparison, with p values after Holm over all of them.
        answers: Scores against p_ok in the recent rows, where both are there (router.drift).
    """

    word: Word
    n_reference: int
    n_recent: int
    min_effect: float
    alpha: float
    shifts: tuple[Shift, ...] = ()
    alarm: Alarm | None = None
    answers: Drift | None = None

    @property
    def moved(self) -> list[Shift]:
        """What moved beyond chance, largest effect first."""
        return sorted((s for s in self.shifts if s.adjusted_p <= self.alpha), key=lambda s: -s.effect)

    @property
    def of_note(self) -> list[Shift]:
        """What moved by `min_effect` or more."""
        return [s for s in self.moved if s.effect >= self.min_effect]

    @property
    def p_ok(self) -> list[NumberShift]:
        """What the router makes of it, by tier, weakest first."""
        found = [s for s in self.shifts if isinstance(s, NumberShift) and s.what == "p_ok"]
        return sorted(found, key=lambda s: s.reference)

    def as_dict(self) -> dict[str, object]:
        """Plain values for --json, each shift with its effect."""
        shifts = [{**msgspec.structs.asdict(s), "effect": s.effect} for s in self.shifts]
        return {**msgspec.structs.asdict(self), "shifts": shifts}
