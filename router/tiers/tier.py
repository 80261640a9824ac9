"""A tier at run time: its deployments, their load and their health."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from stepwell.base.catalogue import ModelCard
from stepwell.base.errors import RateLimited
from stepwell.router.tiers.base import Backend
from stepwell.router.tiers.bundle import Bundle


@dataclass(slots=True, eq=False)
class Deployment:
    """One endpoint of a tier.

    Attributes:
        model: Full name, "openai/gpt-4.1", as configured.
        bundle: The fine-tuned model that it serves.
        n_in_flight: Requests it is serving.
        rests_until_s: Monotonic time until which it is left alone.
        n_failures: Failures in a row.
    """

    tier: str
    model: str
    backend: Backend
    card: ModelCard
    max_concurrency: int = 256
    max_queue: int = 1000
    n_in_flight: int = 0
    rests_until_s: float = 0.0
    n_failures: int = 0
    bundle: Bundle | None = None
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    @property
    def answered_as(self) -> str:
        """The model with its version, where what it names may change: `local/refunds@0f1e2d3c4b5a`."""
        return self.model if self.bundle is None else f"local/{self.bundle.label}"

    async def take_place(self) -> None:
        """Wait for one of `max_concurrency` places, first come first served.

        Raises:
            RateLimited: `max_queue` requests wait already.
        """
        if self.n_in_flight < self.max_concurrency and not self._waiting:
            self.n_in_flight += 1
            return
        if len(self._waiting) >= self.max_queue:
            raise RateLimited(f"tier {self.tier}: the queue is full ({self.max_queue})", tier=self.tier)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave_place()  # the place was handed over in the same tick
            elif turn in self._waiting:  # else a place that came free skipped it already
                self._waiting.remove(turn)
            raise

    def leave_place(self) -> None:
        """Hand the place to the longest waiting, or free it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.n_in_flight -= 1


class Tier:
    """Deployments of one name; `pick` balances by power of two choices (Mitzenmacher 2001)."""

    def __init__(self, name: str, deployments: list[Deployment], rng: random.Random | None = None) -> None:
        self.name = name
        self.deployments = deployments
        self._random = (rng or random.Random()).random

    def is_healthy(self, now_s: float) -> bool:
        return any(d.rests_until_s <= now_s for d in self.deployments)

    def pick(
        self, now_s: float, *, model: str | None = None, tried: Collection[Deployment] = ()
    ) -> Deployment | None:
        """Choose a deployment.

        Args:
            model: Only deployments of this model.
            tried: Not these, unless all have been tried.

        Returns:
            The less loaded of two drawn at random among the rested; where all rest, among all.
        """
        found = self.deployments
        if len(found) == 1 and (model is None or found[0].model == model):
            return found[0]
        if model is not None:
            found = [d for d in found if d.model == model]
        found = [d for d in found if d not in tried] or found
        found = [d for d in found if d.rests_until_s <= now_s] or found
        if not found:
            return None
        n = len(found)
        i = int(self._random() * n)
        j = int(self._random() * (n - 1)) if n > 1 else i
        j += j >= i and n > 1
        a, b = found[i], found[j]
        return a if a.n_in_flight <= b.n_in_flight else b
