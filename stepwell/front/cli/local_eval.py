"""`stepwell local eval`."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.eval_run import first_of_each
from stepwell.front.cli.exits import UsageError
from stepwell.front.cli.inputs import config_of, needs_sklearn, tiers_of

if TYPE_CHECKING:
    from stepwell.evals.finetune.data.dataset import Dataset
    from stepwell.evals.finetune.figures import ArmFigures, FinetuneReport
    from stepwell.evals.finetune.found import Found
    from stepwell.evals.finetune.options import MeasureOptions

_HEAD = ("arm", "exact", "95 %", "valid", "fields", "n", "p50 s", "p95 s", "all s", "cost", "errors")
_BETTER, _NOT, _UNKNOWN, _BROKEN = 0, 1, 2, 3


def run(args: Namespace) -> int:
    """Ask every arm, write eval.json, tell the figures."""
    from stepwell.evals.entries import JournalError
    from stepwell.evals.finetune.data.dataset import Dataset
    from stepwell.evals.finetune.data.example import FinetuneError
    from stepwell.evals.finetune.figures import REPORT

    needs_sklearn()
    options = _options(args)
    try:
        dataset = Dataset.load(Path(args.dataset))
        found = _found(args, dataset)
        report = _measured(args, dataset, found, options)
    except (FinetuneError, JournalError) as e:
        raise UsageError(str(e)) from e
    if args.json:
        terminal.say_json(report)
    else:
        tell(report)
    terminal.say(f"report: {found.out / REPORT}")
    return verdict(report)


def _found(args: Namespace, dataset: Dataset) -> Found:
    from stepwell.evals.finetune.found import find_model
    from stepwell.router.tiers import weights

    base = weights.find(args.base) if args.base else None
    if args.base and base is None:
        raise UsageError(f"--base: no weights {args.base!r} here")
    return find_model(Path(args.model), dataset=dataset, base=base)


def _measured(args: Namespace, dataset: Dataset, found: Found, options: MeasureOptions) -> FinetuneReport:
    from stepwell.evals.finetune.measure import measure

    with terminal.run_progress("held-out examples") as show:
        return asyncio.run(
            measure(
                dataset,
                found.bundle,
                out=found.out,
                config=config_of(args),
                options=options,
                on_progress=show,
                on_error=first_of_each(),
            )
        )


def _options(args: Namespace) -> MeasureOptions:
    from stepwell.evals.finetune.heads import HeadOptions
    from stepwell.evals.finetune.options import MeasureOptions

    for name in ("concurrency", "threads", "limit", "max_answers"):
        if (value := getattr(args, name)) is not None and value < 1:
            raise UsageError(f"--{name.replace('_', '-')} must be at least 1; got {value}")
    return MeasureOptions(
        tiers=tuple(tiers_of(args.tiers) or ()),
        judge=args.judge,
        rubric=Path(args.rubric).read_text("utf-8") if args.rubric else None,
        head_options=HeadOptions(max_answers=args.max_answers),
        limit=args.limit,
        concurrency=args.concurrency,
        n_threads=args.threads,
        margin=args.margin,
        base=args.base,
        max_usd=args.max_usd,
    )


def verdict(report: FinetuneReport) -> int:
    """The exit code: whether the adapter is better than all that it has to beat."""
    from stepwell.evals.finetune.figures import ADAPTER, rivals
    from stepwell.evals.finetune.promote import MAX_ERROR_SHARE

    if any(a.n_errors > MAX_ERROR_SHARE * (a.n + a.n_errors) for a in report.arms):
        return _BROKEN
    named = rivals([a.name for a in report.arms])
    words = {p.word for p in report.pairs_of(ADAPTER) if p.b in named}
    if report.judge_faults:
        return _UNKNOWN
    if words & {"worse", "tied"}:
        return _NOT
    return _BETTER if words == {"better"} else _UNKNOWN


def tell(report: FinetuneReport) -> None:
    """Print the arms, the pairs and what else to know."""
    from stepwell.evals.finetune.figures import ADAPTER

    terminal.table(_HEAD, [_row(a) for a in report.arms])
    for pair in report.pairs_of(ADAPTER):
        print(pair.said)
    for head in report.heads:
        print(f"head {head.kind}: fitted in {head.fit_s:.1f} s on {head.n_answers:,} distinct answers")
    print(f"a perfect head could be right on {report.head_bound:.1%}: the held-out answers that training has")
    leaks = report.leaks
    print(
        f"{leaks.n:,} of {report.n_held_out:,} held-out examples leaked into training ({leaks.n_same:,} the same, "
        f"{leaks.n_near:,} nearly, {leaks.n_group:,} by conversation)"
    )
    for note in (*report.notes, *report.judge_faults):
        print(note)


def _row(a: ArmFigures) -> tuple[str, ...]:
    exact = ("-", "-") if a.exact is None else (f"{a.exact:.3f}", f"{a.low:.3f} to {a.high:.3f}")
    shares = ("-" if s is None else f"{s:.3f}" for s in (a.valid, a.fields))
    times = ("-" if t is None else _seconds(t) for t in (a.p50_s, a.p95_s, a.wall_s))
    errors = ", ".join(f"{n} {code}" for code, n in a.errors.items()) or "0"
    return (a.name, *exact, *shares, str(a.n), *times, terminal.usd(a.cost_usd), errors)


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.1f}"
