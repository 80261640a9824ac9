"""`stepwell explain`: which tier would answer, and why. Calls none."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Sequence

from stepwell.base.decisions import Decision, TierEstimate
from stepwell.base.errors import Unroutable
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit
from stepwell.front.cli.inputs import config_of, prompt_of, wishes_of


def run(args: Namespace) -> int:
    try:
        decision = asyncio.run(_decide(args))
    except Unroutable as e:
        return _refused(e, as_json=args.json)
    if args.json:
        terminal.say_json({"why": decision.why, **_fields(decision)})
    else:
        _table(decision.estimates)
        print(f"why: {terminal.printable(decision.why, sys.stdout)}")
        print(_measures(decision))
        if decision.need is not None:
            print(_learned(decision))
    return Exit.OK


def _refused(error: Unroutable, *, as_json: bool) -> int:
    """Why no tier would be asked, and how each looked."""
    if as_json:
        terminal.say_json({"error": error.code, "message": str(error), "estimates": error.estimates})
    elif error.estimates:
        _table(error.estimates)
    terminal.say(f"stepwell: {error}")
    return Exit.REFUSED


def _table(estimates: Sequence[TierEstimate]) -> None:
    terminal.table(("tier", "p(ok)", "cost", "at most", "status"), [_row(e) for e in estimates])
    print()


async def _decide(args: Namespace) -> Decision:
    config, prompt = config_of(args), prompt_of(args)
    from stepwell.well import Stepwell

    async with Stepwell(config) as well:
        return await well.aexplain(prompt, **wishes_of(args))


def _fields(decision: Decision) -> dict[str, object]:
    return {name: getattr(decision, name) for name in Decision.__struct_fields__}


def _row(e: TierEstimate) -> tuple[str, ...]:
    p_ok = "-" if e.p_ok is None else f"{e.p_ok:.2f}"
    return (e.tier, p_ok, terminal.usd(e.cost_usd), terminal.usd(e.max_cost_usd), e.status)


def _measures(decision: Decision) -> str:
    floor = "none" if decision.threshold is None else f"{decision.threshold:.2f}"
    saved = decision.saved_usd
    saving = "not measured" if saved is None else ("-" if saved < 0 else "") + terminal.usd(abs(saved))
    tokens = f"about {decision.n_input_tokens} tokens in, {decision.n_output_tokens} out"
    return f"threshold: {floor}; {tokens}; saved: {saving}"


def _learned(decision: Decision) -> str:
    """What a learned policy knows of this request beside p(ok)."""
    parts = [f"need for the dearest tier: {decision.need:.0%} of known traffic needs it less"]
    if decision.price is not None:
        parts.append(f"price: {decision.price:.3g} of quality for a whole dearest call")
    if decision.novelty is not None:
        parts.append(f"novelty: {decision.novelty:.0%} of known traffic is nearer to its like")
    if decision.nearest:
        parts.append(f"nearest known: {', '.join(decision.nearest)}")
    if decision.budget:
        parts.append(f"budget: {decision.budget}")
    return "\n".join(parts)
