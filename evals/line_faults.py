"""What the lines of a journal can't hold, whoever wrote them: decoding refuses it."""

from __future__ import annotations

from typing import Annotated

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
# arrays are made for as many repeats, and boundaries for as many looks
MAX_REPEATS = 9_999
MAX_LOOKS = 1000
Repeats = Annotated[int, msgspec.Meta(ge=0, le=MAX_REPEATS)]
Looks = Annotated[int, msgspec.Meta(ge=0, le=MAX_LOOKS)]
# of one call, so that sums of them stay below 2**63
NanoUsd = Annotated[int, msgspec.Meta(ge=0, le=10**14)]
Ms = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Digest = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2})*$")]

BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def check_text(line: bytes) -> None:
    """All of a line, what is not decoded too.

    Raises:
        UnicodeDecodeError: It is not UTF-8.
    """
    if not line.isascii():
        line.decode()


def told(error: BaseException) -> str:
    """Which field is wrong, in brackets; never what stands in it."""
    place = str(error).partition(" - at `$.")[2].rstrip("`")
    return f" ({place})" if isinstance(error, msgspec.ValidationError) and place else ""
