"""From a report and its journal to what the page shows: the one file that knows both shapes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from stepwell.evals.arms import AUTO
from stepwell.evals.entries import Header
from stepwell.evals.gate import Gate
from stepwell.evals.page.model import ArmFigures, Figures, Span, TagFigures
from stepwell.evals.report import Report, TagReport, TierReport


def figures_of(report: Report, gate: Gate, header: Header | None = None) -> Figures:
    """What a report says, but for the frontier.

    Args:
        header: Of the journal: it tells which arms are routers.
    """
    routed = {AUTO, *(a.name for a in (header.arms if header else ()) if a.tier is None and a.model is None)}
    return Figures(
        suite=report.suite,
        suite_sha256=report.suite_sha256,
        n_planned=report.n_planned,
        n_ended=report.n_ended,
        gate=gate.word,
        arms=tuple(_arm(t, is_routed=t.tier in routed) for t in report.tiers),
        pairs=report.pairs,
        baseline=report.question.baseline,
        cost_usd=report.cost_usd,
        reasons=gate.reasons,
        notes=gate.notes,
        judges=report.judges,
        preferences=report.preferences,
        tags=_tags(report.tags, [t.tier for t in report.tiers]),
        n_rows_planned=(header.n_rows or None) if header else None,
    )


def _arm(t: TierReport, *, is_routed: bool) -> ArmFigures:
    waits = {"p50": t.p50_ms, "p95": t.p95_ms, "p99": t.p99_ms}
    firsts = {"p50": t.p50_ttft_ms, "p95": t.p95_ttft_ms}
    return ArmFigures(
        name=t.tier,
        is_routed=is_routed,
        quality=None if t.quality is None else Span(t.quality, t.low, t.high),
        n_rows=t.n_rows,
        n_samples=t.n_ended,
        cost_usd=t.cost_usd / max(1, t.n_ended),
        books={
            "answers": (t.cost_nano_usd - t.lost_nano_usd) / 1e9,
            "failed tries, at most": t.lost_nano_usd / 1e9,
            "judge": t.judge_nano_usd / 1e9,
        },
        n_in_tokens=t.in_tokens,
        n_out_tokens=t.out_tokens,
        waits_ms={name: ms for name, ms in waits.items() if ms is not None},
        firsts_ms={name: ms for name, ms in firsts.items() if ms is not None},
        errors=t.errors,
        served=t.served,
        parts=t.parts,
    )


def _tags(tags: Sequence[TagReport], arms: Sequence[str]) -> tuple[TagFigures, ...]:
    """The tags with most rows first."""
    by_tag: dict[str, dict[str, TagReport]] = defaultdict(dict)
    for t in tags:
        by_tag[t.tag][t.tier] = t
    found = [
        TagFigures(
            tag,
            max(t.n_rows for t in of.values()),
            tuple(Span(of[arm].quality, of[arm].low, of[arm].high) if arm in of else None for arm in arms),
        )
        for tag, of in by_tag.items()
    ]
    return tuple(sorted(found, key=lambda t: (-t.n_rows, t.tag)))
