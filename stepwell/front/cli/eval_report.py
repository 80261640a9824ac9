"""`stepwell eval report`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.eval_told import as_dict, limits_of
from stepwell.front.cli.exits import Exit, UsageError

if TYPE_CHECKING:
    from stepwell.evals.folder import RunFolder
    from stepwell.evals.gate import Gate
    from stepwell.evals.report import Report
    from stepwell.evals.suite import Row


_SHOWN_CHARS = 200


def run(args: Namespace) -> int:
    """Write the HTML and the Markdown of a run that was made."""
    from stepwell.evals.entries import JournalError
    from stepwell.evals.folder import RunFolder
    from stepwell.evals.gate import gate

    limits = limits_of(args)
    if args.failures < 0 or args.max_chars < 1:
        raise UsageError("--failures: 0 or more; --max-chars: 1 or more")
    try:
        folder = RunFolder.of(args.run)
        report = _report(folder, args)
        rows = folder.read_suite().rows if folder.suite.is_file() else ()
        verdict = gate(report, limits)
        _write_markdown(folder, report, verdict, rows, args)
        _write_html(folder, report, verdict, rows, args)
        _send(folder, report, args)
    except JournalError as e:
        raise UsageError(str(e)) from e
    if args.json:
        terminal.say_json(as_dict(report, verdict))
    return Exit.OK


def _send(folder: RunFolder, report: Report, args: Namespace) -> None:
    """Hand it on to other tools.

    Raises:
        SinkError: One isn't installed, or refuses.
    """
    if args.mlflow is not None:
        from stepwell.evals.sinks import mlflow

        sent = mlflow.send(report, folder.path, uri=args.mlflow or None, with_samples=args.with_samples)
        terminal.say(f"MLflow run {sent}")
    if args.wandb is not None:
        from stepwell.evals.sinks import wandb

        sent = wandb.send(report, folder.path, project=args.wandb, with_samples=args.with_samples)
        terminal.say(f"W&B run {sent}")


def _report(folder: RunFolder, args: Namespace) -> Report:
    from stepwell.evals.report import Question, from_folder

    report = from_folder(folder)
    names = [t.tier for t in report.tiers]
    if args.baseline is not None and args.baseline not in names:
        raise UsageError(f"--baseline: the run has {', '.join(names)}")
    asked = report.question
    question = Question(args.baseline or asked.baseline, asked.margin if args.margin is None else args.margin)
    return report if question == asked else from_folder(folder, question=question)


def _write_markdown(
    folder: RunFolder, report: Report, verdict: Gate, rows: Sequence[Row], args: Namespace
) -> None:
    from stepwell.evals.held import read_run
    from stepwell.evals.markdown import markdown

    prompts = {row.id: row.prompt or "" for row in rows} if args.prompts else None
    held = read_run(folder.journal, rows)
    answers = _wrong_answers(folder, rows) if args.prompts else None
    text = markdown(
        report, gate=verdict, held=held, prompts=prompts, answers=answers, n_failures=args.failures
    )
    if args.markdown == "-":
        print(text, end="")
        return
    path = Path(args.markdown or folder.markdown)
    try:
        path.write_text(text, "utf-8")
    except OSError as e:
        raise UsageError(f"{path}: {e.strerror}") from e
    terminal.say(f"Markdown: {path}")


def _wrong_answers(folder: RunFolder, rows: Sequence[Row]) -> dict[tuple[str, str], str]:
    """How the answers begin that were not fully right, by arm and row."""
    from stepwell.evals.entries import read_entries, read_header
    from stepwell.evals.plan import Planned

    header = read_header(folder.journal)
    keys = Planned.of(header, rows)
    ours = (e for e in read_entries(folder.journal) if keys is None or e.key in keys)
    found = ((e.tier, e.row, e.answer) for e in ours if (e.score or 0) < 1)
    return {(arm, row): answer[:_SHOWN_CHARS] for arm, row, answer in found if answer}


def _write_html(
    folder: RunFolder, report: Report, verdict: Gate, rows: Sequence[Row], args: Namespace
) -> None:
    from stepwell.evals.page.whole import write_page

    path = Path(args.html or folder.page)
    write_page(path, report, gate=verdict, journal=folder.journal, rows=rows, max_text_chars=args.max_chars)
    terminal.say(f"page: {path}")
