"""What the rules of a stream add up to: what to look for in each piece, how long to wait."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stepwell.guards.check import BEFORE_CHARS, StreamCheck
from stepwell.guards.rules import Rule

_NEVER = r"(?!)"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to guard a stream.

    Attributes:
        rules: Run on what is about to be shown.
        rules_at_end: Run on what is held when the text ends; with the checks that need the whole text.
        whole: Only logged, so run once on the whole text, which nobody waits for.
        stream_checks: Know by themselves what is open.
        window_chars: Held back for checks that don't.
        waits_for_end: A check that may change or block the text needs all of it.
        starts, alert, near: What the fast paths look for.
        before_chars: Context kept of what was shown.
        hold_back_chars: A longer piece whose front is clear is split.
    """

    rules: tuple[Rule, ...]
    rules_at_end: tuple[Rule, ...]
    whole: tuple[Rule, ...]
    stream_checks: tuple[StreamCheck, ...]
    window_chars: int
    waits_for_end: bool
    starts: re.Pattern[str]
    alert: re.Pattern[str]
    near: tuple[str, ...]
    before_chars: int
    hold_back_chars: int

    @property
    def must_wait(self) -> bool:
        """Whether some text always waits."""
        return self.waits_for_end or self.window_chars > 0

    @property
    def is_blocking(self) -> bool:
        """Whether foreign code runs, so that a feed may block for as long as its time limit."""
        return any(r.is_plugged for r in (*self.rules_at_end, *self.whole))


def make_plan(rules: Sequence[Rule], *, hold_back_chars: int) -> Plan:
    """Sort rules by when they can run."""
    acting = [r for r in rules if r.action != "log"]
    early = [r for r in acting if not r.needs_whole]
    ours = tuple(c for r in early if (c := r.stream_check) is not None)
    windows = [max(r.check.max_len, hold_back_chars) for r in early if r.stream_check is None]
    return Plan(
        rules=tuple(early),
        rules_at_end=tuple(acting),
        whole=tuple(r for r in rules if r.action == "log"),
        stream_checks=ours,
        window_chars=max(windows, default=0),
        waits_for_end=len(early) < len(acting),
        starts=re.compile("|".join(c.starts for c in ours) or _NEVER),
        alert=re.compile("|".join(c.alert for c in ours) or _NEVER),
        near=tuple(dict.fromkeys(w for c in ours for w in c.near)),
        before_chars=max(BEFORE_CHARS, *windows) if windows else BEFORE_CHARS,
        hold_back_chars=hold_back_chars,
    )
