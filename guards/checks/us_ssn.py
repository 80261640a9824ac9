"""US social security numbers."""

from __future__ import annotations

import re

from stepwell.base.decisions import Finding
from stepwell.guards.check import RunCheck, begins, may_have_digits

_SSN = re.compile(begins(r"\d", r"\w-") + r"\d{2}([- .])\d{2}\1\d{4}(?!\w|[-.]\d)")


def _is_issued(ssn: str) -> bool:
    """Never issued: area 000, 666, 9xx; group 00; serial 0000 (SSA, number randomization)."""
    return ssn[:3] not in ("000", "666") and ssn[0] != "9" and ssn[4:6] != "00" and ssn[7:] != "0000"


class UsSsn(RunCheck):
    name = "us_ssn"
    kinds = ("US_SSN",)
    max_len = 11
    starts = alert = r"\d"
    after = 2
    run = re.compile(r"\d[\d .-]*\Z")

    def find(self, text: str) -> list[Finding]:
        if not may_have_digits(text):
            return []
        return [
            Finding("US_SSN", *m.span(), check=self.name) for m in _SSN.finditer(text) if _is_issued(m[0])
        ]


def make() -> UsSsn:
    return UsSsn()
