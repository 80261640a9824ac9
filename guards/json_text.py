"""Follow a text that may be JSON, piece by piece."""

from __future__ import annotations

import re

_MARKS = re.compile(r'\\.|["{}]', re.DOTALL)
_AFTER_BRACE = '"}'


class JsonText:
    r"""Tells whether what comes next in a text stands in JSON, and in a string of it.

    A text by itself is taken for JSON from a brace with a quote or another brace behind it until that one is closed:
    `{name}: so` is none.

    Args:
        is_json: None: the text itself tells.

    Attributes:
        escape: A backslash with which the text breaks off within a string.
    """

    def __init__(self, is_json: bool | None) -> None:
        self.in_string = False
        self.escape = ""
        self._is_json = is_json
        self._ends = is_json is None
        self._depth = 0

    @property
    def is_json(self) -> bool:
        """Of what comes next, whatever that is: more than a brace and spaces comes before a value of JSON."""
        return bool(self._is_json)

    def keep(self, text: str) -> str:
        """The text goes on with `text`, which is given back."""
        if self._is_json is None:
            self._decide(text)
        if self._is_json:
            self._follow(text)
        return text

    def settle(self) -> None:
        """Something else than text comes here: what hasn't told by now is no JSON."""
        self._is_json = bool(self._is_json)

    def _decide(self, text: str) -> None:
        text = text.lstrip()
        if text and self._depth == 0:
            if text[0] != "{":
                self._is_json = False
                return
            if rest := text[1:].lstrip():
                self._is_json = rest[0] in _AFTER_BRACE
            else:
                self._depth = 1
        elif text:
            self._is_json = text[0] in _AFTER_BRACE

    def _follow(self, text: str) -> None:
        text, self.escape = self.escape + text, ""
        for mark in _MARKS.finditer(text):
            if mark[0] == '"':
                self.in_string = not self.in_string
            elif not self.in_string and mark[0] in "{}":
                self._depth += 1 if mark[0] == "{" else -1
                if self._depth == 0 and self._ends:
                    self._is_json = False
                    return
        if (len(text) - len(text.rstrip("\\"))) % 2:
            self.escape = "\\"
