"""Put values back into an answer: into a streamed one event by event, or into a whole one."""

from __future__ import annotations

from dataclasses import dataclass

from stepwell.base.messages import ChunkChoice, Event
from stepwell.guards.leaves import Path, is_json, put, read, texts
from stepwell.guards.masks.restoring import Restoring
from stepwell.guards.masks.vault import Vault
from stepwell.guards.payload import (
    CONTENT,
    Calls,
    Text,
    has_only_content,
    one_choice_each,
    parted,
    rest_of,
    rewrite,
    said_once,
    texts_of,
)


@dataclass(slots=True)
class _Lane:
    """One text of a choice: its state, and the last event that added to it."""

    restoring: Restoring
    event: Event
    path: Path

    def flush(self) -> Event | None:
        """An event with what is held; None where nothing is."""
        if not self.restoring.n_held_chars:
            return None
        rest = self.restoring.finish()
        event, path = rest_of(self.event, self.path, rest)
        return rewrite(event, {path: rest}, is_part=True)


class StreamRestorer:
    """Stands behind the guard of one streamed answer; not shared.

    Every text of each choice, joined, equals `Vault.restore` of the whole: content, refusals, reasoning, and the inputs
    of tools, whose values are escaped as JSON. The beginning of a placeholder waits for the next event of its text,
    and nothing else does: events leave in the order in which they came, those without a placeholder as they came. While
    one waits, so does what ends a choice, and the usage, until the end of the stream: some upstreams go on behind them.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._lanes: dict[int, dict[Path, _Lane]] = {}
        self._calls: dict[int, Calls] = {}
        self._endings: list[Event] = []

    @property
    def n_held_chars(self) -> int:
        """How much waits, in all texts together."""
        return sum(x.restoring.n_held_chars for lanes in self._lanes.values() for x in lanes.values())

    def feed(self, events: list[Event]) -> list[Event]:
        """Take events in, give them out with values in place of placeholders."""
        if self._vault.is_empty:
            return events
        out: list[Event] = []
        for event in events:
            choices = event.chunk.choices
            if len(choices) == 1:
                self._feed_one(event, choices[0], out)
            elif choices:
                for one in one_choice_each(event):
                    self._feed_one(one, one.chunk.choices[0], out)
            elif self.n_held_chars and (event.chunk.usage is not None or event.chunk.error is not None):
                self._endings.append(event)
            else:
                out.append(event)
        return out

    def finish(self) -> list[Event]:
        """The answer has ended: give out the rest."""
        rests = [lane.flush() for lanes in self._lanes.values() for lane in lanes.values()]
        endings, self._endings = self._endings, []
        return [*(rest for rest in rests if rest is not None), *endings]

    def _feed_one(self, event: Event, choice: ChunkChoice, out: list[Event]) -> None:
        lanes = self._lanes.setdefault(choice.index, {})
        if has_only_content(event):
            content = choice.delta.content
            found = [Text(CONTENT, CONTENT, content)] if content else []
        else:
            event = said_once(event)
            found = texts_of(event, self._calls.setdefault(choice.index, Calls()))
        changed: dict[Path, str] = {}
        for text in found:
            restored = self._push(lanes, text, event)
            if restored != text.text:
                changed[text.path] = restored
        if changed:
            event = rewrite(event, changed)
        if choice.finish_reason is not None and any(x.restoring.n_held_chars for x in lanes.values()):
            if not found:
                self._endings.append(event)
                return
            event, ending = parted(event)
            self._endings.append(ending)
        out.append(event)

    def _push(self, lanes: dict[Path, _Lane], text: Text, event: Event) -> str:
        lane = lanes.get(text.lane)
        if lane is None:
            restoring = Restoring(self._vault, is_json=is_json(text.path))
            lane = lanes[text.lane] = _Lane(restoring, event, text.path)
        else:
            lane.event, lane.path = event, text.path
        return lane.restoring.push(text.text)


def restore_body(body: bytes, vault: Vault) -> bytes:
    """A `chat.completion` with values in place of placeholders, in every text of its messages.

    Token log probabilities repeat the text, so a choice that changes loses them. The same bytes where nothing does.
    """
    if vault.is_empty:
        return body
    edits: dict[Path, str | None] = {}
    for i, choice in enumerate(read(body)["choices"]):
        found = {
            path: restored
            for path, text in texts(choice.get("message"), ("choices", i, "message"))
            if (restored := vault.restore(text, is_json=is_json(path))) != text
        }
        edits |= found
        if found and "logprobs" in choice:
            edits["choices", i, "logprobs"] = None
    return bytes(put(body, edits)) if edits else body


def restore_message(raw: bytes, vault: Vault) -> bytes:
    """One message, as JSON, with values in place of placeholders in all its texts; the same bytes where nothing is."""
    if vault.is_empty:
        return raw
    edits: dict[Path, str | None] = {
        path: restored
        for path, text in texts(read(raw))
        if (restored := vault.restore(text, is_json=is_json(path))) != text
    }
    return bytes(put(raw, edits)) if edits else raw
