"""What a replay and a comparison of routers say, in tables and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.front.cli import terminal

if TYPE_CHECKING:
    from stepwell.evals.traffic.costs import CostChange
    from stepwell.evals.traffic.replay import ReplayReport
    from stepwell.evals.traffic.routed_report import Arm, RoutedReport, RouterVerdict
    from stepwell.evals.traffic.settle import Settle
    from stepwell.evals.verdict.pair import Pair


def tell_replay(report: ReplayReport) -> None:
    """What would change, what it would cost, and the verdict or what is missing for one."""
    print(f"{report.n_decided:,} of {report.n_logged:,} requests decided again under {report.policy}")
    for why, n in report.left_out.items():
        print(f"  left out: {n:,}, {why}")
    if not report.n_decided:
        return
    if report.n_wordless:
        print(
            f"  {report.n_wordless:,} by traits and vector alone: served, a policy that reads words may decide them "
            "otherwise (traffic.words: true, or keep: masked, makes a log exact)"
        )
    print()
    rows = [(m.old, m.new, f"{m.n:,}", f"{m.n / report.n_decided:.1%}") for m in report.moves]
    terminal.table(("was", "would be", "requests", "share"), rows)
    print(f"{report.share_changed:.1%} would go to another tier")
    print(_cost(report.cost))
    for sentence in _verdict(report):
        print(sentence)


def _cost(cost: CostChange) -> str:
    change = "" if cost.change is None else f" ({cost.change:+z.1%})"
    said = (
        f"cost: {terminal.usd(cost.old_usd)} -> {terminal.usd(cost.new_usd)}{change}, 95 %: "
        f"{terminal.usd(cost.low_usd)} to {terminal.usd(cost.high_usd)}; {cost.n_recorded:,} requests as recorded, "
        f"{cost.n_expected:,} by price and expected length"
    )
    unseen = (
        f"; no call of {', '.join(cost.unseen)} is recorded: by the price list alone" if cost.unseen else ""
    )
    return said + unseen


def _verdict(report: ReplayReport) -> list[str]:
    if report.is_in_sample:
        return [
            "no verdict: the policy learnt from these very requests, and looks better on them than it is; replay a log "
            "that is younger than the policy"
        ]
    said = []
    if report.n_in_sample:
        said.append(f"{report.n_in_sample:,} requests that the policy learnt from are no part of the verdict")
    known = f"{report.n_both:,} changed requests have scores of both tiers, {report.n_explored:,} explored ones count"
    if report.pair is not None:
        said.append(f"verdict: {_pair(report.pair, 'the logged policy')}; {known}")
    else:
        said.append(f"no verdict yet: {known}")
    if report.pair is not None and report.pair.n_more is not None and report.settle is None:
        said.append(
            f"none of these changes, but more might: {report.pair.n_more:,} more requests that the policy did not "
            f"learn from would tie it within {report.margin:g}, if none of them changes either"
        )
    return [*said, *(() if report.settle is None else _missing(report.settle))]


def _missing(settle: Settle) -> list[str]:
    calls = ", ".join(f"{c.n:,} of {c.tier} ({terminal.usd(c.usd)})" for c in settle.calls)
    said = [
        f"to settle it within {settle.margin:g} of quality over all traffic: score {settle.n_rows:,} changed requests "
        f"under both tiers; rows that stay need no call. Calls: {calls or 'none'}; {terminal.usd(settle.usd)} in all, "
        "judging apart"
    ]
    if settle.n_requests:
        said.append(
            f"this log has {settle.n_here:,} of them: about {settle.n_requests:,} more requests must be logged"
        )
    return said


def _pair(pair: Pair, other: str) -> str:
    word = {"better": "better than", "worse": "worse than", "tied": "tied with"}.get(
        pair.word, "not decided against"
    )
    sized = f"{pair.difference:+z.4f}, 95 % {pair.low:+z.4f} to {pair.high:+z.4f}"
    loss = pair.word != "tied" and pair.is_not_worse and pair.word != "better"
    within = f", within the margin of {pair.margin:g}" if loss else ""
    return f"{word} {other} ({sized}; {pair.method}, {terminal.rows(pair.n_rows)}){within}"


def tell_compared(report: RoutedReport) -> None:
    """Every arm, and each router against the others."""
    print(f"{terminal.rows(report.n_rows)}; {report.n_in_sample:,} that a router learnt from are left out")
    head = ("arm", "quality", "95 %", "$ a request", "saved", *(f"to {t}" for t in report.tiers))
    terminal.table(head, [_arm(a, len(report.tiers)) for a in report.arms])
    for router in report.routers:
        print()
        for sentence in _router(router, report.tiers):
            print(sentence)


def _arm(arm: Arm, n_tiers: int) -> tuple[str, ...]:
    shares = [f"{s:.0%}" for s in arm.shares] or [""] * n_tiers
    between = f"{arm.low:.3f} to {arm.high:.3f}"
    return (arm.name, f"{arm.quality:.3f}", between, terminal.usd(arm.cost_usd), f"{arm.saved:.0%}", *shares)


def _router(found: RouterVerdict, tiers: tuple[str, ...]) -> list[str]:
    said = [f"{found.router} is {_pair(p, p.b)}" for p in found.pairs[:-1]]
    dearest = found.pairs[-2]
    kept = {0: "keeps", 1: "does not keep"}.get(found.exit_code, "is not yet known to keep")
    said.append(f"it {kept} what it may lose against {dearest.b}: {found.margin:.4f}")
    mix = ", ".join(f"{s:.0%} {t}" for s, t in zip(found.mix, tiers, strict=True) if s > 0)
    gain, low, high = found.gain
    said.append(f"against a random mix at its cost ({mix}): {gain:+z.4f}, 95 % {low:+z.4f} to {high:+z.4f}")
    if not found.is_worth_it:
        said.append(
            f"so {found.router} is no better than a constant, as far as these rows show: the mix does as well and "
            "needs no router"
        )
    if found.best_tier is not None:
        said.append(f"best single tier that costs no more: {found.best_tier}")
    return said
