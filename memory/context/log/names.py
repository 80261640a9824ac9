"""Names and texts as bytes: whatever a str may hold, lone surrogates included."""

from __future__ import annotations

from hashlib import blake2b

from stepwell.memory.context.log.log import Name


def to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def to_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def print_of(name: str) -> bytes:
    """Stands for a name of any length; 20 bytes."""
    return blake2b(to_bytes(name), digest_size=20).digest()


def prints_of(name: Name) -> tuple[bytes, bytes]:
    """Tell a conversation from all others: its tenant's and its id's."""
    return print_of(name.tenant), print_of(name.id)
