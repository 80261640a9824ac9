"""Payment card numbers: known lengths and groupings, and the Luhn sum."""

from __future__ import annotations

import re

from stepwell.base.decisions import Finding
from stepwell.guards.check import NUMBER, NUMBER_TAIL, RunCheck, begins
from stepwell.guards.shape import apart, digit_shape

# ISO/IEC 7812: 13-19 digits; 2-6 begin the networks' ranges, JCB also has 1800, Maestro 12 digits and 0604.
# Lookahead: each place is judged by itself, so a number before a card can't hide it.
_CARD = re.compile(
    begins("[0-6]", r"\w.")
    + r"(?=(\d{11,18}|\d{3}([ -])\d{4}\2\d{4}\2\d{4}|(?<=3)\d{3}([ -])\d{6}\3\d{4,5})(?!\w|[.]\d))"
)
_RANGE = re.compile(r"[2-6]\d{12,18}|1800\d{11}|(?:0604|50[123]\d|5[678]\d\d|6\d{3})\d{8}")
_FEWEST, _BETWEEN = b"0" * 12, apart(" -")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_MIN_DIFFERENT_DIGITS = 2


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = sum(map(int, digits[-1::-2])) + sum(_DOUBLED[int(d)] for d in digits[-2::-2])
    return total % 10 == 0


class CreditCard(RunCheck):
    name = "credit_card"
    kinds = ("CREDIT_CARD",)
    max_len = 19
    alert, tail = NUMBER, NUMBER_TAIL
    after = 2
    run = re.compile(begins("[0-6]", r"\w.") + r"(?:[ -]?\d){0,18}+[ .-]?\Z")

    def find(self, text: str) -> list[Finding]:
        found: list[Finding] = []
        if _FEWEST not in digit_shape(text, _BETWEEN):
            return found
        for m in _CARD.finditer(text):
            digits = (m[0] + m[1]).replace(" ", "").replace("-", "")
            if _RANGE.fullmatch(digits) and len(set(digits)) >= _MIN_DIFFERENT_DIGITS and luhn(digits):
                found.append(Finding("CREDIT_CARD", m.start(), m.end(1), check=self.name))
        return found


def make() -> CreditCard:
    return CreditCard()
