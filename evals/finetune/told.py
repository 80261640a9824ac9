"""From a run's reports to the report on a fine-tuned model."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepwell.evals.finetune.arms import Asked
from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.figures import (
    ADAPTER,
    ArmFigures,
    FinetuneReport,
    HeadFigures,
    LeakFigures,
    PairFigures,
)
from stepwell.evals.finetune.heads import FittedHead, head_bound, n_answers
from stepwell.evals.finetune.options import MeasureOptions
from stepwell.evals.finetune.suite_of import EXACT_JSON, scorer_of
from stepwell.evals.report import GRADED, Report, TierReport
from stepwell.evals.scoring.graded.judge_report import why_refused
from stepwell.evals.suite import Suite
from stepwell.router.tiers.bundle import Bundle

_SCORED = {
    EXACT_JSON: "An answer is right where it is the same JSON value: nothing less, nothing more.",
    GRADED: "A judge grades answers by the dataset's own.",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """All that a report is made of; `reports` by the model that they are about."""

    dataset: Dataset
    bundle: Bundle
    suite: Suite
    asked: Asked
    heads: Sequence[FittedHead]
    leaks: LeakFigures
    reports: Mapping[str, Report]
    walls_s: Mapping[str, float]
    options: MeasureOptions
    out: Path


def report_on(m: Measured) -> FinetuneReport:
    """Figures by arm, and what can be said of each pair."""
    whole = m.reports[ADAPTER]
    graders = [j for j in whole.judges if not j.is_pair]
    models = {arm.name: m.asked.model(arm) for arm in m.asked.arms}
    scorer = scorer_of(m.dataset)
    return FinetuneReport(
        dataset_sha256=m.dataset.card.sha256,
        bundle_sha256=m.bundle.card.sha256,
        base_sha256=m.bundle.card.base_sha256,
        base=m.options.base or m.bundle.card.base,
        name=m.bundle.card.name,
        scorer=scorer,
        n_train=len(m.dataset.train),
        n_held_out=len({e.sha256 for e in m.dataset.held_out}),
        n_asked=len(m.suite.rows),
        n_clusters=len({row.cluster or row.id for row in m.suite.rows}),
        margin=m.options.margin,
        arms=tuple(_arm(t, models[t.tier], m.walls_s.get(t.tier), scorer) for t in whole.tiers),
        pairs=tuple(p for name, report in m.reports.items() for p in _pairs(report, name)),
        leaks=m.leaks,
        head_bound=head_bound(m.dataset),
        heads=tuple(_head(h, m.out) for h in m.heads),
        said_by=dict(Counter(e.tier for e in m.dataset.held_out)),
        concurrency=m.options.concurrency,
        n_threads=m.options.n_threads,
        judge=m.options.judge or "",
        judge_faults=why_refused(graders) if whole.is_graded else (),
        notes=tuple(_notes(m, scorer)),
        made_on=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def _arm(t: TierReport, model: str, wall_s: float | None, scorer: str) -> ArmFigures:
    is_json = scorer == EXACT_JSON
    return ArmFigures(
        name=t.tier,
        model=model if not model.startswith("local/") else f"local/{Path(model[6:]).name}",
        n=t.n_scored,
        exact=t.quality,
        low=t.low,
        high=t.high,
        valid=t.parts.get("valid") if is_json else None,
        fields=t.parts.get("fields") if is_json else None,
        p50_s=None if t.p50_ms is None else t.p50_ms / 1e3,
        p95_s=None if t.p95_ms is None else t.p95_ms / 1e3,
        wall_s=wall_s,
        cost_usd=t.cost_usd,
        errors=dict(t.errors),
    )


def _pairs(report: Report, name: str) -> Iterator[PairFigures]:
    worst = {frozenset((b.worst.a, b.worst.b)): b.seen_from(name).worst.word for b in report.bounds}
    for pair in (p.seen_from(name) for p in report.pairs):
        yield PairFigures(
            a=pair.a,
            b=pair.b,
            word=pair.word,
            at_worst=worst.get(frozenset((pair.a, pair.b)), pair.word),
            difference=pair.difference,
            low=pair.low,
            high=pair.high,
            p=pair.p,
            n_rows=pair.n_rows,
            n_only_a=pair.n_only_a,
            n_only_b=pair.n_only_b,
            n_more=pair.n_more,
            method=pair.method,
        )


def _head(head: FittedHead, out: Path) -> HeadFigures:
    folder = head.bundle.folder.relative_to(out).as_posix()
    return HeadFigures(head.kind, head.bundle.card.sha256, folder, head.n_answers, round(head.fit_s, 3))


def _notes(m: Measured, scorer: str) -> Iterator[str]:
    yield _SCORED.get(scorer, "An answer is right where it is the same label, but for case and punctuation.")
    tiers = {e.tier for e in m.dataset.held_out if e.tier}
    if tiers:
        named = " and ".join(sorted(tiers))
        yield (
            f"What counts as right is what {named} answered, right or wrong: {named} is right by definition, and every "
            "other arm is measured by how often it says the same."
        )
        asked_too = sorted(tiers & set(m.options.tiers))
        if asked_too:
            yield f"{' and '.join(asked_too)} was asked again: its figure is how often it repeats itself."
    if not m.heads:
        n = n_answers(m.dataset.train)
        yield (
            f"No head was fitted: the training part has {n:,} distinct answers. A perfect one could be right on "
            f"{head_bound(m.dataset):.1%}, the share of held-out answers that occur there."
        )
    if len(m.suite.rows) < len({e.sha256 for e in m.dataset.held_out}):
        yield f"{len(m.suite.rows):,} of the held-out examples were asked; a promotion takes all of them."
