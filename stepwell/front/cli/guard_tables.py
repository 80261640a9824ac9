"""What `stepwell guard tune` and `report` show a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal

if TYPE_CHECKING:
    from stepwell.guards.calibrate.tune import Share, SourceLine, TunedReport

_HEAD = ("", "rows", "n", "shipped", "95 % interval", "tuned", "95 % interval")


def show_tuned(reports: Sequence[TunedReport], confidence: float, promise: str) -> None:
    """For each check the threshold, what it promises, and the rows at it."""
    for r in reports:
        c = r.cut
        print(
            f"{r.check}: threshold {_score(c.threshold)} (shipped {_score(r.shipped)}) on {c.n_honest:,} honest texts"
        )
        print(f"  {_promise(r, confidence, promise)}")
        if c.rests_on == "tail":
            print(
                f"  too few to promise {c.false_blocks:.2%} so: the threshold lies above every one of them; "
                f"{c.rows_wanted:,} would settle it"
            )
        _table(r.lines)


def show_use(reports: Sequence[TunedReport], path: str, budget: float, configured: float) -> None:
    """What to write into the configuration, so that the budget that was asked for holds, not the configured one."""
    terminal.say("to use it, write into stepwell.yaml:")
    terminal.say(f"  guards: {{thresholds: {path}}}")
    if budget != configured:
        terminal.say(f"  promises: {{max_false_blocks: {budget:g}}}")
        terminal.say("or, instead of that promise, where the checks stand:")
        for report in reports:
            terminal.say(f"  {{check: {report.check}, false_blocks: {budget:g}}}")


def show_report(
    found: Sequence[tuple[str, float, float | None, Sequence[SourceLine]]], budget: float
) -> None:
    """For each check both thresholds, and the rows at them."""
    print(f"for a budget of {budget:.2%}")
    for check, shipped, tuned, lines in found:
        own = "not tuned" if tuned is None else f"tuned {_score(tuned)}"
        print(f"{check}: shipped {_score(shipped)}, {own}")
        _table(lines)


def _promise(report: TunedReport, confidence: float, promise: str) -> str:
    c = report.cut
    kept = f"at most {c.promised:.2%} of new honest texts with {confidence:.0%} confidence"
    within = f"within {c.false_blocks:.2%} with {c.confidence:.0%}"
    if promise == "mean" and c.rests_on == "rows":
        return f"within {c.false_blocks:.2%} on average over samples like this one; {kept}; {within}"
    return f"{kept}; {within}"


def _table(lines: Sequence[SourceLine]) -> None:
    terminal.table(
        _HEAD,
        [
            (
                "recall" if x.label else "false blocks",
                x.source,
                f"{x.shipped.n:,}",
                *_cells(x.shipped),
                *_cells(x.tuned),
            )
            for x in lines
        ],
    )


def _cells(share: Share) -> tuple[str, str]:
    return f"{share.share:.2%}", f"{share.low:.2%} to {share.high:.2%}"


def _score(threshold: float) -> str:
    return "above 1: never" if threshold > 1 else f"{threshold:.4f}"
