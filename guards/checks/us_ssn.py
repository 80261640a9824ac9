"""US social security numbers."""

from __future__ import annotations

import re

from stepwell.base.decisions import Finding
from stepwell.guards.check import RunCheck, edge

# never issued: area 000, 666, 9xx; group 00; serial 0000 (SSA, "SSN randomization")
_SSN = re.compile(edge(r"\w-") + r"(?!000|666|9)\d{3}([- .])(?!00)\d{2}\1(?!0000)\d{4}(?!\w|[-.]\d)")


class UsSsn(RunCheck):
    name = "us_ssn"
    kinds = ("US_SSN",)
    max_len = 11
    starts = r"\d"
    after = 2
    run = re.compile(r"\d[\d .-]*\Z")

    def find(self, text: str) -> list[Finding]:
        return [Finding("US_SSN", *m.span(), check=self.name) for m in _SSN.finditer(text)]


def make() -> UsSsn:
    return UsSsn()
