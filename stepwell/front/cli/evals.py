"""`stepwell eval run`."""

from __future__ import annotations

import asyncio
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.base.messages import encode_json
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import config_of, tiers_of

if TYPE_CHECKING:
    from stepwell.base.config import Config
    from stepwell.evals.report import Report, TierReport
    from stepwell.evals.suite import Suite
    from stepwell.evals.verdict.pair import Pair

_HEAD = ("tier", "quality", "95 %", "rows", "cost", "p50 ms", "p95 ms", "errors")


def run_eval(args: Namespace) -> int:
    from stepwell.evals.entries import JournalError
    from stepwell.evals.suite import Suite, SuiteError

    try:
        suite = Suite.load(args.suite)
        out = out_folder(args.out, suite.name)
        with terminal.progress(suite.name) as show:
            report = asyncio.run(_measure(args, config_of(args), suite, out, show))
    except (SuiteError, JournalError) as e:
        raise UsageError(str(e)) from e
    (out / "report.json").write_bytes(encode_json(report.as_dict()))
    _print(report, is_json=args.json)
    terminal.say(f"journal, report and outcomes: {out}")
    return _exit(report)


def out_folder(given: str | None, suite: str) -> Path:
    """The folder of a run's files, made where it is not there."""
    # a fresh folder by default: a journal that is there is taken up again and asks nothing twice
    out = Path(given or f"stepwell-evals/{suite}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    out.mkdir(parents=True, exist_ok=True)
    return out


async def _measure(
    args: Namespace, config: Config, suite: Suite, out: Path, show: Callable[[int, int], None]
) -> Report:
    from stepwell.evals.run import RunOptions, run_suite
    from stepwell.evals.tune.from_journal import write_outcomes
    from stepwell.well import Stepwell

    journal = out / "journal.jsonl"
    async with Stepwell(config) as well:
        tiers = tiers_of(args.tiers) or [*(t.name for t in well.tiers), "auto"]
        report = await run_suite(
            well,
            suite,
            tiers=tiers,
            journal_path=journal,
            options=RunOptions(args.concurrency, args.repeats, args.max_usd),
            on_progress=lambda done, total, _usd, _eta_s: show(done, total),
        )
        models = {t.name: tuple(t.models) for t in well.tiers if t.name in tiers}
    write_outcomes(out / "outcomes.jsonl", journal, suite, models, repeats=args.repeats)
    return report


def _print(report: Report, *, is_json: bool) -> None:
    if is_json:
        terminal.say_json(report.as_dict())
        return
    terminal.table(_HEAD, [_row(t) for t in report.tiers])
    for pair in report.pairs:
        print(_compared(pair))
    print(f"{report.n_ended} of {report.n_planned} samples, {terminal.usd(report.cost_usd)} in all")


def _row(t: TierReport) -> tuple[str, ...]:
    quality = ("-", "-") if t.quality is None else (f"{t.quality:.3f}", f"{t.low:.3f} to {t.high:.3f}")
    errors = ", ".join(f"{n} {code}" for code, n in t.errors.items()) or "0"
    return (t.tier, *quality, str(t.n_rows), terminal.usd(t.cost_usd), _ms(t.p50_ms), _ms(t.p95_ms), errors)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _compared(pair: Pair) -> str:
    return (
        f"{pair.a} is {pair.word} than {pair.b}"
        if pair.word in ("better", "worse")
        else (f"{pair.a} and {pair.b}: {pair.word}")
    )


def _exit(report: Report) -> Exit:
    from stepwell.evals.report import EXIT_INCONCLUSIVE, EXIT_INFRASTRUCTURE, EXIT_PASS

    if report.exit_code == EXIT_PASS:
        return Exit.OK
    if report.exit_code == EXIT_INFRASTRUCTURE:
        terminal.say("too many samples ended as errors")
        return Exit.INFRASTRUCTURE
    if report.exit_code == EXIT_INCONCLUSIVE:
        terminal.say("undecided: not every sample was asked")
    return Exit.NO
