"""Put values back into one text that comes in pieces."""

from __future__ import annotations

import json

from stepwell.guards.json_text import JsonText
from stepwell.guards.masks.forms import BEFORE_CHARS, find, open_at
from stepwell.guards.masks.vault import Vault


class Restoring:
    """Gives out what is decided, and keeps what may be the beginning of a placeholder.

    What comes out, joined, does not depend on how the text was cut.

    Args:
        vault: Nothing may be added to it meanwhile.
        is_json: As of `Vault.restore`.
    """

    def __init__(self, vault: Vault, *, is_json: bool | None = False) -> None:
        self._vault = vault
        self._json = JsonText(is_json)
        self._text = ""  # what isn't decided, and `_seen` characters before it
        self._seen = 0

    @property
    def n_held_chars(self) -> int:
        """How much waits for more text."""
        return len(self._text) - self._seen

    def push(self, text: str) -> str:
        """Take text in, give out what it decides."""
        return self._take(text, is_last=False)

    def finish(self) -> str:
        """The text has ended: give out the rest."""
        return self._take("", is_last=True)

    def _take(self, more: str, *, is_last: bool) -> str:
        text, vault = self._text + more, self._vault
        end = len(text) if is_last else open_at(text, vault.kinds, self._seen)
        out: list[str] = []
        at = self._seen
        for written in find(text, vault.entries, at):
            if written.start >= end:
                break
            out += [self._json.keep(text[at : written.start]), self._value(vault.entries[written.name])]
            at = written.end
        out.append(self._json.keep(text[at:end]))
        self._seen = min(end, BEFORE_CHARS)
        self._text = text[end - self._seen :]
        return "".join(out)

    def _value(self, value: str) -> str:
        self._json.settle()
        if not self._json.is_json:
            return value
        quoted = json.dumps(value, ensure_ascii=False)
        return quoted[1:-1] if self._json.in_string else quoted
