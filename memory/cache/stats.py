"""What the cache has done so far."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

SIMILARITY_CUTS = (0.80, 0.85, 0.90, 0.95, 0.97, 0.98, 0.99)


@dataclass(frozen=True, slots=True)
class CacheStats:
    """Counts since the start, in this process. No text, no tenants.

    Attributes:
        n_hits, n_semantic_hits: Served from the cache.
        n_shadow_hits: Would have been served by meaning.
        saved_usd, shadow_saved_usd: What the hits saved; what the would-be hits would have.
        n_stored, n_not_stored: Answers kept, and those that must not be (cut off, tool calls, degraded, ...).
        n_shared: Requests that waited for the same one under way.
        n_compared: Prompts whose nearest neighbour was looked for.
        n_above: Of those, how many had one at or above each cosine in SIMILARITY_CUTS.
        n_not_embedded: Prompts not compared because their vector was late, failed, or the queue was full.
        n_reported_bad: Entries deleted by `report_bad`.
        n_lost: Writes that failed (disk full, file locked).
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
    n_above: tuple[int, ...] = (0,) * len(SIMILARITY_CUTS)
    n_not_embedded: int = 0
    n_reported_bad: int = 0
    n_lost: int = 0


@dataclass(slots=True)
class Counters:
    """The running counts behind CacheStats; what others count is filled in by `frozen`."""

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
    n_reported_bad: int = 0
    above: list[int] = field(default_factory=lambda: [0] * len(SIMILARITY_CUTS))

    def compared(self, similarity: float | None) -> None:
        """Count one search; None where the partition was empty."""
        self.n_compared += 1
        for i, cut in enumerate(SIMILARITY_CUTS):
            self.above[i] += similarity is not None and similarity >= cut

    def frozen(self, *, n_shared: int, n_lost: int) -> CacheStats:
        counts = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "above"}
        return CacheStats(**counts, n_above=tuple(self.above), n_shared=n_shared, n_lost=n_lost)
