"""What of a message is searched and embedded."""

from __future__ import annotations

from stepwell.base.messages import SYSTEM_ROLES, FunctionCall, Message

_MAX_CHARS = 20_000
_MAX_CALL_CHARS = 1_000


def said(message: Message) -> str:
    """Its text, names and arguments of its calls; "" of a system message. Very long texts are cut."""
    if message.role in SYSTEM_ROLES:
        return ""
    calls = [call.function for call in message.tool_calls or ()]
    if message.function_call is not None:
        calls.append(message.function_call)
    return "\n".join(filter(None, [message.text[:_MAX_CHARS], *map(_call, calls)]))


def speaker_of(message: Message) -> str:
    """Who said it: a name, or the role."""
    return message.name or message.role


def _call(call: FunctionCall) -> str:
    return f"{call.name} {call.arguments[:_MAX_CALL_CHARS]}".strip()
