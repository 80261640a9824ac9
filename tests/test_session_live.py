"""A conversation through the whole house: its tier, and its feedback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stepwell import Stepwell
from stepwell.testing import FakeTier
from tests.house import CHEAP, DEAR, NO_CACHE, QUICK

HARD = {"role": "user", "content": "Prove that there are infinitely many primes."}
EASY = {"role": "user", "content": "Hello there"}
PLAIN = {"role": "user", "content": "What is the capital of France?"}


def house(**more: Any) -> Stepwell:
    return Stepwell(
        tiers={
            "cheap": {**CHEAP, "quality": 0.6, "capabilities": ["tools"]},
            "dear": {**DEAR, "capabilities": ["tools"]},
        },
        backends={"cheap": FakeTier("ok"), "dear": FakeTier("OK")},
        cache=NO_CACHE,
        guards={"input": [], "output": []},
        dispatch=QUICK,
        promises={"min_p_ok": 0.5},
        **more,
    )


def step(n: int, text: str) -> list[dict[str, Any]]:
    call = {"id": f"c{n}", "type": "function", "function": {"name": "run", "arguments": str(n)}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"c{n}", "content": text},
    ]


def answered(text: str, then: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": text}, then]


async def test_a_cheap_opener_locks_nothing_and_to_go_on_stays() -> None:
    talk: list[dict[str, Any]] = [EASY]
    go_on = {"role": "user", "content": "yes, go on"}
    async with house() as well:
        tiers = [(await well.achat(talk)).tier]
        for more in (answered("Hi!", HARD), answered("Step 1. Go on?", go_on), answered("Done.", EASY)):
            talk += more
            tiers.append((await well.achat(talk)).tier)
    assert tiers == ["cheap", "dear", "dear", "cheap"]


async def test_failing_tools_raise_the_tier_and_it_stays() -> None:
    talk: list[dict[str, Any]] = [PLAIN]
    async with house() as well:
        tiers = [(await well.achat(talk)).tier]
        for n, text in enumerate(["ok", "Error: a", "ok", "Error: b", "ok", "ok"]):
            talk += step(n, text)
            assert (await well.aexplain(talk)).tier == (await well.aexplain(talk)).tier
            reply = await well.achat(talk)
            tiers.append(reply.tier)
    assert tiers == ["cheap"] * 4 + ["dear"] * 3
    assert "session: not below dear" in reply.why


async def test_every_reply_can_be_scored_streams_too(tmp_path: Path) -> None:
    async with house(feedback={"path": str(tmp_path / "o.db")}) as well:
        reply = await well.achat("Hello there")
        await well.afeedback(reply.trace.request_id, 1)
        stream = await well.astream("Hello there")
        assert [piece async for piece in stream.text_deltas()]
        await well.afeedback(stream.trace.request_id, 0.5)
        assert well.outcomes is not None
        assert [row["scores"] for row in well.outcomes.rows()] == [{"cheap": 1.0}, {"cheap": 0.5}]
