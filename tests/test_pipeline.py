"""One request through every stage: what is decided, who pays, and what is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stepwell import (
    AllTiersFailed,
    BudgetExceeded,
    QualityFloorUnmet,
    Stepwell,
    StepwellError,
)
from stepwell.base.errors import RateLimited, TierTimeout, TierUnavailable
from stepwell.base.messages import Answer, Choice, Message, Usage
from stepwell.testing import FakeTier
from tests.house import CHEAP, NO_CACHE, house, n_in_flight, read, records_of


class CountingEmbedder:
    """Counts what it embeds."""

    name = "counting"
    dim = 4

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        return np.tile(np.array([1, 0, 0, 0], np.float32), (len(texts), 1))


# ---- the trace


async def test_the_trace_has_every_stages_decision() -> None:
    guards = {"input": ["email"], "output": ["email"]}
    async with house(FakeTier("mail b@c.example"), cache={"semantic": "off"}, guards=guards) as well:
        reply = await well.achat("write to a@b.example")
    trace = reply.trace
    assert trace.guard_input is not None
    assert (trace.guard_input.action, trace.guard_input.kinds) == ("redact", ("EMAIL",))
    assert trace.cache is not None
    assert trace.cache.status == "miss"
    assert trace.context is not None
    assert trace.context.kept == (0,)
    assert trace.route is not None
    assert [e.tier for e in trace.route.estimates] == ["cheap", "dear"]
    assert [(a.tier, a.outcome) for a in trace.attempts] == [("cheap", "ok")]
    assert trace.guard_output is not None
    assert trace.guard_output.action == "redact"
    assert "b@c.example" not in reply.text
    assert trace.ms > 0


async def test_a_redacted_prompt_is_what_the_tier_gets() -> None:
    tier = FakeTier()
    async with house(tier, guards={"input": ["email"], "output": []}) as well:
        await well.achat("write to a@b.example, please")
    assert "a@b.example" not in tier.requests[0].messages[0].text


# ---- the cache


async def test_the_same_again_is_a_hit_and_costs_nothing() -> None:
    tier = FakeTier("an answer of some words")
    async with house(tier, cache={"semantic": "off"}) as well:
        first = await well.achat("What is a well?", tenant="a")
        second = await well.achat("What is a well?", tenant="a")
        other = await well.achat("What is a well?", tenant="b")
    assert (first.trace.cache and first.trace.cache.status) == "miss"
    assert second.trace.cache is not None
    assert (second.trace.cache.status, second.trace.cache.saved_usd) == ("hit", first.cost_usd)
    assert (second.text, second.cost_usd) == (first.text, 0.0)
    assert second.why == "hit of an answer by cheap"
    assert (other.trace.cache and other.trace.cache.status) == "miss"
    assert len(tier.requests) == 2


async def test_a_streamed_hit_replays_the_same_text_and_usage() -> None:
    tier = FakeTier("an answer of some words")
    async with house(tier, cache={"semantic": "off"}) as well:
        whole = await well.achat("What is a well?")
        stream = await well.astream("What is a well?", stream_options={"include_usage": True})
        events = [e async for e in stream]
    text = "".join(c.delta.content or "" for e in events for c in e.chunk.choices)
    assert text == whole.text
    assert events[-1].chunk.usage == whole.usage
    assert stream.trace.cache is not None
    assert stream.trace.cache.status == "hit"
    assert stream.reply is not None
    assert stream.reply.cost_usd == 0
    assert len(tier.requests) == 1


async def test_a_streamed_answer_is_a_hit_for_the_next_caller() -> None:
    tier = FakeTier("an answer of some words")
    async with house(tier, cache={"semantic": "off"}) as well:
        text = await read(await well.astream("What is a well?"))
        reply = await well.achat("What is a well?")
    assert reply.text == text
    assert len(tier.requests) == 1


async def test_a_hundred_who_ask_the_same_at_once_share_one_call() -> None:
    tier = FakeTier("an answer", delay_s=0.05)
    async with house(tier, cache={"semantic": "off"}) as well:
        replies = await asyncio.gather(*(well.achat("What is a well?") for _ in range(100)))
        spent = well.pipeline.ledger.spent_usd()
    assert len(tier.requests) == 1
    assert {r.text for r in replies} == {"an answer"}
    assert sum(r.cost_usd for r in replies) == pytest.approx(spent)
    assert sum(r.trace.cache is not None and r.trace.cache.status == "hit" for r in replies) == 99


async def test_who_leaves_a_shared_call_does_not_stop_it() -> None:
    tier = FakeTier("an answer", delay_s=0.1)
    async with house(tier, cache={"semantic": "off"}) as well:
        first = asyncio.create_task(well.achat("What is a well?"))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(well.achat("What is a well?"))
        await asyncio.sleep(0.02)
        first.cancel()
        assert (await second).text == "an answer"
        with pytest.raises(asyncio.CancelledError):
            await first
    assert (len(tier.requests), tier.n_cancelled) == (1, 0)


async def test_a_hurried_leader_fails_nobody_else() -> None:
    tier = FakeTier("an answer", delay_s=0.1)
    async with house(tier, tier, cache={"semantic": "off"}) as well:
        hurried = asyncio.create_task(well.achat("What is a well?", timeout_s=0.03))
        await asyncio.sleep(0.01)
        reply = await well.achat("What is a well?")
        with pytest.raises(AllTiersFailed):
            await hurried
    assert reply.text == "an answer"


# ---- money


@settings(max_examples=12, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 100), min_size=200, max_size=200), st.floats(0.0005, 0.02))
async def test_two_hundred_at_once_never_overspend(lengths: list[int], limit_usd: float) -> None:
    def reply(n: int) -> Answer:
        return Answer([Choice(Message("assistant", "x"), 0, "stop")], usage=Usage(20, n, 20 + n))

    tier = FakeTier([reply(n) for n in lengths], delay_s=0.001)
    async with house(tier, FakeTier(), promises={"min_p_ok": 0, "max_usd_per_day": limit_usd}) as well:
        made = [well.achat(f"Question {i}?", model="cheap") for i in range(200)]
        done = await asyncio.gather(*made, return_exceptions=True)
        spent = well.pipeline.ledger.spent_usd()
    paid = [r.cost_usd for r in done if not isinstance(r, BaseException)]
    assert {type(r) for r in done if isinstance(r, BaseException)} <= {BudgetExceeded}
    assert sum(paid) <= limit_usd + 1e-9
    assert spent == pytest.approx(sum(paid), abs=1e-6)


async def test_a_limit_for_one_request_holds() -> None:
    async with house(FakeTier(), FakeTier()) as well:
        with pytest.raises(BudgetExceeded):
            await well.achat("Why?", max_usd=1e-9)
        reply = await well.achat("Why?", max_usd=0.01)
    assert reply.cost_usd <= 0.01


# ---- failures


async def test_the_next_tier_answers_and_why_says_so() -> None:
    cheap, dear = FakeTier(TierUnavailable("down", tier="cheap", upstream_status=503)), FakeTier("here")
    async with house(cheap, dear) as well:
        reply = await well.achat("Why?")
    assert (reply.tier, reply.text) == ("dear", "here")
    assert reply.why.endswith("answered by dear after cheap tier_unavailable")
    assert [(a.tier, a.upstream_status) for a in reply.trace.attempts] == [("cheap", 503), ("dear", None)]


async def test_when_all_fail_each_try_is_named_and_nothing_is_paid() -> None:
    cheap = FakeTier(RateLimited("slow down", tier="cheap", retry_after_s=3))
    dear = FakeTier(TierUnavailable("down", tier="dear"))
    async with house(cheap, dear) as well:
        records = records_of(well)
        with pytest.raises(AllTiersFailed) as caught:
            await well.achat("Why?")
        assert well.pipeline.ledger.spent_usd() == 0
    assert [type(e) for e in caught.value.exceptions] == [RateLimited, TierUnavailable]
    assert caught.value.retry_after_s == 3
    assert [(r.status, r.error) for r in records] == [(503, "all_tiers_failed")]


async def test_below_the_floor_is_refused_or_flagged() -> None:
    weak = {"cheap": {**CHEAP, "quality": 0.05}}
    for below, ends in (("refuse", QualityFloorUnmet), ("flag", None)):
        promises = {"min_p_ok": 0.9, "below_floor": below}
        async with Stepwell(
            tiers=weak, backends={"cheap": FakeTier()}, promises=promises, cache=NO_CACHE
        ) as well:
            ask = "Prove that there are infinitely many primes, and derive the density of twin primes."
            if ends is not None:
                with pytest.raises(ends):
                    await well.achat(ask)
            reply = await well.achat(ask, below_floor="flag")
            assert reply.is_degraded
            assert "degraded: below the quality floor" in reply.why


async def test_a_degraded_answer_is_not_kept() -> None:
    weak = {"cheap": {**CHEAP, "quality": 0.05}}
    tier = FakeTier("a guess")
    promises = {"min_p_ok": 0.9, "below_floor": "flag"}
    async with Stepwell(
        tiers=weak, backends={"cheap": tier}, promises=promises, cache={"semantic": "off"}
    ) as well:
        for _ in range(2):
            await well.achat("Prove Fermat's last theorem.")
    assert len(tier.requests) == 2


# ---- the vector


@pytest.mark.parametrize(("semantic", "n"), [("off", 0), ("serve", 1), ("shadow", 1)])
async def test_a_request_is_embedded_once_and_only_where_a_stage_asks(semantic: str, n: int) -> None:
    embedder = CountingEmbedder()
    async with house(FakeTier("an answer"), cache={"exact": True, "semantic": semantic}) as well:
        object.__setattr__(well.pipeline, "embedder", lambda: embedder)
        await well.achat("What are the deepest wells on Earth made for?", tenant="a")
        assert well.pipeline.cache is not None
        await well.pipeline.cache.drain()
        assert len(embedder.texts) == n
        await well.achat(
            "What are the deepest wells on Earth made for?", tenant="a"
        )  # exact: no vector needed
        await well.pipeline.cache.drain()
        assert len(embedder.texts) == n


async def test_every_error_is_recorded_once_and_none_stays_in_flight() -> None:
    async with house(
        FakeTier(), guards={"input": [{"check": "email", "action": "block"}], "output": []}
    ) as well:
        records = records_of(well)
        asks: list[dict[str, Any]] = [
            {"messages": "mail a@b.example"},
            {"messages": "x", "model": "nothing"},
            {"messages": "x", "max_usd": 1e-9},
            {"messages": "word " * 20_000},
            {"messages": "fine"},
        ]
        for ask in asks:
            for open_it in (well.achat, well.astream):
                try:
                    made = await open_it(ask["messages"], **{k: v for k, v in ask.items() if k != "messages"})
                except StepwellError:
                    continue
                if not hasattr(made, "body"):
                    [e async for e in made]
        assert len(records) == 2 * len(asks)
        assert [r.error for r in records][::2] == [r.error for r in records][1::2]
        assert n_in_flight(well) == 0


@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_the_record_says_what_the_ledger_says_however_it_ends(how: str) -> None:
    """A blocked answer, a try that timed out upstream and a call that was left are all billed."""
    late = TierTimeout("late", tier="cheap", was_billed=True)
    guards = {"input": [], "output": [{"check": "email", "action": "block"}]}
    tiers = [FakeTier("mail a@b.example"), FakeTier(late), FakeTier(delay_s=60), FakeTier("fine")]
    for n, tier in enumerate(tiers):
        async with house(tier, FakeTier(late), guards=guards) as well:
            records = records_of(well)
            try:
                async with asyncio.timeout(1.0):
                    if how == "whole":
                        await well.achat("Talk.")
                    else:
                        await read(await well.astream("Talk."))
            except (StepwellError, TimeoutError):
                pass
            spent = well.pipeline.ledger.spent_usd()
        assert spent > 0, n
        assert sum(r.cost_usd for r in records) == pytest.approx(spent, abs=1e-9), n
