"""Prometheus metrics of all requests, in a registry of their own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from stepwell.base.telemetry.record import Record

SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """A sink that counts; `render` gives the text that Prometheus scrapes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self._requests = Counter(
            "stepwell_requests", "Requests ended", ["tier", "status", "cache"], registry=r
        )
        self._tokens = Counter("stepwell_tokens", "Tokens", ["tier", "direction"], registry=r)
        self._cost = Counter("stepwell_cost_usd", "Dollars spent", ["tier"], registry=r)
        self._attempts = Counter("stepwell_attempts", "Tries at tiers", ["tier", "outcome"], registry=r)
        self._guards = Counter("stepwell_guard_verdicts", "Guard verdicts", ["stage", "action"], registry=r)
        self._degraded = Counter(
            "stepwell_degraded", "Answers from below the quality floor", ["tier"], registry=r
        )
        self._seconds = Histogram(
            "stepwell_request_seconds", "Time to the whole answer", ["tier"], registry=r, buckets=SECONDS
        )
        self._ttft = Histogram(
            "stepwell_first_token_seconds", "Time to the first token", ["tier"], registry=r, buckets=SECONDS
        )
        self.in_flight = Gauge("stepwell_in_flight", "Requests under way", registry=r)
        # labels() costs more than inc(): children are kept
        self._kept: dict[tuple[str, int, str], Counter] = {}
        self._per_tier: dict[str, tuple[Counter, Counter, Counter, Histogram, Histogram]] = {}

    def __call__(self, record: Record) -> None:
        key = (record.tier, record.status, record.cache)
        requests = self._kept.get(key)
        if requests is None:
            requests = self._kept[key] = self._requests.labels(record.tier, str(record.status), record.cache)
        requests.inc()
        tokens_in, tokens_out, cost, seconds, ttft = self._of(record.tier)
        seconds.observe(record.ms / 1e3)
        if record.n_input_tokens:
            tokens_in.inc(record.n_input_tokens)
            tokens_out.inc(record.n_output_tokens)
        if record.cost_usd:
            cost.inc(record.cost_usd)
        if record.ttft_ms is not None:
            ttft.observe(record.ttft_ms / 1e3)
        self._rare(record)

    def _rare(self, record: Record) -> None:
        for tier, outcome in record.attempts:
            if outcome != "ok":
                self._attempts.labels(tier, outcome).inc()
        for stage, verdict in (("input", record.guard_input), ("output", record.guard_output)):
            if verdict:
                self._guards.labels(stage, verdict).inc()
        if record.is_degraded:
            self._degraded.labels(record.tier).inc()

    def _of(self, tier: str) -> tuple[Counter, Counter, Counter, Histogram, Histogram]:
        found = self._per_tier.get(tier)
        if found is None:
            found = self._per_tier[tier] = (
                self._tokens.labels(tier, "input"),
                self._tokens.labels(tier, "output"),
                self._cost.labels(tier),
                self._seconds.labels(tier),
                self._ttft.labels(tier),
            )
        return found

    def render(self) -> bytes:
        return generate_latest(self.registry)
