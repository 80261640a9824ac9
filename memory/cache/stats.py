"""What the cache has done so far."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from stepwell.memory.store import Tally

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class CacheStats:
    """Counts since the start, in this process. No text, no tenants.

    Attributes:
        n_hits, n_semantic_hits: Served from the cache.
        n_shadow_hits: Would have been served by meaning.
        saved_usd, shadow_saved_usd: What the hits saved; what the would-be hits would have.
        n_stored, n_not_stored: Answers kept, and those that must not be (cut off, tool calls, degraded, ...).
        n_shared: Requests that waited for the same one under way.
        n_compared: Prompts whose neighbours were looked for.
        n_not_embedded: Prompts not compared because their vector was late, failed, or the queue was full.
        n_audits: Semantic hits that went upstream all the same, for the judge.
        n_judged, n_unsure: Verdicts of the judge, and the times that it could not tell.
        n_reported_bad: Entries deleted by `report_bad`.
        n_lost: Writes that failed (disk full, file locked).
        is_serving: The gate serves by meaning.
    """

    n_lookups: int = 0
    n_hits: int = 0
    n_semantic_hits: int = 0
    n_shadow_hits: int = 0
    n_misses: int = 0
    n_bypassed: int = 0
    saved_usd: float = 0.0
    shadow_saved_usd: float = 0.0
    n_stored: int = 0
    n_not_stored: int = 0
    n_shared: int = 0
    n_compared: int = 0
    n_not_embedded: int = 0
    n_audits: int = 0
    n_judged: int = 0
    n_unsure: int = 0
    n_reported_bad: int = 0
    n_lost: int = 0
    is_serving: bool = False


@dataclass(slots=True)
class Counters:
    """The running counts behind CacheStats, and what of them is not yet in the store's hours."""

    n_lookups: int = 0
    n_hits: int = 0
    n_semantic_hits: int = 0
    n_shadow_hits: int = 0
    n_misses: int = 0
    n_bypassed: int = 0
    saved_usd: float = 0.0
    shadow_saved_usd: float = 0.0
    n_stored: int = 0
    n_not_stored: int = 0
    n_compared: int = 0
    n_not_embedded: int = 0
    n_audits: int = 0
    n_judged: int = 0
    n_unsure: int = 0
    n_reported_bad: int = 0
    _hours: dict[tuple[int, str], list[float]] = field(default_factory=dict)

    def hour(self, kind: str, now_s: float, usd: float = 0.0, s: float = 0.0) -> None:
        """Count one event of a kind in the hour of `now_s`."""
        sums = self._hours.setdefault((int(now_s // HOUR_S), kind), [0, 0.0, 0.0])
        sums[0] += 1
        sums[1] += usd
        sums[2] += s

    def waiting(self) -> list[Tally]:
        """What was counted since it was last taken."""
        return [Tally(hour, kind, int(n), usd, s) for (hour, kind), (n, usd, s) in self._hours.items()]

    def taken(self) -> list[Tally]:
        """As `waiting`, and count from zero again."""
        tallies = self.waiting()
        self._hours = {}
        return tallies

    def frozen(self, *, n_shared: int, n_lost: int, is_serving: bool) -> CacheStats:
        counts = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "_hours"}
        return CacheStats(**counts, n_shared=n_shared, n_lost=n_lost, is_serving=is_serving)
