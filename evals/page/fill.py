"""From a report and its journal to what the page shows: the one file that knows both shapes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from stepwell.evals.arms import AUTO
from stepwell.evals.entries import Compared, Held, Planted
from stepwell.evals.gate import Gate, Limits
from stepwell.evals.page.model import ArmFigures, Figures, JudgeFigures, Preferred, Span, TagFigures
from stepwell.evals.report import Report, TagReport, TierReport
from stepwell.evals.verdict.means import mean_interval

MAX_FALSE_ACCEPTS = Limits().max_false_accepts


def figures_of(
    report: Report, gate: Gate, held: Held | None = None, *, max_false_accepts: float = MAX_FALSE_ACCEPTS
) -> Figures:
    """What a report says, but for the frontier.

    Args:
        held: The journal, where the judge was measured or pairs were judged.
        max_false_accepts: The limit that the gate set.
    """
    routed = _routed(held)
    return Figures(
        suite=report.suite,
        suite_sha256=report.suite_sha256,
        n_planned=report.n_planned,
        n_ended=report.n_ended,
        gate=gate.word,
        reasons=gate.reasons,
        arms=tuple(_arm(t, is_routed=t.tier in routed) for t in report.tiers),
        pairs=report.pairs,
        baseline=report.question.baseline,
        cost_usd=report.cost_usd,
        judge=_judge(held, max_false_accepts) if held else None,
        preferred=_preferred(held.compared.values()) if held else (),
        tags=_tags(report.tags, [t.tier for t in report.tiers]),
    )


def _routed(held: Held | None) -> set[str]:
    lines = held.header.arms if held and held.header else ()
    return {AUTO, *(a.name for a in lines if a.tier is None and a.model is None)}


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
            "failed tries": t.lost_nano_usd / 1e9,
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


def _judge(held: Held, max_false_accepts: float) -> JudgeFigures | None:
    shown: dict[str, tuple[int, int]] = {}
    for line in held.planted.values():
        if line.is_accepted is not None:
            accepted, n = shown.get(line.style, (0, 0))
            shown[line.style] = (accepted + line.is_accepted, n + 1)
    if not shown:
        return None
    judge = (held.header.judge if held.header else None) or ""
    return JudgeFigures(judge, dict(sorted(shown.items())), _usd(held.planted.values()), max_false_accepts)


def _usd(lines: Iterable[Planted]) -> float:
    return sum(line.nano_usd for line in lines) / 1e9


def _preferred(lines: Iterable[Compared]) -> tuple[Preferred, ...]:
    by_pair: dict[tuple[str, str], dict[str, list[Compared]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        if line.score is not None:
            by_pair[line.a, line.b][line.row].append(line)
    found = []
    for (a, b), of_row in sorted(by_pair.items()):
        means = [sum(c.score or 0.0 for c in of) / len(of) for _, of in sorted(of_row.items())]
        n_consistent = sum(all(c.is_consistent for c in of) for of in of_row.values())
        share = Span(sum(means) / len(means), *mean_interval(means))
        found.append(Preferred(a, b, share, len(means), n_consistent))
    return tuple(found)


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
