"""What is said between the system prompt and what is kept of a conversation."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.base.messages import Message
from stepwell.base.pinned import facts_text


def preface(pins: Sequence[str], summary: str, dates: str) -> Message | None:
    """Pinned facts, the gist of what is left out, and the days of what is kept; None where there is none of it.

    `pack` counts two such messages: one of the pins, which stay for long, and then one of summary and dates. That is
    a user's message: it quotes users and tools, whose words must not gain a system prompt's weight. Where their words
    are joined to those of a message that goes anyway, that takes no more.

    Args:
        pins: Facts that go with every request.
        summary, dates: As `Packed` has them.
    """
    parts = []
    if pins:
        parts.append(facts_text(pins))
    if summary:
        parts.append(f"What was said before, in short (some of it is left out below):\n{summary}")
    if dates:
        parts.append(dates)
    return Message("system" if pins else "user", "\n\n".join(parts)) if parts else None
