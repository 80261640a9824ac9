"""Who says a message."""

from __future__ import annotations

from stepwell.base.messages import Message

_MAX_CHARS = 40


def speaker_of(message: Message) -> str:
    """The name it carries, else its role; one line."""
    return " ".join((message.name or message.role).split())[:_MAX_CHARS] or message.role
