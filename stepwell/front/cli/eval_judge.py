"""`stepwell eval judge`."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import UsageError
from stepwell.front.cli.inputs import Lines, config_of

if TYPE_CHECKING:
    from stepwell.evals.scoring.graded.checks import CheckOptions
    from stepwell.evals.scoring.graded.forms import Form
    from stepwell.evals.scoring.graded.judge_report import JudgeReport, Rate
    from stepwell.evals.scoring.graded.recorded import Answer
    from stepwell.well import Stepwell

EXIT_PASS, EXIT_INCONCLUSIVE, EXIT_INFRASTRUCTURE = 0, 2, 3
MAX_ERROR_SHARE = 0.1
_HEAD = ("answers", "shown", "accepted", "share", "95 %")


def run(args: Namespace) -> int:
    """Measure a judge, and say whether a gate would believe it."""
    from stepwell.evals.entries import JournalError
    from stepwell.evals.scoring.graded.recorded import AnswersError, counted, has_votes, kinds_in

    if not 0 <= args.max_false_accepts <= 1:
        raise UsageError("--max-false-accepts: a share from 0 to 1")
    try:
        answers = _answers(args)
        if answers and has_votes(answers):
            from stepwell.evals.scoring.graded.judge_report import judge_report

            report = judge_report(counted(answers), kinds=kinds_in(answers))
        else:
            report = asyncio.run(_measured(args, answers))
    except (AnswersError, JournalError) as e:
        raise UsageError(f"{args.file}: {e}" if isinstance(e, AnswersError) else str(e)) from e
    _tell(report, args.max_false_accepts, is_json=args.json)
    return _exit(report, args.max_false_accepts)


def _answers(args: Namespace) -> list[Answer]:
    """Of the file; none where the shipped ones are to be shown."""
    from stepwell.evals.scoring.graded.recorded import drawn_answers, read_answers

    if args.file is None:
        return []
    answers = read_answers(Lines([args.file]))
    return answers if args.judge_checks is None else drawn_answers(answers, args.judge_checks, seed=args.seed)


async def _measured(args: Namespace, answers: list[Answer]) -> JudgeReport:
    from stepwell.evals.scoring.graded.checks import check_judges, run_checks
    from stepwell.evals.scoring.graded.judge_report import judge_report
    from stepwell.evals.scoring.graded.recorded import checks_of, kinds_in
    from stepwell.evals.scoring.graded.scorer import check_tier
    from stepwell.front.cli.eval_run import out_folder
    from stepwell.well import Stepwell

    if args.judge is None:
        raise UsageError("name the tier that is measured with --judge")
    if answers and args.pairwise:
        raise UsageError("--pairwise takes the planted answers that ship, no FILE")
    async with Stepwell(config_of(args)) as well:
        check_tier(well, args.judge)
        form, options = _form(args, well), _options(args)
        out = out_folder(args.out, f"judge-{args.judge}")
        with terminal.progress(f"judge {args.judge}") as show:
            journal = out / "journal.jsonl"
            if not answers:
                found = await check_judges(well, [form], journal, options=options, on_progress=show)
                return next(iter(found), judge_report([]))
            checks = list(checks_of(answers, form))
            lines = await run_checks(well, checks, journal, options=options, on_progress=show)
            return judge_report(lines, kinds=kinds_in(answers))


def _form(args: Namespace, well: Stepwell) -> Form:
    from stepwell.evals.scoring.graded.forms import Form
    from stepwell.evals.scoring.graded.options import GradedOptions, votes_fault

    problem = votes_fault(args.votes)
    if problem is not None:
        raise UsageError(f"--votes: {problem.removeprefix('graded: ')}")
    try:
        rubric = None if args.rubric is None else Path(args.rubric).read_text("utf-8")
    except UnicodeDecodeError:
        raise UsageError("--rubric: not UTF-8 text") from None
    options = GradedOptions(rubric=rubric, reference=not args.no_reference, scale=args.scale)
    models = next(tuple(tier.models) for tier in well.tiers if tier.name == args.judge)
    n_votes = 1 if args.pairwise else args.votes
    return Form(args.judge, options, n_votes, models, args.pairwise)


def _options(args: Namespace) -> CheckOptions:
    from stepwell.evals.scoring.graded.checks import CheckOptions
    from stepwell.evals.scoring.graded.planted import N_CASES

    n_cases = N_CASES if args.judge_checks is None else args.judge_checks
    for option, value in (("--judge-checks", n_cases), ("--concurrency", args.concurrency)):
        if value < 1:
            raise UsageError(f"{option}: at least 1; got {value}")
    return CheckOptions(n_cases, args.seed, args.concurrency, args.max_usd)


def _tell(report: JudgeReport, max_false_accepts: float, *, is_json: bool) -> None:
    if is_json:
        terminal.say_json(report.as_dict(max_false_accepts))
        return
    print(f"judge: {report.judge}, {report.form}")
    rows = [_row(f"wrong, {rate.style}", rate) for rate in report.wrong]
    rows += [_row("right", report.right)] if report.right else []
    rows += [_row(f"wrong, {rate.style}: {rate.kind}", rate) for rate in report.by_kind]
    terminal.table(_HEAD, rows)
    if report.n_errors:
        codes = ", ".join(f"{n} {code}" for code, n in report.errors.items())
        print(f"{report.n_errors} answers could not be judged: {codes}")
    if report.nano_usd:
        print(f"{terminal.usd(report.nano_usd / 1e9)} in all")
    print(report.said(max_false_accepts))


def _row(name: str, rate: Rate) -> tuple[str, ...]:
    share = "-" if rate.share is None else f"{rate.share:.1%}"
    return (name, str(rate.n), str(rate.n_accepted), share, f"{rate.low:.1%} to {rate.high:.1%}")


def _exit(report: JudgeReport, max_false_accepts: float) -> int:
    if report.n_errors > MAX_ERROR_SHARE * (report.n_shown + report.n_errors):
        return EXIT_INFRASTRUCTURE
    is_believed = report.trust(max_false_accepts) in ("trusted", "not shown to be below")
    return EXIT_PASS if is_believed else EXIT_INCONCLUSIVE
