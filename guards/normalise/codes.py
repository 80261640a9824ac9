"""Runs of base64 and hexadecimal, bits and character codes that hold text."""

from __future__ import annotations

import base64
import re
from binascii import Error
from collections.abc import Callable, Iterator

from stepwell.guards.normalise.offsets import Edit
from stepwell.guards.normalise.words import word_lengths
from stepwell.guards.time_limit import in_time

MIN_RUN = 16
"""Shorter runs are words."""
MIN_DIGITS = 8
"""Letters written as numbers take one digit each at least."""
_DIGITS = "0123456789"
_B64 = "[A-Za-z0-9+/_-]"
# lines of a mail attachment hold 76 characters, of a PEM block 64
_BASE64 = re.compile(
    rf"(?<!{_B64})(?:(?:{_B64}{{60,}}+\r?\n)++{_B64}++|{_B64}{{{MIN_RUN},}}+)={{0,2}}", re.ASCII
)
_HEX = re.compile(rf"(?<![0-9A-Za-z])(?:0x)?[0-9A-Fa-f]{{{MIN_RUN},}}+(?![0-9A-Za-z+/=])")
_PAIRS = re.compile(
    r"(?<![0-9A-Za-z])(?:0x)?[0-9A-Fa-f]{2}(?:[ ,:;-]{1,2}+(?:0x)?[0-9A-Fa-f]{2}(?![0-9A-Za-z])){7,}+"
)
_BITS = re.compile(r"(?<![0-9A-Za-z])[01]{8}(?:[ ,]?[01]{8}){5,}+(?![0-9A-Za-z])")
_DECIMAL = re.compile(r"(?<![\w.])\d{2,3}(?:[ ,;]{1,2}+\d{2,3}(?![\w.])){11,}+", re.ASCII)
_STD = str.maketrans("-_", "+/", "\r\n")
_MAX_BAD = 0.05
"""Share of characters that no text holds, above which bytes are no text."""
_MIN_WORDY = 0.6
_MIN_WORDY_LONG = 0.1
_LONG_BYTES = 32
"""So many bytes are not printable by chance."""
_MIN_WORDY_DECIMAL = 0.85
_MIN_DECIMAL = 12


def runs(text: str) -> Iterator[Edit]:
    """What is encoded in letters and digits, in no order; an earlier reading of a place is the likelier one."""
    if sum(map(text.count, _DIGITS)) >= MIN_DIGITS:
        yield from _decoded(text, _HEX, lambda run: _from_hex(run.removeprefix("0x")))
        yield from _decoded(text, _PAIRS, lambda run: _from_hex(re.sub(r"0x|[ ,:;-]", "", run)))
        yield from _decoded(text, _BITS, _from_bits)
        yield from _decoded(text, _DECIMAL, _from_decimal)
    if max(word_lengths(text), default=0) >= MIN_RUN:
        yield from _decoded(text, _BASE64, _from_base64)


def _decoded(text: str, pattern: re.Pattern[str], decode: Callable[[str], str | None]) -> Iterator[Edit]:
    for m in pattern.finditer(text):
        in_time()
        if (plain := decode(m[0])) is not None:
            yield (*m.span(), plain)


def _from_hex(digits: str) -> str | None:
    data = bytes.fromhex(digits[: len(digits) // 2 * 2])
    if not digits.isdecimal():
        return text_of(data)
    return text_of(data, _MIN_WORDY_DECIMAL) if len(data) >= _MIN_DECIMAL else None  # else it is a number


def _from_bits(run: str) -> str | None:
    bits = re.sub("[ ,]", "", run)
    return text_of(bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)))


def _from_decimal(run: str) -> str | None:
    codes = [int(n) for n in re.findall(r"\d+", run)]
    return text_of(bytes(codes), _MIN_WORDY_DECIMAL) if max(codes) < 128 else None


def _from_base64(run: str) -> str | None:
    """Also where a run begins in the midst of other letters, or is cut off at its end."""
    run = run.rstrip("=").translate(_STD)
    for skipped in range(4):
        part = run[skipped:]
        part = part[: -1 or None] if len(part) % 4 == 1 else part
        try:
            plain = text_of(base64.b64decode(part + "=" * (-len(part) % 4)))
        except Error:
            continue
        if plain is not None:
            return run[:skipped] + plain
    return None


def text_of(data: bytes, min_wordy: float | None = None) -> str | None:
    """The text that bytes hold; None where they are not text, or fewer than `min_wordy` of it letters."""
    if min_wordy is None:
        min_wordy = _MIN_WORDY_LONG if len(data) >= _LONG_BYTES else _MIN_WORDY
    encoding = "utf-16-le" if data[1:64:2].count(0) > 0.4 * len(data[:64]) else "utf-8"
    if len(data) > 2 * _LONG_BYTES and not _is_text(data[: 2 * _LONG_BYTES].decode(encoding, "replace")):
        return None
    text = data.decode(encoding, "replace")
    n_wordy = sum([c.isalnum() or c == " " for c in text])
    return text if n_wordy >= min_wordy * len(text) and _is_text(text) else None


def _is_text(text: str) -> bool:
    n_bad = sum([not (c.isprintable() or c in "\n\r\t\u200b") or c == "\ufffd" for c in text])
    return n_bad <= int(_MAX_BAD * len(text))
