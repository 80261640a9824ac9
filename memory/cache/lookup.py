"""What the cache says about one request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.base.decisions import CacheDecision
from stepwell.base.request import ChatRequest
from stepwell.memory.store import Entry

if TYPE_CHECKING:
    from stepwell.base.embedding import RequestVector
    from stepwell.memory.cache.scales import Weighed


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer from the cache: the `chat.completion` as it was stored, and where it came from.

    `hit_id` names this hit: `report_bad` takes it.
    """

    body: bytes
    tier: str
    model: str
    cost_usd: float
    stored_at_s: float
    hit_id: str


@dataclass(slots=True)
class Lookup:
    """What the cache knows about one request.

    Attributes:
        decision: In shadow, replaced in the background once the neighbours are known.
        entry: The answer to serve, or None.
        weighed: Its neighbours, where they have been looked for.
    """

    decision: CacheDecision
    request: ChatRequest
    vector: RequestVector
    scope: str
    key: bytes = b""
    entry: CachedAnswer | None = None
    weighed: Weighed | None = None

    def serve(self, e: Entry, decision: CacheDecision) -> None:
        """Let this entry be the answer."""
        hit_id = decision.hit_id or e.hit_id
        self.entry = CachedAnswer(e.body, e.tier, e.model, e.cost_usd, e.stored_at_s, hit_id)
        self.decision = decision
