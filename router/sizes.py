"""How long a prompt is where it may go."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from stepwell.router.tierinfo import TierInfo


class Size(msgspec.Struct, frozen=True):
    """A long conversation as it was packed for one tier.

    Attributes:
        n_tokens: Of the whole prompt there, in the tier's own vocabulary or on its safe side.
        expected_recall: Share of the older messages that matter now which is kept, by estimate, 0..1.
    """

    n_tokens: int
    expected_recall: float


NOT_PACKED: Mapping[str, Size] = {}


class Sizes(msgspec.Struct, frozen=True):
    """How long the prompt is.

    Attributes:
        n_tokens: Of all of it, or an upper bound.
        n_most_tokens: What it has at most in any vocabulary: counts for local tiers, whose own is unknown.
        packed: By tier, where its window does not hold all.
        min_recall: The promise: a tier that keeps less is passed over while another keeps it.
    """

    n_tokens: int
    n_most_tokens: int
    packed: Mapping[str, Size] = NOT_PACKED
    min_recall: float = 0.0

    @classmethod
    def of(cls, n_tokens: int) -> Sizes:
        """Of a prompt that is as long everywhere."""
        return cls(n_tokens, n_tokens)

    def on(self, tier: TierInfo) -> int:
        """Tokens to pay for on a tier, its own system prompt counted in."""
        size = self.packed.get(tier.name) if self.packed else None
        return size.n_tokens if size is not None else self.n_tokens + tier.n_system_tokens

    def most_on(self, tier: TierInfo) -> int:
        """Tokens that must find room on a tier."""
        size = self.packed.get(tier.name) if self.packed else None
        if size is not None:
            return size.n_tokens
        return (self.n_most_tokens if tier.is_local else self.n_tokens) + tier.n_system_tokens

    def recall_on(self, tier: TierInfo) -> float:
        size = self.packed.get(tier.name) if self.packed else None
        return 1.0 if size is None else size.expected_recall
