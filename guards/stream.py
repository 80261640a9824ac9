"""Guard one streamed answer: events go in, events that are safe to show come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stepwell.base.decisions import Stage, Verdict
from stepwell.base.messages import ChunkChoice, Event
from stepwell.guards.beside import where
from stepwell.guards.channel import Channel, Setting
from stepwell.guards.context import Context
from stepwell.guards.leaves import Path, is_json
from stepwell.guards.payload import (
    CONTENT,
    Calls,
    Text,
    has_only_content,
    is_tool_input,
    one_choice_each,
    one_group_each,
    parted,
    said_once,
    stopped,
    texts_of,
)
from stepwell.guards.plan import Plan
from stepwell.guards.rules import Rule
from stepwell.guards.spans import Masking
from stepwell.guards.stream_beside import Beside
from stepwell.guards.stream_held import Held, Line, Piece
from stepwell.guards.tally import Tally


@dataclass(slots=True)
class Choice:
    """What is open of one choice of the answer."""

    index: int
    channels: dict[Path, Channel] = field(default_factory=dict)
    lines: dict[Path, Line] = field(default_factory=dict)
    calls: Calls = field(default_factory=Calls)
    endings: list[Event] = field(default_factory=list)

    def line(self, group: Path) -> Line:
        made = self.lines.get(group)
        if made is None:
            made = self.lines[group] = Line()
        return made

    def close(self, out: list[Event]) -> None:
        """The choice has ended: let out all that waits, in the order in which it came, then what says so."""
        for channel in self.channels.values():
            channel.close()
        held = [h for line in self.lines.values() for h in line.waiting]
        for line in self.lines.values():
            line.waiting.clear()
        out += [h.show() for h in sorted(held, key=lambda h: h.number)]
        out += self.endings
        self.endings.clear()


class GuardStream:
    """Holds back what may be part of a value until that is decided; one per streamed answer, not shared.

    What comes out, joined per text, equals redacting the whole text. Events that nothing is cut out of keep their
    bytes. Each text of a choice, and each tool call, keeps the order of its events; they don't wait for one another.
    Only what ends a choice, and the usage, wait for the end of the stream: some upstreams go on behind them.

    Args:
        plan: For what the model says.
        tool_plan: For what tools take; None: as `plan`.
        tally: Counts what is found.
        contexts: What checks may know at the stages "stream" and "tool_args".
        masking: Makes placeholders of what is masked; without it that is redacted.
    """

    def __init__(
        self,
        plan: Plan,
        tool_plan: Plan | None = None,
        *,
        tally: Tally | None = None,
        contexts: Mapping[Stage, Context] | None = None,
        masking: Masking | None = None,
    ) -> None:
        self._plans = plans = (plan, plan if tool_plan is None else tool_plan)
        self._tally = tally = Tally("output") if tally is None else tally
        known = contexts or {}
        self._said = Setting(plans[0], tally, known.get("stream") or Context("stream"), masking)
        self._beside = Beside(_all_rules(plan), tally, self._said.context)
        self._called = Setting(plans[1], tally, known.get("tool_args") or Context("tool_args"), masking)
        self._hold_back_chars = plan.hold_back_chars
        self._runs_plugged = any(p.runs_plugged for p in plans)
        self._asks_judges = any(p.asks_judges for p in plans)
        self._choices: dict[int, Choice] = {}
        self._last: Event | None = None
        self._endings: list[Event] = []
        self._n_events = 0

    @property
    def verdict(self) -> Verdict:
        """What was found so far."""
        return self._tally.verdict

    @property
    def n_held_chars(self) -> int:
        """The most that waits in one text."""
        return max((c.end - c.clear for o in self._choices.values() for c in o.channels.values()), default=0)

    @property
    def is_blocking(self) -> bool:
        """Whether `finish` may take milliseconds or more: call it off the event loop then."""
        return self._runs_plugged or self._asks_judges

    def blocks(self, events: list[Event]) -> bool:
        """Whether `feed` will take milliseconds or more for these: foreign code runs, or a judge looks."""
        if not self._asks_judges or self._runs_plugged:
            return self._runs_plugged
        n_left = min(
            (c.n_until_look for o in self._choices.values() for c in o.channels.values()), default=200
        )
        n_new = sum(len(e.payload) for e in events)
        return n_new >= n_left

    def feed(self, events: list[Event]) -> list[Event]:
        """Take events in, give out those that are safe now.

        Raises:
            GuardBlocked: A finding or a judge stops the stream, or a check failed that is closed on errors. What is
                held is lost.
        """
        out: list[Event] = []
        for event in events:
            choices = event.chunk.choices
            if len(choices) == 1:
                self._feed_one(event, choices[0], out)
            elif choices:
                for one in one_choice_each(event):
                    self._feed_one(one, one.chunk.choices[0], out)
            else:
                event = self._beside.clean(self._beside.named(event))
                is_ending = event.chunk.usage is not None or event.chunk.error is not None
                (self._endings if is_ending else out).append(event)
        return out

    def finish(self) -> list[Event]:
        """The answer has ended: give out the rest. Raises as `feed` does."""
        out: list[Event] = []
        for choice in self._choices.values():
            choice.close(out)
        out += self._endings
        self._endings.clear()
        return out

    def stopped(self) -> list[Event]:
        """What tells the client of a stream that was stopped: each choice ends with "content_filter"."""
        if self._last is None:
            return []
        return [stopped(self._last, c.index) for c in self._choices.values()]

    def _feed_one(self, event: Event, choice: ChunkChoice, out: list[Event]) -> None:
        state = self._choices.get(choice.index)
        if state is None:
            state = self._choices[choice.index] = Choice(choice.index)
        self._last = event
        self._n_events += 1
        if has_only_content(event):
            content = choice.delta.content
            if content and choice.finish_reason is None:
                self._feed_content(event, content, state, out)
                return
            texts = [Text(CONTENT, CONTENT, content)] if content else []
        else:
            event = self._beside.named(said_once(event))
            texts = texts_of(event, state.calls)
            event = self._beside.clean(event, texts)
        if choice.finish_reason is not None:
            if texts:
                event, ending = parted(event)
                state.endings.append(ending)
            else:
                state.endings.append(event)
                return
        self._feed_texts(event, texts, state, out)

    def _feed_content(self, event: Event, content: str, state: Choice, out: list[Event]) -> None:
        """The path of nearly all events."""
        channel = state.channels.get(CONTENT) or self._open(state, CONTENT)
        line = state.lines[CONTENT]
        start = channel.end
        channel.push(content)
        held = Held(event, [Piece(CONTENT, channel, start, channel.end, content)], self._n_events)
        if not line.waiting and channel.clear == channel.end:
            out.append(held.show())
            return
        line.waiting.append(held)
        line.release(out, self._hold_back_chars)

    def _feed_texts(self, event: Event, texts: list[Text], state: Choice, out: list[Event]) -> None:
        pieces = [self._piece(state, text) for text in texts]
        held = Held(event, pieces, self._n_events)
        groups = list(dict.fromkeys(text.group for text in texts))
        lines = [state.line(group) for group in groups]
        for line in lines:
            line.release(out, self._hold_back_chars)
        if held.is_clear and not any(line.waiting for line in lines):
            out.append(held.show())
            return
        for line, one in zip(lines, self._parts(held, texts, groups), strict=True):
            line.waiting.append(one)
            line.release(out, self._hold_back_chars)

    def _parts(self, held: Held, texts: list[Text], groups: list[Path]) -> list[Held]:
        """The event taken apart, one for each group."""
        if len(groups) == 1:
            return [held]
        owned = [{text.own for text in texts if text.group == group} for group in groups]
        parts = []
        for group, event in zip(groups, one_group_each(held.event, owned), strict=True):
            mine = [p for p, text in zip(held.pieces, texts, strict=True) if text.group == group]
            paths = [text.path for text in texts_of(event, Calls())]
            moved = [replace(p, path=path) for p, path in zip(mine, paths, strict=True)]
            parts.append(Held(event, moved, held.number))
        return parts

    def _piece(self, state: Choice, text: Text) -> Piece:
        line = state.line(text.group)
        channel = state.channels.get(text.lane) or self._open(state, text.lane)
        start = channel.end
        channel.push(text.text)
        if text.lane[-1] == "name":
            line.name = channel
        elif line.name is not None:  # arguments begin: the name is whole
            line.name.close()
            line.name = None
        return Piece(text.path, channel, start, channel.end, text.text)

    def _open(self, state: Choice, lane: Path) -> Channel:
        setting = self._called if is_tool_input(lane) else self._said
        place = where(("choices", state.index, "message", *lane))
        channel = state.channels[lane] = Channel(setting, is_json=is_json(lane), where=place)
        state.line(lane[:2] if lane[0] == "tool_calls" else lane[:1])
        return channel


def _all_rules(plan: Plan) -> list[Rule]:
    return list({id(r): r for r in (*plan.rules_at_end, *plan.sliding, *plan.whole)}.values())
