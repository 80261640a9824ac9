"""What a rule hands to people."""

from __future__ import annotations

import msgspec


class Held(msgspec.Struct, frozen=True):
    """One text of one stage, with what a check says of it.

    Attributes:
        policy: Names the rules.
    """

    tenant: str
    stage: str
    check: str
    kinds: tuple[str, ...]
    score: float
    text: str
    policy: str
