"""What a log of conversations keeps, and what a store of it can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

N_RULES_BYTES = 8
"""How long a name of guard rules may be."""


class Name(msgspec.Struct, frozen=True):
    """Whose conversation it is, and the caller's own name for it.

    Attributes:
        tenant, user: "" where nobody said. Conversations of two tenants never meet, whatever their ids.
    """

    id: str
    tenant: str = ""
    user: str = ""


class NewTurn(msgspec.Struct, frozen=True):
    """A message to be kept, verbatim.

    Attributes:
        raw: The message as JSON (OpenAI wire).
        at_s: Unix time at which it was said.
        guarded: Names the guard rules that its text has passed, in up to N_RULES_BYTES; b"": none. What follows names
            the only tiers that may see it.
        is_lead: It headed a request: a system prompt, in force until the next one.
    """

    raw: bytes
    at_s: float
    guarded: bytes = b""
    is_lead: bool = False


class Turn(msgspec.Struct, frozen=True):
    """A message of the log.

    Attributes:
        seq: Its place in the conversation, from 0 on, without gaps.
        mark: What embedding left of its text (recall.marks), b"" where it is not embedded yet.
        is_lead: As of NewTurn.
    """

    seq: int
    raw: bytes
    at_s: float
    guarded: bytes = b""
    mark: bytes = b""
    is_lead: bool = False

    @classmethod
    def of(cls, seq: int, new: NewTurn) -> Turn:
        """What was added at a place."""
        return cls(seq, new.raw, new.at_s, new.guarded, b"", new.is_lead)


class Pin(msgspec.Struct, frozen=True):
    """A fact that goes with every request of the conversation."""

    id: str
    text: str


class Summary(msgspec.Struct, frozen=True):
    """The gist of a conversation's beginning.

    Attributes:
        upto: It covers the turns before this place.
        by: Who wrote it: "extract", "tier:NAME", …
        n_read_tokens: Tokens that summarizers have read of this conversation so far.
    """

    text: str
    upto: int
    by: str
    n_read_tokens: int = 0


class Past(msgspec.Struct, frozen=True):
    """What is known of a conversation.

    Attributes:
        epoch: Changes when the conversation is erased and begun anew; 0: there is none (yet).
        turns: Those asked for, by rising `seq`.
        n_turns: How many there are in all.
    """

    epoch: int
    n_turns: int = 0
    turns: tuple[Turn, ...] = ()
    pins: tuple[Pin, ...] = ()
    summary: Summary | None = None


class Listed(msgspec.Struct, frozen=True):
    """One conversation of a list."""

    name: Name
    n_turns: int
    began_s: float
    last_s: float


NO_PAST = Past(0)


class ConversationLog(Protocol):
    """Append-only: only `erase` takes anything away. Every method that fails raises StoreUnavailable."""

    async def read(self, name: Name, *, after: int = -1) -> Past:
        """The turns whose seq is above `after`, pins and summary; NO_PAST where there is no such conversation.

        Raises:
            ForeignConversation: It was begun by another user of the tenant (or by one who gave no name).
        """
        ...

    async def append(
        self, name: Name, turns: Sequence[NewTurn], *, epoch: int, since_s: float | None = None
    ) -> Past:
        """Add turns in one step, all or none; they are on the disk when this returns.

        Args:
            epoch: Of the `read` before, so that nothing comes back to life after it was erased; 0 begins a new one.
            since_s: Unix time at which the exchange began: it is refused where the conversation was erased after that.

        Returns:
            The epoch, n_turns, and the turns added.

        Raises:
            ConversationErased: Erased since that read, or another caller has begun it meanwhile (`read` again).
        """
        ...

    def keep_marks(self, name: Name, marks: Sequence[tuple[int, bytes]], *, epoch: int) -> None:
        """Keep (seq, mark) of turns; never waits, never raises: what is lost is made again."""
        ...

    def keep_summary(self, name: Name, summary: Summary, *, epoch: int) -> None:
        """Keep it in place of the one before, unless that covers more; never waits, never raises."""
        ...

    async def pin(self, name: Name, text: str) -> Pin: ...
    async def unpin(self, name: Name, pin_id: str) -> bool: ...

    async def list(self, *, tenant: str, user: str | None = None, limit: int = 100) -> list[Listed]:
        """The conversations of a tenant, or of one user of theirs, the latest first."""
        ...

    async def erase(self, *, tenant: str, user: str | None = None, id: str | None = None) -> int:
        """Delete conversations with all that was made of them; returns how many. On the disk when it returns."""
        ...

    async def close(self) -> None: ...
