"""`stepwell ask`: the answer on stdout; tier, cost and why on stderr."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from stepwell.base.decisions import CacheDecision, Trace, Verdict
from stepwell.base.reply import Reply
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit
from stepwell.front.cli.inputs import config_of, prompt_of, wishes_of

if TYPE_CHECKING:
    from stepwell.well import Stepwell


def run(args: Namespace) -> int:
    reply = asyncio.run(_ask(args))
    if args.json:
        terminal.say_json(summary(reply))
        return Exit.OK
    if not args.stream:
        _write(reply.text)
    print(flush=True)
    for line in footer(reply):
        terminal.say(line)
    return Exit.OK


async def _ask(args: Namespace) -> Reply:
    config, prompt = config_of(args), prompt_of(args)
    from stepwell.well import Stepwell  # after what may be wrong with the command line

    async with Stepwell(config) as well:
        if args.stream:
            return await _stream(well, prompt, args)
        return await well.achat(prompt, **wishes_of(args))


async def _stream(well: Stepwell, prompt: str, args: Namespace) -> Reply:
    async with contextlib.aclosing(await well.astream(prompt, **wishes_of(args))) as stream:
        async for piece in stream.text_deltas():
            _write(piece)
        assert stream.reply is not None  # a stream that ended without an error has one
        return stream.reply


def _write(text: str) -> None:
    sys.stdout.write(terminal.printable(text, sys.stdout))
    sys.stdout.flush()


def footer(reply: Reply) -> list[str]:
    """Who answered, at what cost, and why: a few lines for a person."""
    about = "about " if reply.is_cost_estimated else ""
    facts = [f"tier: {reply.tier} ({reply.model})", f"cost: {about}{terminal.usd(reply.cost_usd)}"]
    if reply.trace.cache is not None:
        facts.append(f"cache: {_of_cache(reply.trace.cache)}")
    facts += [f"guard {v.stage}: {v.why}" for v in _verdicts(reply.trace) if v.action != "allow"]
    lines = ["  ".join(facts), f"why: {reply.why}"]
    if reply.is_degraded:
        lines.append("degraded: this answer is not good enough by the promise or a check")
    return lines


def _of_cache(cache: CacheDecision) -> str:
    known = []
    if cache.is_hit and cache.p_same is not None:
        known.append(f"p {cache.p_same:.3f}")
    if cache.age_s is not None:
        known.append(f"{cache.age_s:.0f} s old")
    return f"{cache.status} ({', '.join(known)})" if known else cache.status


def _verdicts(trace: Trace) -> list[Verdict]:
    return [v for v in (trace.guard_input, trace.guard_output) if v is not None]


def summary(reply: Reply) -> dict[str, object]:
    """The reply as one JSON object, with what every stage decided."""
    cache = reply.trace.cache
    return {
        "text": reply.text,
        "tier": reply.tier,
        "model": reply.model,
        "cost_usd": reply.cost_usd,
        "is_cost_estimated": reply.is_cost_estimated,
        "is_degraded": reply.is_degraded,
        "why": reply.why,
        "cache": None if cache is None else cache.status,
        "guards": {v.stage: v.why for v in _verdicts(reply.trace)},
        "usage": reply.usage,
        "trace": reply.trace,
    }
