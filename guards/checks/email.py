"""Mail addresses."""

from __future__ import annotations

import re

from stepwell.base.decisions import Finding
from stepwell.guards.check import RunCheck

# lengths: RFC 5321 4.5.3.1 (local part 64, domain 255, label 63)
_ADDRESS = re.compile(
    r"(?<![\w.%+-])\.{0,3}([\w%+-][\w.%+-]{0,60}@(?=[\w.-]{4,255}(?![\w.-]))"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,24}(?![\w-]))"
)


class Email(RunCheck):
    name = "email"
    kinds = ("EMAIL",)
    max_len = 320
    alert = r"(?<![\w.%+-])[\w.%+-]{1,64}+@[\w-]{1,63}\."
    tail = r"(?<![\w.%+-])[\w.%+-]{1,64}+(?:@[\w-]{0,63}+)?\Z"
    run = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}+(?:@[\w.-]*+)?\Z")

    def find(self, text: str) -> list[Finding]:
        if "@" not in text:
            return []
        return [Finding("EMAIL", *m.span(1), check=self.name) for m in _ADDRESS.finditer(text)]


def make() -> Email:
    return Email()
