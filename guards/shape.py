"""Rule checks out fast: what a text's digits look like, at the speed of `bytes.translate` (about 1 us a kilobyte)."""

from __future__ import annotations

# UTF-8 bytes that lead a decimal digit beyond ASCII; the test goes through all of Unicode. Other characters that
# they lead count as digits too, which is the safe side.
_DIGIT_LEADS = (0xD9, 0xDB, 0xDF, 0xE0, 0xE1, 0xEA, 0xEF, 0xF0)
_TO_ZERO = bytes(0x30 if chr(b).isdecimal() or b in _DIGIT_LEADS else b for b in range(256))
CONTINUED = bytes(range(0x80, 0xC0))
"""Bytes that begin no character."""


def encoded(text: str) -> bytes:
    """The text in UTF-8; lone surrogates pass."""
    return text.encode("utf-8", "surrogatepass")


def digit_shape(text: str, between: bytes = CONTINUED) -> bytes:
    """One byte a character, every decimal digit as "0"; `between` (with CONTINUED) is left out."""
    return encoded(text).translate(_TO_ZERO, between)


def apart(separators: str) -> bytes:
    """A `between` for `digit_shape` that leaves separators out."""
    return CONTINUED + separators.encode("ascii")
