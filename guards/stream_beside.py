"""Read what streamed events say beside the model's texts; each string by itself, as it is whole in its event."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from stepwell.base.decisions import Finding
from stepwell.base.messages import Event, decode_chunk
from stepwell.guards.beside import names, repeats, spoken, strings, where, without
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.context import Context
from stepwell.guards.deadline import CheckFailed
from stepwell.guards.escaped import read as read_text
from stepwell.guards.leaves import Path, put, read
from stepwell.guards.payload import Text
from stepwell.guards.plan import CUTTING
from stepwell.guards.rules import Rule
from stepwell.guards.spans import Writer, cut_out, join
from stepwell.guards.stream_judges import look
from stepwell.guards.tally import Tally

_MOST_KNOWN = 256


def reads_fields(rule: Rule) -> bool:
    """Whether a rule has something to say of a field that is no text: what looks for values does."""
    return not rule.is_judge and (
        rule.check.max_len > WHOLE_TEXT or bool(getattr(rule.check, "slides", False))
    )


class Beside:
    """Cleans events of one stream; judges, and checks that need a whole text, have no say.

    Log probabilities stay where they spell the event's own texts, and their alternatives hold nothing.
    """

    def __init__(self, rules: Sequence[Rule], tally: Tally, context: Context) -> None:
        self._rules = tuple(r for r in rules if reads_fields(r))
        self._acts = any(r.action != "log" for r in rules)
        self._tally = tally
        self._context = context
        self._known: set[str] = set()  # upstreams say some fields again in each event

    def clean(self, event: Event, said: Sequence[Text] = ()) -> Event:
        """The event without what the rules cut out; the same object where nothing is.

        Args:
            said: Texts of its one choice, which somebody else reads.

        Raises:
            GuardBlocked: A finding blocks, or a check failed that is closed on errors.
        """
        fields = read(event.payload)
        places = [("choices", 0, "delta", *text.path) for text in said]
        edits: dict[Path, str | None] = {}
        for path, text in strings(fields, places):
            if (clean := self._cleaned(text, path)) != text:
                edits[path] = clean
        for i, choice in enumerate(fields.get("choices", ())):
            probabilities = choice.get("logprobs")
            if probabilities is not None and not self._may_show(probabilities, said):
                edits["choices", i, "logprobs"] = None
        return _event(put(event.payload, edits)) if edits else event

    def named(self, event: Event) -> Event:
        """The event without fields whose names hold what the rules would cut out. Raises as `clean`."""
        gone = [path for path, name in names(read(event.payload)) if self._cleaned(name, path[:-1]) != name]
        if not gone:
            return event
        payload = Raw(event.payload)
        for path in reversed(gone):  # what is deeper comes later
            payload = without(payload, path)
        return _event(payload)

    def _may_show(self, probabilities: object, said: Sequence[Text]) -> bool:
        tokens = [text.text for text in said if text.path in (("content",), ("refusal",))]
        if self._acts and not repeats(probabilities, tokens):
            return False
        return all(self._cleaned(text, ("logprobs",)) == text for text in spoken(probabilities))

    def _cleaned(self, text: str, path: Path) -> str:
        if text in self._known or not self._rules:
            return text
        place, folded = where(path), read_text(text)
        cuts: list[Finding] = []
        for rule in self._rules:
            try:
                if rule.is_plugged or rule.reads_context:
                    found = look(rule, text, self._context, place)
                else:
                    found = rule.find_read(text, folded)
            except CheckFailed as e:
                self._tally.fail(str(e), rule.on_error)
                continue
            if rule.action in CUTTING:
                self._tally.add(found, "redact", where=place)
                cuts += found
            else:
                self._tally.add(found, "log" if rule.action == "log" else "block", where=place)
        if cuts:
            return cut_out(text, join(cuts), Writer())
        if len(self._known) < _MOST_KNOWN:
            self._known.add(text)
        return text


def _event(raw: Raw) -> Event:
    payload = bytes(raw)
    return Event(payload, decode_chunk(payload))
