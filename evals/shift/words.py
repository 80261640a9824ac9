"""A report of drift in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from stepwell.evals.shift.alarm import Alarm
from stepwell.evals.shift.effects import ClassShift, NumberShift
from stepwell.evals.shift.energy import Energy
from stepwell.evals.shift.report import Shift, ShiftReport

_SMALL, _LARGE = 0.11, 0.43  # |2 AUC - 1| of Cohen's d = 0.2 and 0.8


def told(report: ShiftReport, *, n_shown: int = 8) -> Iterator[str]:
    """Line by line: the verdict, when the alarm went off, what moved, what it means for the tiers."""
    yield f"{_verdict(report)} ({report.n_recent:,} recent requests against {report.n_reference:,})"
    if report.word == "too few rows":
        return
    if report.alarm is not None:
        yield _alarm(report.alarm)
    moved = report.moved
    if not moved:
        yield "nothing moved beyond chance"
    for shift in moved[:n_shown]:
        yield f"  {size(shift):6}  {moved_by(shift)}"
    if len(moved) > n_shown:
        yield f"  and {len(moved) - n_shown} more"
    yield from _meant(report)
    if report.answers is not None:
        yield f"answers: {report.answers.why}"


def _verdict(report: ShiftReport) -> str:
    least = f"{report.min_effect:g}"
    match report.word:
        case "drift":
            return f"drift: the alarm went off, and something moved by {least} or more"
        case "unsure":
            return f"unsure: something moved by {least} or more, but no alarm has gone off yet; more rows will tell"
        case "no drift" if report.alarm is not None and report.alarm.is_on:
            return (
                f"no drift of note: traffic is no longer the same (the alarm went off), but nothing moved by {least} "
                f"or more, and that decides (--min-effect)"
            )
        case "no drift":
            return f"no drift of note: nothing moved by {least} or more beyond chance"
        case "too few rows":
            return "too few rows to compare"
    assert_never(report.word)


def _alarm(alarm: Alarm) -> str:
    if alarm.row is not None:
        return f"alarm at row {alarm.row:,}, most by {alarm.loudest} (odds of a false one: {alarm.alpha:.0%} at most)"
    few = "; few reference rows slow it down" if alarm.n_reference_a_row < 1 else ""
    return f"no alarm in {alarm.n_rows:,} rows: wealth rose to {alarm.most:.1f} of {1 / alarm.alpha:g}{few}"


def size(shift: Shift) -> str:
    """The effect in a word, by Cohen's bounds."""
    return "small" if shift.effect < 2 * _SMALL else "medium" if shift.effect < _LARGE else "large"


def moved_by(shift: Shift) -> str:
    """One finding, with its interval."""
    match shift:
        case NumberShift(what="together"):
            return f"{shift.name}: recent requests are told from earlier with AUC {shift.auc:.2f} {_between(shift)}"
        case NumberShift():
            name = f"p_ok of {shift.name}" if shift.what == "p_ok" else shift.name
            by = f"d {shift.d:+.2f} ({shift.d_low:+.2f} to {shift.d_high:+.2f}), AUC {shift.auc:.2f} {_between(shift)}"
            return f"{name}: {shift.reference:.3g} -> {shift.recent:.3g}; {by}"
        case ClassShift():
            share = f"most {shift.moved}, {shift.reference:.1%} -> {shift.recent:.1%}"
            return (
                f"{shift.name}: {shift.tv:.1%} changed ({shift.tv_low:.1%} to {shift.tv_high:.1%}); {share}"
            )
        case Energy():
            return f"{shift.name}: energy distance {shift.share:.3f}, by chance {shift.chance:.3f}"
    assert_never(shift)


def _between(shift: NumberShift) -> str:
    return f"({shift.auc_low:.2f} to {shift.auc_high:.2f})"


def _meant(report: ShiftReport) -> Iterator[str]:
    """What it means for the tiers; those that it means nothing for are said at once."""
    moved = [tier for tier in report.p_ok if tier.adjusted_p <= report.alpha]
    yield from map(_meaning, moved)
    if len(moved) < len(report.p_ok):
        of = "the other tiers" if moved else "every tier"
        yield f"the router expects as much of {of} as before"


def _meaning(tier: NumberShift) -> str:
    change = f"from {tier.reference:.3f} to {tier.recent:.3f} on average"
    word = "less" if tier.recent < tier.reference else "more"
    return f"tier {tier.name}: the router expects {word} of it, p_ok {change}"
