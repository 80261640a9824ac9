"""The review queue as one request asks it."""

from __future__ import annotations

from collections.abc import Callable

from stepwell.guards.review.held import Held
from stepwell.guards.scan import Reviews


class RequestReviews:
    """Has a text of one request held once, and known by what it means: with values in place of placeholders.

    People see placeholders, as a tier would; what they decide holds for the very values behind them.

    Args:
        unmasked: Puts the request's values into a text.
        holds: False: look at what people said, and hand nothing to them.
    """

    def __init__(self, reviews: Reviews, unmasked: Callable[[str], str], *, holds: bool = True) -> None:
        self._reviews = reviews
        self._unmasked = unmasked
        self._holds = holds
        self._held: dict[tuple[str, str, str], str | None] = {}

    @property
    def looking(self) -> RequestReviews:
        """The same, and hands nothing to people: for answers that may be replaced by others."""
        return RequestReviews(self._reviews, self._unmasked, holds=False)

    async def verdict(self, tenant: str, stage: str, check: str, text: str) -> str | None:
        """As `ReviewQueue.verdict`."""
        return await self._reviews.verdict(tenant, stage, check, self._unmasked(text))

    async def hold(self, held: Held, *, meant: str | None = None) -> str | None:
        """As `ReviewQueue.hold`; "" where nothing is handed to people."""
        if not self._holds:
            return ""
        meant = self._unmasked(held.text) if meant is None else meant
        key = (held.stage, held.check, meant)
        if key not in self._held:
            self._held[key] = await self._reviews.hold(held, meant=meant)
        return self._held[key]
