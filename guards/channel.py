"""One stream of text within a streamed answer: how far it is safe to show, and what to cut out of it."""

from __future__ import annotations

import re
from collections import deque

from stepwell.base.decisions import Finding
from stepwell.guards.check import NEAR_CHARS
from stepwell.guards.deadline import CheckFailed
from stepwell.guards.plan import Plan
from stepwell.guards.rules import Rule
from stepwell.guards.spans import Span, Writer, join
from stepwell.guards.tally import Tally

MAX_HELD_CHARS = 8192
"""One endless word is cut here. Where the cut goes through a value, the rest of the word goes too."""
_RESCAN_CHARS = 256
_REST_OF_WORD = re.compile(r"[^\s\"'\\]*")


class Channel:
    """Text arrives by `push`; what lies before `clear` is safe, and `take` gives it out in order.

    Positions count characters from the start of the channel.
    """

    def __init__(self, plan: Plan, tally: Tally, *, is_json: bool | None = None) -> None:
        self.clear = 0
        self.end = 0
        self._plan = plan
        self._tally = tally
        self._writer = Writer(is_json=is_json)
        self._text = ""  # what isn't clear yet, and the context before it
        self._spans: deque[Span] = deque()
        self._whole: list[str] = []
        self._next_scan = 0
        self._is_swallowing = False

    def push(self, text: str) -> None:
        """Take `text` in and see how far it is clear.

        Raises:
            GuardBlocked: A finding blocks, or a check failed that is closed on errors.
        """
        self._text += text
        self.end += len(text)
        if self._plan.whole:
            self._whole.append(text)
        if self._is_swallowing:
            self._swallow(text)
        if self.end < self._next_scan or (not self._plan.must_wait and self._is_quiet()):
            return
        n_held = self.end - self.clear
        if n_held > MAX_HELD_CHARS and not self._plan.waits_for_end:
            self._settle(self.end)
            self._is_swallowing = bool(self._spans) and self._spans[-1].end == self.end
        else:
            self._settle(self._open_at())
            if n_held >= _RESCAN_CHARS:
                self._next_scan = self.end + n_held // 8

    def _is_quiet(self) -> bool:
        """Clear up to where a value may begin if none can stand before that: the path of ordinary text."""
        plan, text = self._plan, self._text
        begun = len(text) - self.end + self.clear
        if self._has_lead(begun):
            return False
        at = len(text)
        if (found := plan.quiet.search(text, begun)) is not None:
            if found.lastindex:
                return False
            at = found.start()
        self.clear += at - begun
        self._text = text[max(0, at - plan.before_chars) :]
        return True

    def _has_lead(self, begun: int) -> bool:
        """Whether a wording gives a value behind it that may begin at `begun` or later."""
        plan, seen_from = self._plan, max(0, begun - NEAR_CHARS)
        near = self._text[seen_from:].lower()
        for word in plan.near:
            if word in near:
                return plan.lead.search(self._text, seen_from) is not None
        return False

    def close(self) -> None:
        """The text has ended: everything is clear. Raises as `push` does."""
        if self._whole:
            self._judge_whole("".join(self._whole))
            self._whole.clear()
        self._settle(self.end, is_last=True)

    def take(self, start: int, text: str) -> str | None:
        """What to show for `text`, which lies at `start`; None: as it is. Call in order, up to `clear`."""
        end = start + len(text)
        if not self._spans or self._spans[0].start >= end:
            self._writer.keep(text)
            return None
        out: list[str] = []
        at = start
        while self._spans and self._spans[0].start < end:
            span = self._spans[0]
            if span.start >= start:
                out.append(self._writer.keep(text[at - start : span.start - start]))
                raw = text[span.start - start : span.end - start]
                out.append(self._writer.replace(span, raw) if span.kind else "")
            at = min(span.end, end)
            if span.end > end:
                break
            self._spans.popleft()
        out.append(self._writer.keep(text[at - start :]))
        return "".join(out)

    def _open_at(self) -> int:
        """Where what is open begins; `_next_scan` is when that may change."""
        text, plan = self._text, self._plan
        offset = self.end - len(text)
        if plan.waits_for_end:
            return self.clear
        begun = self.clear - offset
        open_at = [(c.open_at(text, begun), c) for c in plan.stream_checks]
        at = min((at for at, _ in open_at), default=len(text))
        self._next_scan = offset + max((c.decides_at(text, at) for a, c in open_at if a == at), default=0)
        if plan.window_chars:
            at = min(at, len(text) - plan.window_chars)
        return max(self.clear, offset + at)

    def _settle(self, limit: int, *, is_last: bool = False) -> None:
        """Clear everything up to `limit`, or up to the value that reaches over it."""
        if limit <= self.clear and not is_last:
            return
        cuts: list[Finding] = []
        for rule in self._plan.rules if not is_last else self._plan.rules_at_end:
            found = self._find(rule, limit)
            if rule.action == "redact":
                cuts += found
            else:
                self._tally.add(found, rule.action)
        spans = join(cuts)
        if spans and spans[-1].end > limit:
            limit = spans.pop().start
        self._tally.add([f for f in cuts if f.start < limit], "redact")
        self._spans.extend(spans)
        self.clear = limit
        self._text = self._text[-(self.end - limit + self._plan.before_chars) :]

    def _find(self, rule: Rule, limit: int) -> list[Finding]:
        """Findings that begin in what isn't clear yet and before `limit`, at positions of the channel."""
        offset = self.end - len(self._text)
        try:
            found = rule.find(self._text)
        except CheckFailed as e:
            self._tally.fail(str(e), rule.on_error)
            return []
        placed = (Finding(f.kind, f.start + offset, f.end + offset, f.score, f.check) for f in found)
        return [f for f in placed if self.clear <= f.start < limit]

    def _judge_whole(self, text: str) -> None:
        for rule in self._plan.whole:
            try:
                self._tally.add(rule.find(text), rule.action)
            except CheckFailed as e:
                self._tally.fail(str(e), rule.on_error)

    def _swallow(self, text: str) -> None:
        """Drop the rest of a word whose front was cut out at the hard cap."""
        match = _REST_OF_WORD.match(text)
        n = match.end() if match else 0
        self._spans.append(Span(self.clear, self.clear + n, ""))
        self.clear += n
        self._is_swallowing = n == len(text)
