"""What a judge is asked, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


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


@runtime_checkable
class WeighingJudge(Judge, Protocol):
    """A judge that also says how probable it is where it can't tell.

    Cases that get no verdict are not like the others: answers to near-misses look alike. Evidence without them would
    promise too much.
    """

    async def weigh(self, case: Case) -> bool | float | None:
        """As `same`; where it can't tell, the probability that the answers say the same, where it has one."""
        ...
