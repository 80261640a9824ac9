"""Where a conversation may be cut: before a user's message, never between a tool call and its results."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.base.messages import Message

SYSTEM_ROLES = ("system", "developer")


def cuts(messages: Sequence[Message]) -> list[int]:
    """Places at which the conversation may begin, rising; the last one begins what must stay.

    A place is the index of a user's message (of any message but a tool's where no user speaks), or 0. One
    that would part a tool call from one of its results is left out.
    """
    crossed = _crossed(messages)
    starts = [i for i, m in enumerate(messages) if m.role == "user"]
    if not starts:
        starts = [i for i, m in enumerate(messages) if m.role not in ("tool", *SYSTEM_ROLES)]
    return sorted({0, *(i for i in starts if i not in crossed)})


def _crossed(messages: Sequence[Message]) -> set[int]:
    """Places between a call and its last result."""
    crossed: set[int] = set()
    asked_at: dict[str, int] = {}
    for i, message in enumerate(messages):
        if message.role == "tool" and message.tool_call_id in asked_at:
            crossed.update(range(asked_at[message.tool_call_id] + 1, i + 1))
        for call in message.tool_calls or ():
            asked_at[call.id] = i
    return crossed
