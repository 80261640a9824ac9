"""`stepwell guard audit`: sums of an audit file, and whether every bound request kept to its tiers."""

from __future__ import annotations

import time
from argparse import Namespace
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit
from stepwell.front.cli.inputs import Lines

if TYPE_CHECKING:
    from stepwell.guards.audit_report import AuditReport


def run(args: Namespace) -> int:
    """Exit code 1: a request that was bound to tiers reached another, or the file proves nothing."""
    from stepwell.guards.audit_report import report_of

    report = report_of(Lines(args.file), kind=args.kind)
    if args.json:
        terminal.say_json(_told(report))
    else:
        _print(report)
    return Exit.OK if report.is_proof else Exit.NO


def _told(report: AuditReport) -> dict[str, object]:
    return {
        "n_requests": report.n_requests,
        "n_unreadable": report.n_unreadable,
        "n_bound": report.n_bound,
        "actions": [{"stage": s, "action": a, "n": n} for (s, a), n in sorted(report.actions.items())],
        "findings": [
            {"check": c, "kind": k, "action": a, "n": n} for (c, k, a), n in sorted(report.findings.items())
        ],
        "tenants": dict(report.tenants.most_common()),
        "failed": dict(report.failed.most_common()),
        "astray": report.astray,
    }


def _print(report: AuditReport) -> None:
    verdicts = [(stage, action, f"{n:,}") for (stage, action), n in sorted(report.actions.items())]
    terminal.table(("stage", "action", "requests"), verdicts)
    found = [(c, k, a, f"{n:,}") for (c, k, a), n in sorted(report.findings.items())]
    if found:
        print()
        terminal.table(("check", "found", "action", "times"), found)
    if report.failed:
        print()
        terminal.table(("failed check", "requests"), [(e, f"{n:,}") for e, n in report.failed.most_common()])
    print()
    terminal.table(("tenant (hash)", "requests"), [(t, f"{n:,}") for t, n in report.tenants.most_common()])
    print()
    _print_proof(report)


def _print_proof(report: AuditReport) -> None:
    for one in report.astray:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.ts_s))
        to, reached = ", ".join(one.keep_to), ", ".join(one.reached)
        print(f"fail: {one.request_id} ({at}) is bound to {to or 'no tier'}, and reached {reached}")
    n = len(report.astray)
    said = "none reached another tier" if n == 0 else f"{n:,} reached another tier"
    print(f"{report.n_requests:,} requests, {report.n_bound:,} bound to tiers: {said}")
    if report.n_unreadable:
        terminal.say(f"{report.n_unreadable:,} lines are none of an audit's, or were cut: they prove nothing")
    if not report.n_lines:
        terminal.say("no line of an audit was found: nothing is proved")
