"""What was erased lately, so that a first exchange that was under way meanwhile does not bring it back.

No name is kept: only a print of what an erasure named, for a day.
"""

from __future__ import annotations

from hashlib import blake2b

from stepwell.memory.context.log.log import Name
from stepwell.memory.context.log.names import to_bytes

KEPT_S = 86_400  # no request is under way for longer


def erasure(tenant: str, user: str | None, id: str | None) -> bytes:
    """Stands for what one erasure named; 16 bytes."""
    made = blake2b(digest_size=16)
    for name in (tenant, user, id):
        raw = b"" if name is None else to_bytes(name)
        made.update(b"%d:" % (-1 if name is None else len(raw)))
        made.update(raw)
    return made.digest()


def erasures_of(name: Name) -> tuple[bytes, ...]:
    """Of all erasures that would take this conversation."""
    return tuple(erasure(name.tenant, user, id) for user in (None, name.user) for id in (None, name.id))
