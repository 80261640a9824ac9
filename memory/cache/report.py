"""What a cache saved, and how often it was wrong: from the store's own books, so that any process can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.memory.cache.scales import NOTES_A_PAGE, read_judgement
from stepwell.memory.store import EvidenceStore, Tally

if TYPE_CHECKING:
    from stepwell.memory.cache.gate.gate import Gate
    from stepwell.memory.cache.gate.promise import GateReport


@dataclass(frozen=True, slots=True)
class Saved:
    """Hits of one kind: how many, and the dollars and seconds of the answers that were not made again."""

    n: int = 0
    usd: float = 0.0
    s: float = 0.0


@dataclass(frozen=True, slots=True)
class CacheReport:
    """Of all processes that share the store, since an hour.

    Attributes:
        hit, semantic_hit: Served.
        shadow_hit: Would have been served by meaning.
        n_misses: Looked up and not served.
        n_reported_wrong: Hits that somebody reported.
        n_unsure: Times that the judge could not tell.
        max_error: The budget: share of the hits by meaning that may be wrong, 0..1.
        gate: What is known about keeping it.
    """

    since_hour: int
    hit: Saved
    semantic_hit: Saved
    shadow_hit: Saved
    n_misses: int
    n_reported_wrong: int
    n_unsure: int
    max_error: float
    gate: GateReport


def read_report(
    store: EvidenceStore, gate: Callable[[], Gate], *, max_error: float, since_hour: int = 0
) -> CacheReport:
    """Read the books. Blocks for some milliseconds.

    Args:
        gate: Makes a fresh one, which is taken through the evidence.
        since_hour: Hours since 1970 from which hits count; evidence counts from its beginning.
    """
    fresh, seq = gate(), 0
    while notes := store.notes_after(seq, limit=NOTES_A_PAGE):
        seq = notes[-1][0]
        fresh.replay(j for _, raw in notes if (j := read_judgement(raw)) is not None)
    return report_of(store.tallies(since_hour), fresh.report(), max_error=max_error, since_hour=since_hour)


def report_of(
    tallies: Iterable[Tally], gate: GateReport, *, max_error: float, since_hour: int = 0
) -> CacheReport:
    """As `read_report`, where books and gate have told already."""
    sums: dict[str, Saved] = {}
    for tally in tallies:
        was = sums.get(tally.kind, Saved())
        sums[tally.kind] = Saved(was.n + tally.n, was.usd + tally.usd, was.s + tally.s)
    none = Saved()
    return CacheReport(
        since_hour,
        sums.get("hit", none),
        sums.get("semantic_hit", none),
        sums.get("shadow_hit", none),
        sums.get("miss", none).n,
        sums.get("wrong", none).n,
        sums.get("unsure", none).n,
        max_error,
        gate,
    )
