"""What a caller may name: "auto", a tier, or a model."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.base.errors import BadRequest, UnknownModel
from stepwell.router.tierinfo import TierInfo

AUTO = "auto"


class Names:
    """Looks up tiers and models by name.

    Args:
        tiers: Cheapest first; a model that several tiers hold means the cheapest of them.
    """

    def __init__(self, tiers: Sequence[TierInfo]) -> None:
        self._ranks = {t.name: i for i, t in enumerate(tiers)}
        self._models: dict[str, tuple[int, str]] = {}
        for full in (True, False):  # a full name wins over another model's bare one
            for rank, tier in enumerate(tiers):
                for model in tier.models:
                    self._models.setdefault(model if full else model.partition("/")[2], (rank, model))

    def rank(self, tier: str) -> int:
        """Place of a tier, 0 for the cheapest.

        Raises:
            BadRequest: No tier has that name.
        """
        rank = self._ranks.get(tier)
        if rank is None:
            raise BadRequest(f"There is no such tier; there are {self._listed()}.", code="tier_not_found")
        return rank

    def pin(self, model: str, tier: str | None) -> tuple[int, str | None] | None:
        """The tier's place and the model that a caller pinned, or None where they left it open.

        Raises:
            BadRequest: Unknown name, or `model` and `tier` contradict each other.
        """
        wished = None if tier is None else self.rank(tier)
        if model == AUTO:
            return None if wished is None else (wished, None)
        rank = self._ranks.get(model)
        found = self._models.get(model) if rank is None else (rank, None)
        if found is None:
            raise UnknownModel(
                f"There is no such model; use 'auto', a tier ({self._listed()}) or a model of one.",
                param="model",
            )
        if wished is not None and wished != found[0]:
            raise BadRequest("`model` and the wished tier name different tiers.", param="model")
        return found

    def _listed(self) -> str:
        return ", ".join(self._ranks)
