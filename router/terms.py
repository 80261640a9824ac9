"""What the choice for one request must keep to: floor or tuned price, a mix, a share, what its session asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from stepwell.base.config.promises import PromisesConfig
from stepwell.base.config.routing import RoutingConfig
from stepwell.base.request import ChatRequest
from stepwell.router.choose import Look, Terms
from stepwell.router.policy.base import Estimates
from stepwell.router.tierinfo import TierInfo


class Promises:
    """Turns the configured promises and a policy's estimates into the terms of one choice."""

    def __init__(self, promises: PromisesConfig, routing: RoutingConfig, tiers: Sequence[TierInfo]) -> None:
        self._promises = promises
        self._is_floor_set = "min_p_ok" in promises.model_fields_set
        self._steers = routing.target_share is not None or routing.target_usd_per_day is not None
        self._ranks = {t.name: i for i, t in enumerate(tiers)}

    def below_floor(self, request: ChatRequest) -> str:
        """ "refuse" or "flag"; the caller's wish goes first."""
        return request.wishes.below_floor or self._promises.below_floor

    def floor(self, estimates: Estimates, looks: Sequence[Look] = ()) -> float:
        """Least p_ok a tier needs.

        A tuned policy stands in its place, unless the user set one; and where a target holds down the dearest
        tier's share, a default floor does not force requests there: the best of the others will do.
        """
        if self._is_floor_set:
            return self._promises.min_p_ok
        if estimates.price is not None or estimates.mix:
            return 0.0
        if not self._steers:
            return self._promises.min_p_ok
        others = [k.p_ok for k in looks[:-1] if k.bar is None and k.obstacle is None]
        return min([self._promises.min_p_ok, max(others, default=1.0)])

    def terms(
        self,
        request: ChatRequest,
        estimates: Estimates,
        looks: Sequence[Look],
        limit_usd: float | None,
        *,
        ask: str,
        escalates: bool,
        rises_to: int = 0,
    ) -> Terms:
        """The terms of one choice."""
        below = request.wishes.below_floor or self._promises.below_floor
        least = 0 if not estimates.mix else self._ranks.get(drawn(estimates.mix, ask), 0)
        floor = self.floor(estimates, looks)
        return Terms(floor, limit_usd, below, escalates, estimates.price, least, rises_to)


def drawn(mix: Mapping[str, float], ask: str) -> str:
    """A tier of a fixed mix: drawn by a hash of the ask, so that the same ask goes the same way."""
    u = int.from_bytes(blake2b(ask.encode("utf-8", "surrogatepass"), digest_size=8).digest()) / 2**64
    for tier, share in mix.items():
        u -= share
        if u < 0:
            return tier
    return list(mix)[-1]
