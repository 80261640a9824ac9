"""Let judges look at a text while it flows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from stepwell.base.decisions import Finding
from stepwell.guards.check import ContextCheck
from stepwell.guards.context import Context
from stepwell.guards.deadline import CheckFailed
from stepwell.guards.rules import Rule
from stepwell.guards.tally import Tally

WINDOW_CHARS = 2000
"""A judge sees this much of the text so far."""
LOOK_EVERY_CHARS = 200
"""It looks again after this much more of it."""


class Watch:
    """Remembers the end of one text, and has judges look at it again and again.

    Before LOOK_EVERY_CHARS characters are out nobody has looked; from then on, less than that was not looked at.
    """

    def __init__(self, judge: Callable[[str], None]) -> None:
        """`judge` looks at a window; it raises where the text must stop."""
        self._judge = judge
        self._tail = ""
        self.n_new = 0

    def push(self, text: str) -> None:
        """Take `text` in, and look where it is time; a long piece is looked at window by window."""
        self._tail += text
        self.n_new += len(text)
        if self.n_new >= LOOK_EVERY_CHARS:
            self.look()

    def look(self) -> None:
        """Look at what is new, with what stood before it."""
        if not self.n_new:
            return
        tail = self._tail
        at = max(0, min(len(tail) - self.n_new - WINDOW_CHARS // 2, len(tail) - WINDOW_CHARS))
        self.n_new = 0
        self._tail = tail[-WINDOW_CHARS:]
        while at + WINDOW_CHARS < len(tail):
            self._judge(tail[at : at + WINDOW_CHARS])
            at += WINDOW_CHARS // 2
        self._judge(self._tail)


def judge(
    rules: tuple[Rule, ...], text: str, context: Context, tally: Tally, where: str, *, is_json: bool = False
) -> None:
    """Run `rules` on a text as a whole.

    Raises:
        GuardBlocked: One finds something and does more than log, or failed and is closed on errors.
    """
    for rule in rules:
        try:
            found = (
                look(rule, text, context, where) if rule.reads_context else rule.find(text, is_json=is_json)
            )
        except CheckFailed as e:
            tally.fail(str(e), rule.on_error)
            continue
        if found:
            # of text that is already out, nobody can be asked for another
            tally.add(found, "log" if rule.action == "log" else "block", where=where)


def look(rule: Rule, text: str, context: Context, where: str) -> list[Finding]:
    """What a rule's check finds in the text as it stands, with what the context knows.

    Raises:
        CheckFailed: As Rule.find.
    """
    if rule.is_plugged:
        return rule.find(text)
    if rule.reads_context:
        check = cast("ContextCheck", rule.check)
        return rule.counted(check.find_in(text, replace(context, where=where, _views={})))
    return rule.counted(rule.check.find(text))
