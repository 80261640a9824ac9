"""What one request may spend over all its tries."""

from __future__ import annotations

from typing import Protocol

from stepwell.base.decisions import Decision
from stepwell.base.errors import BudgetExceeded
from stepwell.base.request import Caller
from stepwell.router.budget import Budget, Lease
from stepwell.router.cost import reserve_usd


class Payer(Protocol):
    """Who pays for tries: a purse, or its share for one of several calls."""

    async def allows(self, tier: str) -> bool: ...
    def lose(self, tier: str) -> None: ...


class Purse:
    """Keeps one request's dollar limit over retries and fallbacks, and its money in the ledger.

    A failed try that may have been billed counts at its upper bound: nobody tells what it did cost.

    Attributes:
        lost_usd: Upper bound of the failed tries so far, and what answers that were paid already did cost.
    """

    __slots__ = ("_caller", "_decision", "_held", "_ledger", "_limit_usd", "_shares", "lost_usd")

    def __init__(
        self, ledger: Budget, caller: Caller, decision: Decision, limit_usd: float | None = None
    ) -> None:
        self._ledger = ledger
        self._caller = caller
        self._decision = decision
        self._limit_usd = limit_usd
        self._held: list[tuple[Lease, float]] = []
        self._shares: tuple[Share, ...] = ()
        self.lost_usd = 0.0

    async def open(self) -> None:
        """Hold the dearest try of the decision.

        Raises:
            BudgetExceeded
        """
        await self._hold(reserve_usd(self._decision))

    async def allows(self, tier: str) -> bool:
        """Whether another try on the tier keeps every dollar promise; if so, its money is held."""
        if not self.lost_usd and tier in self._decision.chain:
            return True  # the router compared each tier's bound with the limit, and the dearest is held
        return await self._has_room(self._bound_usd(tier))

    async def _has_room(self, more_usd: float) -> bool:
        most_usd = self.lost_usd + sum(s.open_usd for s in self._shares) + more_usd
        if self._limit_usd is not None and most_usd > self._limit_usd:
            return False
        missing_usd = most_usd - sum(usd for _, usd in self._held)
        if missing_usd <= 0:
            return True
        try:
            await self._hold(missing_usd)
        except BudgetExceeded:
            return False
        return True

    def lose(self, tier: str) -> None:
        """A try on the tier failed, and may have been billed."""
        self.lost_usd += self._bound_usd(tier)

    def pay(self, usd: float) -> None:
        """An answer is there, and others may follow for the same request."""
        self.lost_usd += usd

    def share(self, more_usd: float = 0.0) -> Share:
        """The purse for one of several calls that are under way at once.

        Args:
            more_usd: What the call may cost over the tier's own bound.
        """
        share = Share(self, more_usd)
        self._shares = (*self._shares, share)
        return share

    async def settle(self, usd: float) -> None:
        """Replace all that is held by what the request did cost. A second time does nothing."""
        held, self._held = self._held, []
        for n, (lease, held_usd) in enumerate(held, 1):
            part_usd = usd if n == len(held) else min(usd, held_usd)
            usd -= part_usd
            await self._ledger.settle(lease, part_usd)

    async def _hold(self, usd: float) -> None:
        self._held.append((await self._ledger.reserve(self._caller, usd), usd))

    def _bound_usd(self, tier: str) -> float:
        estimate = self._decision.estimate(tier)
        return (estimate.max_cost_usd or 0.0) if estimate is not None else 0.0


class Share:
    """One of several calls under way at once: the bounds of all add up, as none has been paid yet.

    Attributes:
        open_usd: Upper bound of the call while it is under way.
    """

    __slots__ = ("_more_usd", "_purse", "open_usd")

    def __init__(self, purse: Purse, more_usd: float) -> None:
        self._purse = purse
        self._more_usd = more_usd
        self.open_usd = 0.0

    async def allows(self, tier: str) -> bool:
        """As Purse says, with the other calls at their bounds."""
        self.open_usd = self._purse._bound_usd(tier) + self._more_usd
        if await self._purse._has_room(0.0):
            return True
        self.close()
        return False

    def lose(self, tier: str) -> None:
        """As Purse says; the call is over."""
        self._purse.lose(tier)
        self._purse.pay(self._more_usd)
        self.close()

    def close(self) -> None:
        """The call is over: what it did cost is paid by now. May be called twice."""
        self.open_usd = 0.0
