"""IP addresses, versions 4 and 6."""

from __future__ import annotations

import ipaddress
import re

from stepwell.base.decisions import Finding
from stepwell.guards.check import NUMBER, NUMBER_TAIL, RunCheck, begins, edge

_V4 = re.compile(begins("[0-9]", r"\w.") + r"[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?!\w|\.\w)", re.ASCII)
_DOTS = re.compile(r"\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
_V6 = re.compile(edge(r"\w:.") + r"(?=[0-9A-Fa-f:.]*:[0-9A-Fa-f]*:)[0-9A-Fa-f:.]{6,46}(?![\w:])", re.ASCII)
_VERSION = re.compile(r"(?:\bv|\bversion|\brelease)[ :=]{0,2}\Z", re.IGNORECASE)
_V4_ALERT = r"(?<![_.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_V6_EDGE = "(?<![_:.])"
_LOOK_BACK = 12
_MIN_V6_CHARS = 5


def _v6_end(text: str, start: int, end: int) -> int:
    """Where the address ends, less the full stop or colon behind it; `start` if there is none."""
    for last in (end, end - 1):
        try:
            ipaddress.IPv6Address(text[start:last].rstrip("."))
        except ValueError:
            continue
        return start + len(text[start:last].rstrip("."))
    return start


class IpAddress(RunCheck):
    name = "ip_address"
    kinds = ("IP_ADDRESS",)
    max_len = 46
    alert = (
        rf"{NUMBER}|{_V4_ALERT}|{_V6_EDGE}(?:::|(?:[0-9A-Fa-f]{{1,4}}:){{1,2}}:|(?:[0-9A-Fa-f]{{1,4}}:){{3}})"
    )
    tail = rf"{NUMBER_TAIL}|{_V6_EDGE}(?::|(?:[0-9A-Fa-f]{{1,4}}:){{0,2}}[0-9A-Fa-f]{{0,4}})\Z"
    after = 2
    run = re.compile(
        begins("[0-9]", r"\w.")
        + r"[0-9]{0,2}(?:\.[0-9]{0,3}){0,3}+\.?\Z|"
        + edge(r"\w:.")
        + r"(?:[0-9A-Fa-f]{0,4}+:[0-9A-Fa-f:.]*+|[0-9A-Fa-f]{1,4}+)\Z",
        re.ASCII,
    )

    def find(self, text: str) -> list[Finding]:
        found = self._v6(text) if _COLONS.search(text) else []
        if _DOTS.search(text):
            found += self._v4(text)
        return sorted(found, key=lambda f: f.start)

    def _v4(self, text: str) -> list[Finding]:
        return [
            Finding("IP_ADDRESS", *m.span(), check=self.name)
            for m in _V4.finditer(text)
            if all(int(part) < 256 for part in m[0].split("."))
            and not _VERSION.search(text, max(0, m.start() - _LOOK_BACK), m.start())
        ]

    def _v6(self, text: str) -> list[Finding]:
        spans = ((m.start(), _v6_end(text, *m.span())) for m in _V6.finditer(text))
        return [Finding("IP_ADDRESS", s, e, check=self.name) for s, e in spans if e - s > _MIN_V6_CHARS]


def make() -> IpAddress:
    return IpAddress()
