"""What writes the gist of a conversation's beginning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from stepwell.base.messages import Message
from stepwell.memory.context.log.log import Name, Summary

NOBODY = Name("")


class Said(msgspec.Struct, frozen=True):
    """A turn as a summarizer reads it.

    Attributes:
        vector: Its embedding as float16 bytes, b"" where there is none.
    """

    seq: int
    message: Message
    at_s: float
    n_tokens: int
    vector: bytes = b""


class Summarizer(Protocol):
    """Adds turns to a summary; each turn is shown once."""

    name: str

    async def extend(
        self, summary: Summary | None, turns: Sequence[Said], *, max_tokens: int, of: Name = NOBODY
    ) -> str:
        """The new summary's text; a longer one than `max_tokens` is cut by the caller. May raise anything.

        Args:
            of: Whose conversation it is: what a model costs is theirs.
        """
        ...
