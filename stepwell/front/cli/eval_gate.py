"""`stepwell eval gate`."""

from __future__ import annotations

from argparse import Namespace

from stepwell.front.cli.eval_run import MARGIN
from stepwell.front.cli.eval_told import limits_of, tell
from stepwell.front.cli.exits import UsageError


def run(args: Namespace) -> int:
    """The verdict of a run that was made; asks nobody."""
    from stepwell.evals.entries import JournalError
    from stepwell.evals.folder import RunFolder
    from stepwell.evals.gate import gate
    from stepwell.evals.report import Question, from_folder

    limits = limits_of(args)
    try:
        folder = RunFolder.of(args.run)
        report = from_folder(folder)
        asked = report.question
        margins = (args.margin, asked.margin, MARGIN)
        question = Question(args.baseline or asked.baseline, next(m for m in margins if m is not None))
        if question != report.question:
            report = from_folder(folder, question=question)
    except JournalError as e:
        raise UsageError(str(e)) from e
    if question.baseline is None and limits.min_quality is None and limits.max_cost_usd is None:
        raise UsageError("nothing to gate on: name --baseline, --min-quality or --max-cost-usd")
    names = [t.tier for t in report.tiers]
    if args.baseline is not None and args.baseline not in names:
        raise UsageError(f"--baseline: the run has {', '.join(names)}")
    verdict = gate(report, limits)
    tell(report, verdict, is_json=args.json)
    return verdict.exit_code
