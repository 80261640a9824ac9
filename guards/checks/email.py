"""Mail addresses, also those that are spelt out: jane (at) example [dot] org."""

from __future__ import annotations

import re

from stepwell.base.decisions import Finding
from stepwell.guards.check import RunCheck

# lengths: RFC 5321 4.5.3.1 (local part 64, domain 255, label 63)
_ADDRESS = re.compile(
    r"(?<![\w.%+-])\.{0,3}([\w%+-][\w.%+-]{0,60}@(?=[\w.-]{4,255}(?![\w.-]))"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,24}(?![\w-]))"
)
_AT, _DOT = r" ?[\[({]at[\])}] ?", r"(?: ?[\[({]dot[\])}] ?|\.)"
_SPELT = re.compile(
    rf"(?i:(?<![\w.%+-])[\w%+-][\w.%+-]{{0,60}}{_AT}(?:[^\W_][\w-]{{0,29}}{_DOT}){{1,4}}[^\W\d_]{{2,24}}(?![\w-]))"
)
_SPELT_AT = re.compile(r"(?i:[\[({]at[\])}])")
_SPELT_LOCAL = r"[\w.%+-]{1,61}+"
# what the beginning of a spelt one looks like, behind its local part
_SPELT_OPEN = (
    r" ?(?:[\[({](?i:a|at(?:[\])}] ?(?:[\w-]{1,30}+(?:\.| ?[\[({]dot[\])}] ?)){0,4}+[\w-]{0,30}+"
    r" ?(?:[\[({](?:do?t?)?)?)?)?)?"
)
# where an address begins: dots before it are no part of it
_EDGE = r"(?<![\w%+-])(?:(?<!\.)|(?<=(?<![\w.%+-])\.)|(?<=(?<![\w.%+-])\.\.)|(?<=(?<![\w.%+-])\.\.\.))"


class Email(RunCheck):
    name = "email"
    kinds = ("EMAIL",)
    max_len = 320
    alert = _EDGE + r"[\w.%+-]{1,64}+(?:@[\w-]{1,63}\.| ?[\[({](?i:at)[\])}])"
    tail = _EDGE + rf"(?:[\w.%+-]{{1,64}}+(?:@[\w-]{{0,63}}+)?|{_SPELT_LOCAL} ?(?:[\[({{](?i:at?)?)?)\Z"
    run = re.compile(_EDGE + rf"(?:[\w.%+-]{{1,64}}+(?:@[\w.-]*+)?|{_SPELT_LOCAL}{_SPELT_OPEN})\Z")

    def find(self, text: str) -> list[Finding]:
        spans = [m.span(1) for m in _ADDRESS.finditer(text)] if "@" in text else []
        if _SPELT_AT.search(text):
            spans = sorted(spans + [m.span() for m in _SPELT.finditer(text)])
        return [Finding("EMAIL", *span, check=self.name) for span in spans]


def make() -> Email:
    return Email()
