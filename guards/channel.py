"""One stream of text within a streamed answer: how far it is safe to show, and what to cut out of it."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, replace

from stepwell.base.decisions import Finding
from stepwell.guards.check import NEAR_CHARS
from stepwell.guards.context import Context
from stepwell.guards.deadline import CheckFailed
from stepwell.guards.escaped import is_json_text, n_cut_off, read
from stepwell.guards.plan import CUTTING, Plan
from stepwell.guards.rules import Rule
from stepwell.guards.spans import Masking, Span, Writer, join
from stepwell.guards.stream_judges import LOOK_EVERY_CHARS, Watch, judge, look
from stepwell.guards.stream_twin import Twin
from stepwell.guards.tally import Tally

MAX_HELD_CHARS = 8192
"""An open value is held no longer than this. Cut: where that goes through a value, the rest of the word goes too."""
LET_OUT = "held too long: let out"
_RESCAN_CHARS = 256
_REST_OF_WORD = re.compile(r"[^\s\"'\\]*")


@dataclass(frozen=True, slots=True)
class Setting:
    """What the channels of one stage share.

    Attributes:
        masking: Makes placeholders of what is masked; without it that is redacted.
    """

    plan: Plan
    tally: Tally
    context: Context
    masking: Masking | None = None


class Channel:
    """Text arrives by `push`; what lies before `clear` is safe, and `take` gives it out in order.

    Held back is what some check calls open: of ordinary values at most 64 characters (an address 64 before its @; a
    number 46 and, a phone number without a word before it, 25 more), of a key its whole length, of a JWT, a password
    or a PEM block as much as there is of it, up to MAX_HELD_CHARS. Places count characters from the channel's start.
    """

    def __init__(self, setting: Setting, *, is_json: bool | None = None, where: str = "") -> None:
        self.clear = 0
        self.end = 0
        self._plan = plan = setting.plan
        self._context = replace(setting.context, where=where)
        self._tally = setting.tally
        self._where = where
        self._is_json = is_json
        self._writer = Writer(is_json=is_json, masking=setting.masking)
        self._text = ""  # what isn't clear yet, and the context before it
        self._twin: Twin | None = None
        self._spans: deque[Span] = deque()
        self._whole: list[str] = []
        self._watch = Watch(self._look) if plan.sliding else None
        self._next_scan = 0
        self._is_swallowing = False

    @property
    def n_until_look(self) -> int:
        """How many more characters a feed may bring before a judge looks."""
        return LOOK_EVERY_CHARS - (0 if self._watch is None else self._watch.n_new)

    def push(self, text: str) -> None:
        """Take `text` in and see how far it is clear.

        Raises:
            GuardBlocked: A finding blocks, or a check failed that is closed on errors.
        """
        if self._is_json is None and text and not text.isspace():
            self._is_json = is_json_text(text, None)
        if self._twin is not None or not text.isascii() or (self._is_json and "\\" in text):
            self._fold(text)
        self._text += text
        self.end += len(text)
        if self._plan.whole:
            self._whole.append(text)
        if self._watch is not None:
            self._watch.push(text)
        if self._is_swallowing:
            self._swallow(text)
        if self.end < self._next_scan or (not self._plan.must_wait and self._is_quiet()):
            return
        n_held = self.end - self.clear
        if n_held > MAX_HELD_CHARS and not self._plan.waits_for_end:
            self._give_up()
        else:
            self._settle(self._open_at())
            if n_held >= _RESCAN_CHARS:
                self._next_scan = max(self._next_scan, self.end + n_held // 8)

    def close(self) -> None:
        """The text has ended: everything is clear. Raises as `push` does."""
        if self._watch is not None:
            self._watch.look()
        if self._whole:
            whole, is_json = "".join(self._whole), bool(self._is_json)
            judge(self._plan.whole, whole, self._context, self._tally, self._where, is_json=is_json)
            self._whole.clear()
        if self._twin is not None:
            self._twin.close(self.end)
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

    # ---- text without values

    def _is_quiet(self) -> bool:
        """Clear up to where a value may begin if none can stand before that: the path of ordinary text."""
        text, twin = self._text, self._twin
        begun = len(text) - self.end + self.clear
        at = self._quiet_until(text, begun)
        if at < 0:
            return False
        if twin is not None:
            other = self._quiet_until(twin.text, twin.index(self.clear))
            if other < 0:
                return False
            at = min(at, len(text) - self.end + twin.span(other, other)[0])
        self.clear += at - begun
        self._text = text[max(0, at - self._plan.before_chars) :]
        if twin is not None:
            self._forget_twin(twin)
        return True

    def _quiet_until(self, text: str, begun: int) -> int:
        """Where in `text` a value may begin that the end cuts off; -1 where one may stand behind `begun`."""
        if self._has_lead(text, begun):
            return -1
        found = self._plan.quiet.search(text, begun)
        if found is None:
            return len(text)
        return -1 if found.lastindex else found.start()

    def _has_lead(self, text: str, begun: int) -> bool:
        """Whether a wording gives a value behind it that may begin at `begun` or later."""
        plan, seen_from = self._plan, max(0, begun - NEAR_CHARS)
        near = text[seen_from:].lower()
        for word in plan.near:
            if word in near:
                return plan.lead.search(text, seen_from) is not None
        return False

    # ---- text that only reads as it does

    def _fold(self, text: str) -> None:
        is_json = bool(self._is_json)
        if self._twin is None:
            is_cut_off = is_json and n_cut_off(text) > 0
            if not is_cut_off and read(text, is_json=is_json) is None:
                return
            self._twin = Twin(self._text, self.end)
        self._twin.push(text, self.end, is_json=is_json)

    def _forget_twin(self, twin: Twin) -> None:
        """Let go of what is out; of all where the rest reads as it stands."""
        twin.drop(self.clear, self._plan.before_chars)
        if twin.reads_as(self._text):
            self._twin = None

    # ---- text that may hold values

    def _open_at(self) -> int:
        """Where what is open begins; `_next_scan` is when that may change."""
        if self._plan.waits_for_end:
            return self.clear
        text, twin = self._text, self._twin
        offset = self.end - len(text)
        at, decides_at = self._open_in(text, self.clear - offset)
        self._next_scan = offset + decides_at
        at += offset
        if twin is not None:
            other, _ = self._open_in(twin.text, twin.index(self.clear))
            at = min(at, twin.span(other, other)[0])
            self._next_scan = 0
        return max(self.clear, at)

    def _open_in(self, text: str, begun: int) -> tuple[int, int]:
        """Where in `text` what is open begins, and how long it must be until that may change."""
        plan = self._plan
        open_at = [(c.open_at(text, begun), c) for c in plan.stream_checks]
        at = min((at for at, _ in open_at), default=len(text))
        decides_at = max((c.decides_at(text, at) for a, c in open_at if a == at), default=0)
        return (min(at, len(text) - plan.window_chars) if plan.window_chars else at), decides_at

    def _settle(self, limit: int, *, is_last: bool = False) -> None:
        """Clear everything up to `limit`, or up to the value that reaches over it."""
        if limit <= self.clear and not is_last:
            return
        cuts: list[Finding] = []
        masked: list[Finding] = []
        for rule in self._plan.rules if not is_last else self._plan.rules_at_end:
            found = [f for f in self._find(rule) if self.clear <= f.start < limit]
            if rule.action not in CUTTING:
                # text that is out can't be asked for again
                self._tally.add(found, "block", where=self._where)
            else:
                (masked if rule.action == "mask" else cuts).extend(found)
        spans = join(cuts, masked=masked)
        if spans and spans[-1].end > limit:
            limit = spans.pop().start
        self._tally.add([f for f in cuts if f.start < limit], "redact", where=self._where)
        self._tally.add([f for f in masked if f.start < limit], "mask", where=self._where)
        self._spans.extend(self._with_values(spans) if masked or "\\" in self._text else spans)
        self.clear = limit
        self._text = self._text[-(self.end - limit + self._plan.before_chars) :]
        if self._twin is not None:
            self._forget_twin(self._twin)

    def _find(self, rule: Rule) -> list[Finding]:
        """Findings in the text, as it stands and as it reads, at places of the channel."""
        text, twin = self._text, self._twin
        offset = self.end - len(text)
        try:
            found = [_moved(f, offset) for f in look(rule, text, self._context, self._where)]
            if twin is None or rule.is_plugged or rule.reads_context:
                return found
            read = look(rule, twin.text, self._context, self._where)
        except CheckFailed as e:
            self._tally.fail(str(e), rule.on_error)
            return []
        seen = {(f.kind, f.start, f.end) for f in found}
        placed = (Finding(f.kind, *twin.span(f.start, f.end), f.score, f.check) for f in read)
        return found + [f for f in placed if (f.kind, f.start, f.end) not in seen]

    def _look(self, window: str) -> None:
        judge(self._plan.sliding, window, self._context, self._tally, self._where)

    def _with_values(self, spans: list[Span]) -> list[Span]:
        """Spans that know their values, where `take` may see a part and the writer needs the whole."""
        text, offset = self._text, self.end - len(self._text)
        return [
            Span(s.start, s.end, s.kind, s.is_masked, text[s.start - offset : s.end - offset]) for s in spans
        ]

    # ---- the cap

    def _give_up(self) -> None:
        if self._plan.cap == "cut":
            self._settle(self.end)
            self._is_swallowing = bool(self._spans) and self._spans[-1].end == self.end
            return
        self._settle(self._open_at())
        if self.end - self.clear > MAX_HELD_CHARS:
            self._tally.note(LET_OUT)
            self.clear = self.end
            self._text = self._text[-self._plan.before_chars :]
            self._twin = None
            self._next_scan = 0

    def _swallow(self, text: str) -> None:
        """Drop the rest of a word whose front was cut out at the hard cap."""
        match = _REST_OF_WORD.match(text)
        n = match.end() if match else 0
        self._spans.append(Span(self.clear, self.clear + n, ""))
        self.clear += n
        self._is_swallowing = n == len(text)


def _moved(f: Finding, offset: int) -> Finding:
    return Finding(f.kind, f.start + offset, f.end + offset, f.score, f.check)
