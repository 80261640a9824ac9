"""US social security numbers."""

from __future__ import annotations

import re

from stepwell.base.decisions import Finding
from stepwell.guards.check import NUMBER, NUMBER_TAIL, RunCheck, begins
from stepwell.guards.shape import digit_shape

_SSN = re.compile(begins(r"\d", r"\w-") + r"\d{2}([- .])\d{2}\1\d{4}(?!\w|[-.]\d)")
_SHAPES = (b"000-00-0000", b"000 00 0000", b"000.00.0000")


def _is_issued(ssn: str) -> bool:
    """Never issued: area 000, 666, 9xx; group 00; serial 0000 (SSA, number randomization)."""
    return ssn[:3] not in ("000", "666") and ssn[0] != "9" and ssn[4:6] != "00" and ssn[7:] != "0000"


class UsSsn(RunCheck):
    name = "us_ssn"
    kinds = ("US_SSN",)
    max_len = 11
    alert, tail = NUMBER, NUMBER_TAIL
    after = 2
    run = re.compile(begins(r"\d", r"\w-") + r"(?:\d{0,2}|\d\d[- .](?:\d{0,2}|\d\d[- .]\d{0,4}[-.]?))\Z")

    def find(self, text: str) -> list[Finding]:
        shape = digit_shape(text)
        if not any(s in shape for s in _SHAPES):
            return []
        return [
            Finding("US_SSN", *m.span(), check=self.name) for m in _SSN.finditer(text) if _is_issued(m[0])
        ]


def make() -> UsSsn:
    return UsSsn()
