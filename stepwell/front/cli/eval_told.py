"""What every command that ends in a run's verdict tells, and its exit code."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stepwell.base.messages import encode_json
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import UsageError

if TYPE_CHECKING:
    from stepwell.evals.folder import RunFolder
    from stepwell.evals.gate import Gate, Limits
    from stepwell.evals.report import Report, TierReport
    from stepwell.evals.suite import Row
    from stepwell.evals.verdict.pair import Pair

_HEAD = ("arm", "quality", "95 %", "rows", "cost", "a sample", "p50 ms", "p95 ms", "errors")


def limits_of(args: Namespace) -> Limits:
    """What the gate asks for.

    Raises:
        UsageError: A share is none.
    """
    from stepwell.evals.gate import Limits

    for option in ("max_errors", "max_false_accepts"):
        if not 0 <= getattr(args, option) <= 1:
            raise UsageError(f"--{option.replace('_', '-')}: a share from 0 to 1")
    if args.margin is not None and not 0 <= args.margin < 1:
        raise UsageError("--margin: a difference of scores, from 0 to 1")
    return Limits(
        max_error_share=args.max_errors,
        max_false_accepts=args.max_false_accepts,
        min_quality=getattr(args, "min_quality", None),
        max_cost_usd=getattr(args, "max_cost_usd", None),
    )


def finish(folder: RunFolder, report: Report, limits: Limits, *, rows: Sequence[Row], is_json: bool) -> int:
    """Write the report's files, tell it, and give the exit code."""
    from stepwell.evals.gate import gate

    verdict = gate(report, limits)
    folder.write_private(folder.json, [encode_json(as_dict(report, verdict))])
    _write_pages(folder, report, verdict, rows)
    tell(report, verdict, is_json=is_json)
    terminal.say(f"journal, report and outcomes: {folder.path}")
    return verdict.exit_code


def _write_pages(folder: RunFolder, report: Report, verdict: Gate, rows: Sequence[Row]) -> None:
    from stepwell.evals.held import read_run
    from stepwell.evals.markdown import markdown
    from stepwell.evals.page.whole import write_page

    text = markdown(report, gate=verdict, held=read_run(folder.journal, rows))
    folder.write_private(folder.markdown, [text.encode("utf-8", "replace")])
    write_page(folder.page, report, gate=verdict, journal=folder.journal, rows=rows)


def as_dict(report: Report, verdict: Gate) -> dict[str, object]:
    """Plain values for --json."""
    return {
        **report.as_dict(),
        "verdict": verdict.word,
        "reasons": list(verdict.reasons),
        "notes": list(verdict.notes),
        "exit_code": verdict.exit_code,
    }


def tell(report: Report, verdict: Gate, *, is_json: bool) -> None:
    """Print the arms, the pairs and the verdict."""
    if is_json:
        terminal.say_json(as_dict(report, verdict))
        return
    terminal.table(_HEAD, [_row(t) for t in report.tiers])
    for pair in report.pairs:
        print(compared(pair))
    print(
        f"{report.n_ended:,} of {report.n_planned:,} samples, {terminal.usd(report.cost_usd)} in all{_lost(report)}"
    )
    for preference in report.preferences:
        print(f"the judge's preference: {compared(preference.pair)}")
    for note in verdict.notes:
        print(note)
    print(f"verdict: {verdict.word}" + "".join(f"; {reason}" for reason in verdict.reasons))


def _lost(report: Report) -> str:
    lost_usd = sum(t.lost_nano_usd for t in report.tiers) / 1e9
    return f", {terminal.usd(lost_usd)} of it at most for tries that failed" if lost_usd else ""


def _row(t: TierReport) -> tuple[str, ...]:
    quality = ("-", "-") if t.quality is None else (f"{t.quality:.3f}", f"{t.low:.3f} to {t.high:.3f}")
    errors = ", ".join(f"{n} {code}" for code, n in t.errors.items()) or "0"
    each = terminal.usd(t.cost_usd / t.n_ended) if t.n_ended else "-"
    times = (_ms(t.p50_ms), _ms(t.p95_ms))
    return (t.tier, *quality, str(t.n_rows), terminal.usd(t.cost_usd), each, *times, errors)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def compared(pair: Pair) -> str:
    """One pair in words."""
    from stepwell.evals.verdict.needed import round_up

    between = f"[{pair.low:+z.3f}, {pair.high:+z.3f}]"
    sized = f"{pair.difference:+z.3f} {between}, p {pair.p:.2g}, {terminal.rows(pair.n_rows)}"
    if pair.is_early and pair.is_decided:
        sized += f", at look {pair.look} of {pair.n_looks}"
    if pair.word in ("better", "worse"):
        return f"{pair.a} is {pair.word} than {pair.b}: {sized}"
    if pair.word == "tied":
        return f"{pair.a} and {pair.b} are tied within {pair.margin}: {sized}"
    more = "" if pair.n_more is None else f": needs about {round_up(pair.n_more):,} more rows"
    close = " (the interval clears 0, the exact test does not yet)" if pair.is_close else ""
    return f"{pair.a} and {pair.b}: can't be told yet{more}: {sized}{close}"
