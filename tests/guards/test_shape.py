"""Every decimal digit of Unicode counts in a digit shape; ordinary letters don't."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from stepwell.guards.shape import apart, digit_shape


def test_every_decimal_digit_becomes_a_zero() -> None:
    digits = [chr(c) for c in range(sys.maxunicode + 1) if chr(c).isdecimal()]
    assert len(digits) > 600
    assert digit_shape("".join(digits)) == b"0" * len(digits)


@given(st.text())
def test_a_shape_has_a_byte_a_character(text: str) -> None:
    assert len(digit_shape(text)) == len(text)


def test_separators_go_and_letters_stay() -> None:
    assert digit_shape("zq12 é-3", apart(" -")) == b"zq00\xc30"
    assert digit_shape("a\ud800b") == b"a\xedb"
