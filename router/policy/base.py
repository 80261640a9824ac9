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
    """

    p_ok: Mapping[str, float]
    reasons: tuple[str, ...] = ()
    policy: str = ""
    n_output_tokens: int | None = None


class Policy(Protocol):
    """Chooses nothing itself: the router applies the floor, the budget and the user's rules to its numbers.

    `estimate` may be a plain function (it runs in a thread, under `routing.policy_timeout_s`) or a coroutine.
    """

    name: str

    def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates | Awaitable[Estimates]:
        """Give p_ok for every one of `tiers`."""
        ...
