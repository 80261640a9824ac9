"""What the rules of a stream add up to: what to look for in each piece, how long to wait."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepwell.guards.check import BEFORE_CHARS, EDGE, StreamCheck
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
        quiet: Group 1: a value may stand here. A match without it: one may begin here, at the end of the text.
        near, lead: What gives a value behind it; `lead` can match only where one of `near` is.
        before_chars: Context kept of what was shown.
        hold_back_chars: A longer piece whose front is clear is split.
    """

    rules: tuple[Rule, ...]
    rules_at_end: tuple[Rule, ...]
    whole: tuple[Rule, ...]
    stream_checks: tuple[StreamCheck, ...]
    window_chars: int
    waits_for_end: bool
    quiet: re.Pattern[str]
    near: tuple[str, ...]
    lead: re.Pattern[str]
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
        quiet=re.compile(f"{EDGE}(?:({_any(c.alert for c in ours)})|{_any(c.tail for c in ours)})"),
        near=tuple(dict.fromkeys(w for c in ours for w in c.near)),
        lead=re.compile(_any(c.lead for c in ours)),
        before_chars=max(BEFORE_CHARS, *windows) if windows else BEFORE_CHARS,
        hold_back_chars=hold_back_chars,
    )


def _any(alternatives: Iterable[str]) -> str:
    return "|".join(a for a in dict.fromkeys(alternatives) if a) or _NEVER
