"""Which of the messages sent are new to a conversation: some clients send the whole history each time."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from stepwell.base.messages import Message

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="sorted").encode
_LEAST_COMMON = 2  # two messages in a row from the beginning: a history sent again, not a chance likeness


def print_of(message: Message) -> bytes:
    """Equal for messages that say the same, whatever else they carry; 8 bytes."""
    made = blake2b(digest_size=8)
    calls = [
        part
        for c in message.tool_calls or ()
        for part in (c.id, c.function.name, _canonical(c.function.arguments))
    ]
    for part in (message.role, message.text, message.tool_call_id or "", *calls):
        raw = part.encode("utf-8", "surrogatepass")
        made.update(b"%d:" % len(raw))
        made.update(raw)
    return made.digest()


def _canonical(arguments: str) -> str:
    """Clients write a call's JSON again in their own way."""
    try:
        return _encode(_decode(arguments)).decode()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return arguments


def n_known(held: Sequence[bytes], sent: Sequence[bytes]) -> int:
    """How many of the first messages sent are in the conversation already.

    A client that sends all, or the last part of it, ends what is known where the conversation ends; one that went
    back (to regenerate or edit) shares its beginning. What comes after is new, and nothing held is taken away.
    """
    for n in range(min(len(held), len(sent)), 0, -1):
        if held[-n] == sent[0] and list(held[-n:]) == list(sent[:n]):
            return n
    n = 0
    while n < len(sent) and n < len(held) and held[n] == sent[n]:
        n += 1
    return n if n >= _LEAST_COMMON else 0
