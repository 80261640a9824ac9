"""Cascades through the whole house: who is asked, who pays, what is told."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell import AllTiersFailed, BudgetExceeded, StepwellError
from stepwell.base.decisions import CascadePlan, Decision
from stepwell.base.errors import TierUnavailable
from stepwell.base.request import ChatRequest
from stepwell.router.tiers.base import Completed
from stepwell.testing import FakeTier
from tests.house import CHEAP, DEAR, QUICK, n_in_flight, read, records_of
from tests.support.ladders import ASK, OTHER, cascading, confident, cost_of, well_of


async def test_nothing_looks_at_answers_unless_it_is_asked_to() -> None:
    async with well_of(FakeTier()) as well:
        assert well.pipeline.ladder is None
    async with well_of(FakeTier(), routing={"confidence": "on"}) as well:
        assert well.pipeline.ladder is None  # nothing is calibrated


async def test_what_cheap_tiers_agree_on_is_served_and_both_are_paid() -> None:
    cheap, other, dear = FakeTier("The answer is 12."), FakeTier("12"), FakeTier("13")
    async with cascading(cheap, other, dear) as well:
        records = records_of(well)
        reply = await well.achat(ASK)
        spent = well.pipeline.ledger.spent_usd()
    assert (reply.text, reply.tier, len(dear.requests)) == ("The answer is 12.", "cheap", 0)
    assert reply.cost_usd == pytest.approx(cost_of(cheap, CHEAP, 4) + cost_of(other, OTHER))
    assert spent == pytest.approx(reply.cost_usd, abs=1e-8)
    assert records[0].cost_usd == reply.cost_usd
    assert reply.usage.completion_tokens == 5
    assert sorted(a.tier for a in reply.trace.attempts) == ["cheap", "other"]
    assert not reply.trace.escalations
    assert "2 opinions: agree" in reply.why


async def test_where_they_disagree_a_dear_tier_decides_and_all_three_are_paid() -> None:
    cheap, other, dear = FakeTier("12"), FakeTier("13"), FakeTier("12")
    async with cascading(cheap, other, dear) as well:
        reply = await well.achat(ASK)
        spent = well.pipeline.ledger.spent_usd()
    opinions = cost_of(cheap, CHEAP) + cost_of(other, OTHER)
    assert (reply.text, reply.tier) == ("12", "dear")
    assert reply.cost_usd == pytest.approx(opinions + cost_of(dear, DEAR))
    assert spent == pytest.approx(reply.cost_usd, abs=1e-8)
    (step,) = reply.trace.escalations
    assert (step.from_tier, step.to_tier, step.why) == ("cheap", "dear", "disagree")
    assert step.cost_usd == pytest.approx(opinions)
    assert "escalated from cheap to dear: disagree" in reply.why


async def test_whether_the_dear_tier_says_the_same_is_an_outcome_of_each_opinion() -> None:
    labels: list[Any] = []
    async with confident(cascading(FakeTier("12"), FakeTier("13"), FakeTier("= 12")), {}, labels) as well:
        await well.achat(ASK)
    assert sorted(labels) == [("cheap", 1.0, "cascade", "disagree"), ("other", 0.0, "cascade", "disagree")]


async def test_both_opinions_are_under_way_at_once() -> None:
    both = asyncio.Barrier(2)

    class Meeting(FakeTier):
        async def complete(self, request: ChatRequest) -> Completed:
            await both.wait()
            return await super().complete(request)

    async with cascading(Meeting("12"), Meeting("12")) as well:
        async with asyncio.timeout(10):
            assert (await well.achat(ASK)).tier == "cheap"


async def test_a_tier_asked_twice_hears_it_in_other_words() -> None:
    cheap = FakeTier("12")
    plan = CascadePlan(("cheap", "cheap"), "number", 0.5, ("dear",))
    async with cascading(cheap, plan=plan) as well:
        reply = await well.achat(ASK, seed=4)
    first, second = cheap.requests
    assert (first.wire.seed, second.wire.seed) == (4, 5)
    assert [m.role for m in second.messages] == ["system", "user"]
    assert first.messages == second.messages[1:]
    assert reply.cost_usd == pytest.approx(cost_of(cheap, CHEAP))


async def test_a_failed_opinion_is_a_disagreement() -> None:
    cheap, dear = FakeTier("12"), FakeTier("12")
    async with cascading(cheap, FakeTier(TierUnavailable("gone", tier="other")), dear) as well:
        reply = await well.achat(ASK)
    assert reply.tier == "dear"
    assert [(a.tier, a.outcome) for a in reply.trace.attempts if a.outcome != "ok"] == [
        ("other", "tier_unavailable")
    ]


async def test_an_opinion_that_hangs_leaves_time_for_the_dear_tier() -> None:
    hanging, dear = FakeTier("12", delay_s=60), FakeTier("12")
    async with cascading(FakeTier("12"), hanging, dear) as well:
        reply = await well.achat(ASK, timeout_s=0.5)
    assert reply.tier == "dear"
    assert hanging.n_cancelled == 1


async def test_who_leaves_takes_every_call_along_and_pays_their_bounds() -> None:
    cheap, other = FakeTier("12", delay_s=60), FakeTier("12", delay_s=60)
    async with cascading(cheap, other) as well:
        records = records_of(well)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await well.achat(ASK)
        spent = well.pipeline.ledger.spent_usd()
        assert n_in_flight(well) == 0
    assert (cheap.n_cancelled, other.n_cancelled) == (1, 1)
    assert spent >= 100 * (2 + 3) * 1e-6
    assert [r.status for r in records] == [499]
    assert records[0].cost_usd == pytest.approx(spent, abs=1e-8)


async def test_an_answer_that_came_before_the_caller_left_is_paid_as_it_was() -> None:
    cheap, other = FakeTier("12"), FakeTier("12", delay_s=60)
    async with cascading(cheap, other) as well:
        records = records_of(well)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await well.achat(ASK)
    bounds = [100 * 2e-6, 100 * 3e-6]
    assert bounds[1] < records[0].cost_usd < sum(bounds)


async def test_where_the_dear_tier_fails_the_cheap_answer_comes_flagged() -> None:
    gone = FakeTier(TierUnavailable("gone", tier="dear"))
    async with cascading(FakeTier("12"), FakeTier("13"), gone) as well:
        reply = await well.achat(ASK)
    assert (reply.text, reply.is_degraded) == ("12", True)
    assert "no dearer tier can be asked" in reply.why


async def test_a_cheap_answer_under_the_floor_is_not_served_in_the_dear_tiers_place() -> None:
    def gone() -> FakeTier:
        return FakeTier(TierUnavailable("gone", tier="dear"))

    promises = {"min_p_ok": 0, "max_usd_per_day": 1000}
    tiers = {"cheap": CHEAP | {"quality": 0.01}, "other": OTHER | {"quality": 0.01}, "dear": DEAR}
    hard: dict[str, Any] = {"tiers": tiers, "promises": promises | {"min_p_ok": 0.6}}
    async with cascading(FakeTier("12"), FakeTier("13"), gone(), **hard) as well:
        with pytest.raises(AllTiersFailed):
            await well.achat(ASK)
        assert well.pipeline.ledger.spent_usd() > 0
        reply = await well.achat(ASK, below_floor="flag")
    assert (reply.text, reply.is_degraded) == ("12", True)


async def test_no_dollar_left_for_the_dear_tier_is_said() -> None:
    n_in = len(ASK) // 4 + 1
    limit = (n_in * 2.5 + 100 * 5) * 1e-6 * 1.2  # both opinions fit, the dear tier does not
    tiers = {"cheap": CHEAP | {"quality": 0.01}, "other": OTHER | {"quality": 0.01}, "dear": DEAR}
    dear = FakeTier("12")
    async with cascading(FakeTier("12"), FakeTier("13"), dear, tiers=tiers) as well:
        decide = well.pipeline.router.decide

        async def without_them(request: ChatRequest, **asks: Any) -> Decision:
            return msgspec.structs.replace(await decide(request, **asks), chain=("dear",))

        well.pipeline.router.decide = without_them  # type: ignore[method-assign]
        with pytest.raises(BudgetExceeded, match="disagree"):
            await well.achat(ASK, max_usd=limit)
    assert not dear.requests


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    says=st.tuples(*[st.sampled_from(["12", "13", "no number", "fails", "fails_billed"])] * 3),
    share=st.floats(0.05, 3),
    is_twice=st.booleans(),
)
async def test_no_request_costs_more_than_its_limit(
    says: tuple[str, str, str], share: float, is_twice: bool
) -> None:
    def fake(word: str) -> FakeTier:
        billed = TierUnavailable("x", tier="t", was_billed=word == "fails_billed")
        return FakeTier(billed if word.startswith("fails") else word)

    cheap, other, dear = map(fake, says)
    plan = CascadePlan(("cheap", "cheap" if is_twice else "other"), "number", 0.5, ("dear",))
    limit = 2100e-6 * share
    async with cascading(cheap, other, dear, plan=plan, dispatch={**QUICK, "max_retries": 1}) as well:
        try:
            reply = await well.achat(ASK, max_usd=limit)
            assert reply.cost_usd <= limit
            assert well.pipeline.ledger.spent_usd() == pytest.approx(reply.cost_usd, abs=1e-8)
        except StepwellError:
            pass
        assert well.pipeline.ledger.spent_usd() <= limit + 1e-8


async def test_a_stream_goes_along_the_chain() -> None:
    cheap, other, dear = FakeTier("12"), FakeTier("13"), FakeTier("14")
    async with cascading(cheap, other, dear) as well:
        assert await read(await well.astream(ASK)) == "12"
    assert not other.requests
