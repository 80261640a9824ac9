"""Put values back into one text that comes in pieces."""

from __future__ import annotations

import json
import re

from stepwell.guards.masks.forms import BEFORE_CHARS, find, open_at
from stepwell.guards.masks.vault import Vault

_QUOTES = re.compile(r'\\.|"', re.DOTALL)


class Restoring:
    """Gives out what is decided, and keeps what may be the beginning of a placeholder.

    What comes out, joined, does not depend on how the text was cut.

    Args:
        vault: Nothing may be added to it meanwhile.
        is_json: As of `Vault.restore`.
    """

    def __init__(self, vault: Vault, *, is_json: bool | None = False) -> None:
        self._vault = vault
        self._is_json = is_json
        self._text = ""  # what isn't decided, and `_seen` characters before it
        self._seen = 0
        self._in_string = False
        self._escape = ""

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
        if self._is_json is None and (begun := more.lstrip()):
            self._is_json = begun[0] == "{"
        text, vault = self._text + more, self._vault
        end = len(text) if is_last else open_at(text, vault.kinds, self._seen)
        out: list[str] = []
        at = self._seen
        for written in find(text, vault.entries, at):
            if written.start >= end:
                break
            out += [self._keep(text[at : written.start]), self._value(vault.entries[written.name])]
            at = written.end
        out.append(self._keep(text[at:end]))
        self._seen = min(end, BEFORE_CHARS)
        self._text = text[end - self._seen :]
        return "".join(out)

    def _value(self, value: str) -> str:
        if not self._is_json:
            return value
        quoted = json.dumps(value, ensure_ascii=False)
        return quoted[1:-1] if self._in_string else quoted

    def _keep(self, text: str) -> str:
        if self._is_json and text:
            self._follow(text)
        return text

    def _follow(self, text: str) -> None:
        """Know whether what comes next stands within a JSON string."""
        text = self._escape + text
        for match in _QUOTES.finditer(text):
            if match[0] == '"':
                self._in_string = not self._in_string
        is_cut = (len(text) - len(text.rstrip("\\"))) % 2
        self._escape = "\\" if is_cut else ""
