"""What the rules of a stream add up to: what to look for in each piece, how long to wait."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from stepwell.guards.check import BEFORE_CHARS, EDGE, Judge, StreamCheck
from stepwell.guards.rules import Rule

Cap = Literal["cut", "flush"]
Judging = Literal["stop", "wait"]
CUTTING = ("redact", "mask")
"""Actions that change a text; all others but "log" stop a stream."""
_NEVER = r"(?!)"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to guard one kind of text of a stream.

    Attributes:
        rules: Run on what is about to be shown.
        rules_at_end: Run on what is held when the text ends; with those that cut and need the whole text.
        sliding: Judges that look at the text so far, again and again.
        whole: Run once on the whole text: what is only logged, which nobody waits for, and what may stop it.
        stream_checks: Know by themselves what is open.
        window_chars: Held back for checks that don't.
        waits_for_end: A check that may change or block the text needs all of it.
        quiet: Group 1: a value may stand here. A match without it: one may begin here, at the end of the text.
        near, lead: What gives a value behind it; `lead` can match only where one of `near` is.
        before_chars: Context kept of what was shown.
        hold_back_chars: A longer piece whose front is clear is split.
        cap: What becomes of an open value that is too long to hold.
    """

    rules: tuple[Rule, ...]
    rules_at_end: tuple[Rule, ...]
    sliding: tuple[Rule, ...]
    whole: tuple[Rule, ...]
    stream_checks: tuple[StreamCheck, ...]
    window_chars: int
    waits_for_end: bool
    quiet: re.Pattern[str]
    near: tuple[str, ...]
    lead: re.Pattern[str]
    before_chars: int
    hold_back_chars: int
    cap: Cap

    @property
    def must_wait(self) -> bool:
        """Whether some text always waits."""
        return self.waits_for_end or self.window_chars > 0

    @property
    def runs_plugged(self) -> bool:
        """Whether foreign code runs, so that a feed may block for as long as its time limit."""
        return any(r.is_plugged for r in (*self.rules_at_end, *self.sliding, *self.whole))

    @property
    def asks_judges(self) -> bool:
        """Whether some feeds, and the end, may take milliseconds."""
        return bool(self.sliding) or any(r.is_judge for r in (*self.rules_at_end, *self.whole))


def make_plan(
    rules: Sequence[Rule], *, hold_back_chars: int, cap: Cap = "cut", judges: Judging = "stop"
) -> Plan:
    """Sort rules by when they can run.

    Args:
        judges: Judges look at the text while it flows, or all of it waits for them. For any other check that needs
            the whole text and acts, all of it always waits, unless the check says that it `slides`.
    """
    early = [r for r in rules if not _is_late(r)]
    late = [r for r in rules if _is_late(r) and r.action in CUTTING]
    stops = [r for r in rules if _is_late(r) and r.action not in (*CUTTING, "log")]
    sliding = [r for r in stops if judges == "stop" and _slides(r)]
    ends = [r for r in stops if r not in sliding]
    ours = tuple(c for r in early if (c := r.stream_check) is not None)
    windows = [max(r.check.max_len, hold_back_chars) for r in early if r.stream_check is None]
    return Plan(
        rules=tuple(early),
        rules_at_end=tuple(r for r in rules if r in early or r in late),
        sliding=tuple(sliding),
        whole=(*ends, *(r for r in rules if r.action == "log")),
        stream_checks=ours,
        window_chars=max(windows, default=0),
        waits_for_end=bool(late or ends),
        quiet=re.compile(f"{EDGE}(?:({_any(c.alert for c in ours)})|{_any(c.tail for c in ours)})"),
        near=tuple(dict.fromkeys(w for c in ours for w in c.near)),
        lead=re.compile(_any(c.lead for c in ours)),
        before_chars=max(BEFORE_CHARS, *windows) if windows else BEFORE_CHARS,
        hold_back_chars=hold_back_chars,
        cap=cap,
    )


def _is_late(rule: Rule) -> bool:
    return rule.needs_whole or isinstance(rule.check, Judge)


def _slides(rule: Rule) -> bool:
    """Whether a part of the text tells the check enough; as its `slides` says, else judges, which score windows."""
    return bool(getattr(rule.check, "slides", isinstance(rule.check, Judge)))


def _any(alternatives: Iterable[str]) -> str:
    return "|".join(a for a in dict.fromkeys(alternatives) if a) or _NEVER
