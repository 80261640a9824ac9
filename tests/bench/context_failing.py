"""A summarizer that fails always, or hangs: what requests feel of it, and what their prompts still hold.

Run as `python -m tests.bench.context_failing`. The shipped demo conversations, three times over, are told to a well
for each way, all in one process, with a window of 700 tokens; then each question is asked of each well, of a tier
that answers at once: four in a row, so that those after the first meet the summarizer at work, then the next well, in
an order that is drawn anew each time. Between wells what goes on in the background is awaited, but for what hangs.
Evidence recall is that of the prompts that the tier was sent. Wall-clock times of the asks and CPU of the process
meanwhile, with what goes on behind them: p50 and p99 of each, how much those are above `off`, and p50 and p99 of the
differences from `off` of the same question. `off again` shows what of all that is noise. No garbage is collected
meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from stepwell import Stepwell
from stepwell.base.errors import StepwellError
from stepwell.base.messages import Answer, Choice, Message, Usage
from stepwell.base.request import ChatRequest
from stepwell.base.tokens import count_messages
from stepwell.conversation import conversations_of
from stepwell.evals.context.survive import Judge
from stepwell.evals.context.talk import Question, Talk
from stepwell.testing import FakeTier
from tests.bench.context_pack import demo
from tests.house import NO_CACHE, QUICK

N_WINDOW, N_REPLY = 700, 100
N_TOLD, N_IN_A_ROW = 3, 4
SETTLE_S = 0.3


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


OFF = "off"
WAYS = (OFF, "off again", "extract", "writes", "fails", "hangs")


def well(tier: FakeTier, way: str, folder: Path) -> Stepwell:
    kind = way.partition(" ")[0]
    own = kind if kind in ("extract", OFF) else f"tests.bench.context_failing:{kind}"
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
class Asked:
    """One well, and what came of asking it.

    Attributes:
        times_ms, cpu_ms, recalls: Of each question, in the order in which they were asked.
        settling: What waits for its background work, where that has not ended.
    """

    one: Stepwell
    tier: FakeTier
    times_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)
    n_failed: int = 0
    close_s: float = 0.0
    settling: set[asyncio.Task[None]] = field(default_factory=set)

    async def ask(self, name: str, judge: Judge, question: Question) -> None:
        held, n_sent = self.one.conversation(name), len(self.tier.requests)
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        try:
            await held.achat(question.text)
        except StepwellError:
            self.n_failed += 1
        self.times_ms.append((time.perf_counter() - began_s) * 1e3)
        self.cpu_ms.append((time.process_time() - began_cpu_s) * 1e3)
        sent = self.tier.requests[n_sent:]
        kept = judge.kept(question, _text(sent[-1])) if sent else judge.none(question)
        self.recalls.append(kept.recall)

    async def settle(self) -> None:
        """Wait for its background work, not for long."""
        if not self.settling:
            self.settling = {asyncio.create_task(conversations_of(self.one.pipeline).drain())}
        _, self.settling = await asyncio.wait(self.settling, timeout=SETTLE_S)

    async def close(self) -> None:
        began_s = time.perf_counter()
        await self.one.aclose()
        self.close_s = time.perf_counter() - began_s
        for task in self.settling:
            task.cancel()


async def all_asked(folder: Path) -> dict[str, Asked]:
    """All questions of all conversations, of each well."""
    tiers = {way: FakeTier(noted) for way in WAYS}
    wells = {way: Asked(well(tier, way, folder), tier) for way, tier in tiers.items()}
    talks = [(f"{talk.id}-{n}", talk) for n in range(N_TOLD) for talk in demo()]
    for asked in wells.values():
        for name, talk in talks:
            await _told(asked.one, name, talk)
    draw = random.Random(0)
    gc.freeze()
    gc.disable()
    for name, talk in talks:
        judge = Judge(talk)
        for at in range(0, len(talk.questions), N_IN_A_ROW):
            for asked in draw.sample(list(wells.values()), len(wells)):
                gc.collect()
                for question in talk.questions[at : at + N_IN_A_ROW]:
                    await asked.ask(name, judge, question)
                await asked.settle()
    gc.enable()
    for asked in wells.values():
        await asked.close()
    return wells


async def _told(one: Stepwell, name: str, talk: Talk) -> None:
    """Tell the talk, and wait until it is embedded; summaries are not waited for."""
    held = one.conversation(name)
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


def _at(values: Sequence[float], share: float) -> float:
    return sorted(values)[int(share * len(values))]


def _figures(values: Sequence[float], off: Sequence[float]) -> str:
    """p50 and p99, p99 above that of `off`, p50 and p99 of the differences."""
    added = [ms - base for ms, base in zip(values, off, strict=True)]
    p99 = _at(values, 0.99)
    shown = (_at(values, 0.5), p99, p99 - _at(off, 0.99), _at(added, 0.5), _at(added, 0.99))
    return "".join(f"{ms:9.1f}" for ms in shown)


def main() -> None:
    # the well's plug-ins are of the module by its name, not of the one that runs
    from tests.bench.context_failing import all_asked

    with TemporaryDirectory() as folder:
        wells = asyncio.run(all_asked(Path(folder)))
    off = wells[OFF]
    print(f"{'summarizer':10} {'asks':>5} {'failed':>6} {'recall':>7} {'closed in s':>12}")
    for way, found in wells.items():
        recall = sum(found.recalls) / len(found.recalls)
        print(f"{way:10} {len(found.recalls):5} {found.n_failed:6} {recall:7.3f} {found.close_s:12.2f}")
    head = "".join(f"{name:>9}" for name in ("p50", "p99", "added", "diff p50", "diff p99"))
    print(f"\n{'ms':10} {'wall:':5}{head}  {'CPU:':5}{head}")
    for way, found in wells.items():
        wall, cpu = _figures(found.times_ms, off.times_ms), _figures(found.cpu_ms, off.cpu_ms)
        print(f"{way:10} {'':5}{wall}  {'':5}{cpu}")


if __name__ == "__main__":
    main()
