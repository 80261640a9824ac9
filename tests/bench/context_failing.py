"""A summarizer that fails always, or hangs: what requests feel of it, and what their prompts still hold.

Run as `python -m tests.bench.context_failing`. The shipped demo conversations go through a whole well with a window
of 700 tokens; then each question is asked, of a tier that answers at once. Evidence recall is that of the prompts
that this tier was sent. Wall-clock times of the asks.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from stepwell import Stepwell
from stepwell.base.errors import StepwellError
from stepwell.base.messages import Answer, Choice, Message, Usage
from stepwell.base.request import ChatRequest
from stepwell.base.tokens import count_messages
from stepwell.evals.context.survive import Judge
from stepwell.evals.context.talk import Talk
from stepwell.testing import FakeTier
from tests.bench.context_pack import demo
from tests.house import NO_CACHE, QUICK

N_WINDOW, N_REPLY = 700, 100


async def writes(summary: str, lines: list[str], max_tokens: int) -> str:
    """As a good model would: a line of each, up to the bound."""
    return "\n".join([summary, *lines])[-3 * max_tokens :]


async def fails(summary: str, lines: list[str], max_tokens: int) -> str:
    raise RuntimeError("down")


async def hangs(summary: str, lines: list[str], max_tokens: int) -> str:
    await asyncio.sleep(60)
    return ""


def noted(request: ChatRequest) -> Answer:
    """Counts the prompt as the provider would."""
    usage = Usage(count_messages(request.messages, model="gpt-4o"), 1)
    return Answer([Choice(Message("assistant", "Noted."), finish_reason="stop")], usage=usage)


WAYS = ("extract", "off", "writes", "fails", "hangs")


def well(tier: FakeTier, way: str, folder: Path) -> Stepwell:
    own = way if way in ("extract", "off") else f"tests.bench.context_failing:{way}"
    wanted = {
        "model": "openai/gpt-4o",
        "window_tokens": N_WINDOW,
        "max_output_tokens": N_REPLY,
        "usd_per_1m_input": 1.0,
        "usd_per_1m_output": 2.0,
        "quality": 0.9,
    }
    return Stepwell(
        tiers={"only": wanted},
        backends={"only": tier},
        cache=NO_CACHE,
        guards={"input": [], "output": []},
        dispatch=QUICK,
        promises={"min_p_ok": 0},
        context={
            "path": str(folder / f"{way}.sqlite3"),
            "reserve_tokens": N_REPLY,
            "summary": own,
            "summary_tokens": 60,
            "summary_batch_tokens": 400,
            "summary_timeout_s": 60,
        },
    )


@dataclass
class Found:
    """Times of asks, evidence recall of each question, failed requests, and what closing took."""

    times_ms: list[float] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)
    n_failed: int = 0
    close_s: float = 0.0


async def asked(way: str, folder: Path) -> Found:
    """All questions of all conversations, with that summarizer."""
    tier = FakeTier(noted)
    found = Found()
    one = well(tier, way, folder)
    for talk in demo():
        await _told(one, talk)
        judge = Judge(talk)
        for question in talk.questions:
            began_s = time.perf_counter()
            try:
                await one.conversation(talk.id).achat(question.text)
            except StepwellError:
                found.n_failed += 1
            found.times_ms.append((time.perf_counter() - began_s) * 1e3)
            found.recalls.append(judge.kept(question, _text(tier.requests[-1])).recall)
    began_s = time.perf_counter()
    await one.aclose()
    found.close_s = time.perf_counter() - began_s
    return found


async def _told(one: Stepwell, talk: Talk) -> None:
    """Tell the talk, and wait until it is embedded; summaries are not waited for."""
    held = one.conversation(talk.id)
    user = talk.turns[0].speaker
    said = [
        {"role": "user" if t.speaker == user else "assistant", "content": t.said, "name": t.speaker}
        for t in talk.turns
    ]
    for at in range(0, len(said), 10):
        await held.aappend(said[at : at + 10])
    while not all(turn.mark for turn in (await held.apast()).turns):  # noqa: ASYNC110 - it is another's work
        await asyncio.sleep(0.2)


def _text(request: ChatRequest) -> str:
    return "\n".join(f"{m.name or m.role}: {m.text}" for m in request.messages)


def main() -> None:
    print(
        f"{'summarizer':10} {'asks':>5} {'failed':>7} {'recall':>7} {'p50 ms':>7} {'p99 ms':>7} {'closed in s':>12}"
    )
    with TemporaryDirectory() as folder:
        for way in WAYS:
            found = asyncio.run(asked(way, Path(folder)))
            times = sorted(found.times_ms)
            recall = sum(found.recalls) / len(found.recalls)
            p50, p99 = times[len(times) // 2], times[int(0.99 * len(times))]
            figures = f"{found.n_failed:7} {recall:7.3f} {p50:7.1f} {p99:7.1f} {found.close_s:12.2f}"
            print(f"{way:10} {len(times):5} {figures}", flush=True)


if __name__ == "__main__":
    main()
