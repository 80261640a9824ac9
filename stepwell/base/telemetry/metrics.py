"""Prometheus metrics of all requests.

Plain sums on the hot path (prometheus_client's own counters cost about 10 us a request); its data model and text
format where somebody scrapes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from stepwell.base.telemetry.context_sums import ContextSums
from stepwell.base.telemetry.record import Record

if TYPE_CHECKING:
    from prometheus_client.core import Metric

BUCKETS_S = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class _Histogram:
    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds


class _TierSums:
    __slots__ = ("cost_usd", "first_token", "n_cached", "n_degraded", "n_input", "n_output", "seconds")

    def __init__(self) -> None:
        self.n_input = self.n_output = self.n_degraded = self.n_cached = 0
        self.cost_usd = 0.0
        self.seconds = _Histogram()
        self.first_token = _Histogram()


class Metrics:
    """A sink that sums; `render` gives the text that Prometheus scrapes.

    Attributes:
        n_in_flight: Requests under way.
    """

    def __init__(self) -> None:
        self.n_in_flight = 0
        self._requests: Counter[tuple[str, int, str]] = Counter()
        self._failed_tries: Counter[tuple[str, str]] = Counter()
        self._verdicts: Counter[tuple[str, str]] = Counter()
        self._tiers: dict[str, _TierSums] = {}
        self._context = ContextSums()

    def __call__(self, record: Record) -> None:
        self._requests[record.tier, record.status, record.cache] += 1
        sums = self._tiers.get(record.tier)
        if sums is None:
            sums = self._tiers[record.tier] = _TierSums()
        sums.n_input += record.n_input_tokens
        sums.n_cached += record.n_cached_tokens
        sums.n_output += record.n_output_tokens
        sums.cost_usd += record.cost_usd
        sums.seconds.add(record.ms / 1e3)
        if record.ttft_ms is not None:
            sums.first_token.add(record.ttft_ms / 1e3)
        sums.n_degraded += record.is_degraded
        for tier, outcome in record.attempts:
            if outcome != "ok":
                self._failed_tries[tier, outcome] += 1
        if record.context is not None or record.is_logged is False:
            self._context.add(record)
        if record.guard_input:
            self._verdicts["input", record.guard_input] += 1
        if record.guard_output:
            self._verdicts["output", record.guard_output] += 1

    def render(self) -> bytes:
        """The text exposition format."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """What prometheus_client asks a collector for."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        yield GaugeMetricFamily("stepwell_in_flight", "Requests under way", value=self.n_in_flight)
        requests = CounterMetricFamily(
            "stepwell_requests", "Requests ended", labels=["tier", "status", "cache"]
        )
        for (tier, status, cache), n in self._requests.items():
            requests.add_metric([tier, str(status), cache], n)
        tries = CounterMetricFamily("stepwell_failed_tries", "Failed tries", labels=["tier", "outcome"])
        for (tier, outcome), n in self._failed_tries.items():
            tries.add_metric([tier, outcome], n)
        verdicts = CounterMetricFamily(
            "stepwell_guard_verdicts", "Guard verdicts", labels=["stage", "action"]
        )
        for (stage, action), n in self._verdicts.items():
            verdicts.add_metric([stage, action], n)
        tokens = CounterMetricFamily("stepwell_tokens", "Tokens", labels=["tier", "direction"])
        cost = CounterMetricFamily("stepwell_cost_usd", "Dollars spent", labels=["tier"])
        degraded = CounterMetricFamily("stepwell_degraded", "Answers from below the floor", labels=["tier"])
        seconds = HistogramMetricFamily(
            "stepwell_request_seconds", "Time to the whole answer", labels=["tier"]
        )
        first = HistogramMetricFamily(
            "stepwell_first_token_seconds", "Time to the first token", labels=["tier"]
        )
        for tier, sums in self._tiers.items():
            tokens.add_metric([tier, "input"], sums.n_input)
            tokens.add_metric([tier, "output"], sums.n_output)
            tokens.add_metric([tier, "cached_input"], sums.n_cached)
            cost.add_metric([tier], sums.cost_usd)
            degraded.add_metric([tier], sums.n_degraded)
            for family, histogram in ((seconds, sums.seconds), (first, sums.first_token)):
                bounds = [*(f"{b:g}" for b in BUCKETS_S), "+Inf"]
                cumulative = accumulate(histogram.counts)
                family.add_metric([tier], list(zip(bounds, cumulative, strict=True)), histogram.sum_s)
        yield from (requests, tries, verdicts, tokens, cost, degraded, seconds, first)
        yield from self._context.collect()
