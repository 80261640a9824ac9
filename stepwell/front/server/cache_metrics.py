"""Prometheus metrics of the cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stepwell.memory.cache.stats import CacheStats
from stepwell.pipeline import Pipeline

if TYPE_CHECKING:
    from prometheus_client.core import Metric


def cache_metrics(pipeline: Pipeline) -> bytes:
    """The text exposition format; nothing where there is no cache."""
    if pipeline.cache is None:
        return b""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(pipeline.cache.stats(), pipeline.flights.n_shared))
    return generate_latest(registry)


class _Collector:
    """Args: n_streams_shared: Streams that were read along with another caller's."""

    def __init__(self, stats: CacheStats, n_streams_shared: int) -> None:
        self._stats = stats
        self._n_shared = stats.n_shared + n_streams_shared

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        s = self._stats
        hits = CounterMetricFamily(
            "stepwell_cache_hits", "Hits; shadow ones were only counted", labels=["kind"]
        )
        saved = CounterMetricFamily(
            "stepwell_cache_saved_usd", "Dollars that hits saved; in shadow, would have", labels=["kind"]
        )
        for kind, n in self._hits():
            hits.add_metric([kind], n)
        saved.add_metric(["served"], s.saved_usd)
        saved.add_metric(["shadow"], s.shadow_saved_usd)
        yield from (hits, saved)
        yield GaugeMetricFamily("stepwell_cache_serving", "1: the gate serves by meaning", value=s.is_serving)
        for name, about, n in self._events():
            yield CounterMetricFamily(f"stepwell_cache_{name}", about, value=n)

    def _hits(self) -> list[tuple[str, int]]:
        s = self._stats
        return [
            ("exact", s.n_hits),
            ("semantic", s.n_semantic_hits),
            ("shadow", s.n_shadow_hits),
            ("shared", self._n_shared),
        ]

    def _events(self) -> list[tuple[str, str, int]]:
        s = self._stats
        return [
            ("misses", "Looked up and not served", s.n_misses),
            ("bypassed", "Not looked up", s.n_bypassed),
            ("audits", "Hits by meaning that went upstream all the same, for the judge", s.n_audits),
            ("judged", "Verdicts of the judge", s.n_judged),
            ("unsure", "Times that the judge could not tell", s.n_unsure),
            ("wrong", "Hits reported as wrong", s.n_reported_bad),
            ("lost_writes", "Writes that failed", s.n_lost),
        ]
