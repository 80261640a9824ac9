"""Names and texts as bytes: whatever a str may hold, lone surrogates included."""

from __future__ import annotations

from stepwell.memory.context.log.log import Name


def to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def to_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def key_of(name: Name) -> tuple[bytes, bytes]:
    """Tells a conversation from all others: its tenant and its id."""
    return to_bytes(name.tenant), to_bytes(name.id)
