"""A report as rows of text; the first row of each table is its heading."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.evals.report import Report, TierReport
from stepwell.evals.verdict.pair import Pair

Rows = list[tuple[str, ...]]

NOTHING = "-"


def tier_rows(report: Report) -> Rows:
    """One row a tier: quality with its interval, cost, latency, tokens, errors."""
    times = ("p50 ms", "p95 ms", "p99 ms")
    heading = ("tier", "quality", "95 %", "rows", "cost usd", *times, "in + out tokens", "errors", "served")
    return [heading, *(_tier_row(t) for t in report.tiers)]


def pair_rows(report: Report) -> Rows:
    """One row a pair of tiers: by how much the first is better, and whether that can be said."""
    return [("tiers", "difference", "rows", "p", "verdict"), *(_pair_row(p) for p in report.pairs)]


def _tier_row(t: TierReport) -> tuple[str, ...]:
    return (
        t.tier,
        NOTHING if t.quality is None else f"{t.quality:.3f}",
        NOTHING if t.quality is None else f"{t.low:.3f} to {t.high:.3f}",
        str(t.n_rows),
        f"{t.cost_usd:.6f}",
        _ms(t.p50_ms),
        _ms(t.p95_ms),
        _ms(t.p99_ms),
        f"{t.in_tokens} + {t.out_tokens}",
        _counts(t.errors),
        _counts(t.served),
    )


def _pair_row(p: Pair) -> tuple[str, ...]:
    needs = f", about {p.n_more} rows" if p.n_more is not None else ""
    return (f"{p.a} against {p.b}", f"{p.difference:+.3f}", str(p.n_rows), f"{p.p:.3g}", p.word + needs)


def _ms(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items()) or NOTHING
