"""What a routing policy is: from one ask to a probability per tier."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

import msgspec

from stepwell.router.features import Ask
from stepwell.router.tierinfo import TierInfo


class Estimates(msgspec.Struct, frozen=True):
    """What a policy thinks of one ask.

    Attributes:
        p_ok: For every tier by name: probability that its answer is good enough, 0..1.
        reasons: In plain ASCII words, most important first; never a piece of the ask.
        policy: Who says so.
        n_output_tokens: How long the answer should be, where the policy knows.
        n_output_tokens_by_tier: The same by tier, where it differs.
        need: Rank among known traffic, 0..1, of what the dearest tier would win over the cheapest.
        novelty: Rank among known traffic, 0..1, of the distance to the nearest known requests.
        nearest: Ids of the nearest known requests, nearest first.
        price: Set by a tuned policy: the router takes the tier with the best p_ok - price x cost / dearest cost, in
            place of the cheapest over `min_p_ok`.
        mix: Set where the promise falls back to a fixed mix: shares by tier, which sum to 1.
        knows: Tiers whose p_ok was learnt from outcomes of their own on asks like this one. No request goes to another
            that was fine-tuned for one kind of ask (TierInfo.is_narrow).
    """

    p_ok: Mapping[str, float]
    reasons: tuple[str, ...] = ()
    policy: str = ""
    n_output_tokens: int | None = None
    n_output_tokens_by_tier: Mapping[str, int] | None = None
    need: float | None = None
    novelty: float | None = None
    nearest: tuple[str, ...] = ()
    price: float | None = None
    mix: Mapping[str, float] | None = None
    knows: frozenset[str] = frozenset()


class Policy(Protocol):
    """Chooses nothing itself: the router applies the floor, the budget and the user's rules to its numbers.

    `estimate` may be a plain function (it runs in a thread, under `routing.policy_timeout_s`) or a coroutine. A
    policy with a true attribute `needs_vector` is given the ask's embedding where that is there in time.
    """

    name: str

    def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates | Awaitable[Estimates]:
        """Give p_ok for every one of `tiers`."""
        ...
