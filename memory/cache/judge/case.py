"""What a judge is asked, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Case:
    """One question, the answer just made for it, and a neighbour's answer. All three are data, whatever they say."""

    query: str
    fresh: str
    cached: str


class Judge(Protocol):
    """Says in the background whether a neighbour's answer would have done."""

    async def same(self, case: Case) -> bool | None:
        """True: the cached answer says what the fresh one says; None: can't tell, and nothing is learnt."""
        ...
