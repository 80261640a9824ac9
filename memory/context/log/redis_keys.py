"""Names in Redis: no tenant, user or id is in them. A tenant's all lie in one slot of a cluster."""

from __future__ import annotations

import secrets

from stepwell.memory.context.log.log import Name
from stepwell.memory.context.log.names import print_of


def mark(name: str) -> str:
    """Stands for a name of any length and letters; not secret."""
    return print_of(name).hex()


class Keys:
    """What a tenant has: the prefix holds the version of what lies there."""

    def __init__(self, tenant: str) -> None:
        self.prefix = f"{{stepwell-log:{mark(tenant)}}}:1:"
        self.all = self.prefix + "all"  # sorted set of conversations by the time of their last turn

    def user(self, name: str) -> str:
        """As `all`, of one user."""
        return f"{self.prefix}u:{mark(name)}"

    def erased(self, print: bytes) -> str:
        """String: when (s) an erasure was asked for, by its print."""
        return f"{self.prefix}z:{print.hex()}"

    def done(self) -> str:
        """String: what a change that must not be made twice has answered."""
        return f"{self.prefix}d:{secrets.token_hex(12)}"


class Places:
    """Where a conversation lies.

    Attributes:
        head: Hash: e (epoch), i (id), u (user), w (mark of the user), n (how many turns), b and l (times of its
            beginning and last turn), s and su (summary, and what it covers), np (how many pins there were).
        turns: List of packed turns.
        marks: Hash by seq.
        pins: Hash by pin id: number, ':', text.
    """

    def __init__(self, name: Name) -> None:
        self.keys = Keys(name.tenant)
        self.mark = mark(name.id)
        prefix = self.keys.prefix
        self.head, self.turns, self.marks, self.pins = (f"{prefix}{kind}:{self.mark}" for kind in "ctmp")
        self.all_of = (self.head, self.turns, self.marks, self.pins)
