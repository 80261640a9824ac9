"""Pinned facts on their way to a model: behind the caller's own words, in one system message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepwell.base.messages import SYSTEM_ROLES, Message

_HEAD = "Facts to keep in mind:\n"


def facts_text(pins: Iterable[str]) -> str:
    """Facts as they are said to a model."""
    return _HEAD + "\n".join(f"- {pin}" for pin in pins)


def facts_in(messages: Sequence[Message]) -> str:
    """The facts that stand at the end of a conversation's system messages, as they are said; "" where none do."""
    for message in reversed(messages):
        if message.role in SYSTEM_ROLES:
            _, head, facts = f"\n{message.text}".rpartition(f"\n{_HEAD}- ")
            if head:
                return f"{_HEAD}- {facts}"
    return ""
