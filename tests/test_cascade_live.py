"""Cascades, checks of answers and confidence through the whole house: who is asked, who pays, what is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell import AllTiersFailed, BudgetExceeded, GuardBlocked, Stepwell, StepwellError
from stepwell.base.decisions import CascadePlan, Decision
from stepwell.base.errors import TierUnavailable
from stepwell.base.messages import Answer, Choice, Event, Message, Usage, decode_answer, decode_chunk
from stepwell.base.request import ChatRequest
from stepwell.router.cascade.confidence import N_FIRST_TOKENS, Calibration, read_signal
from stepwell.router.cascade.run import make_ladder
from stepwell.router.tiers import weights
from stepwell.router.tiers.base import Completed
from stepwell.testing import FakeTier
from tests.house import CHEAP, DEAR, NO_CACHE, QUICK, heard, n_in_flight, read, records_of

OTHER = {**CHEAP, "model": "fake/other", "usd_per_1m_input": 1.5, "usd_per_1m_output": 3.0}
CAN = {"capabilities": ["json_schema", "logprobs"]}
PLAN = CascadePlan(("cheap", "other"), "number", 0.5, ("dear",))
ASK = "What is 7 + 5?"
LOCAL = "smollm2-135m-instruct"
JSON = {"response_format": {"type": "json_object"}}


def well_of(
    cheap: FakeTier, other: FakeTier | None = None, dear: FakeTier | None = None, **sections: Any
) -> Stepwell:
    plain: dict[str, Any] = {
        "tiers": {"cheap": CHEAP | CAN, "other": OTHER | CAN, "dear": DEAR | CAN},
        "cache": NO_CACHE,
        "guards": {"input": [], "output": []},
        "dispatch": QUICK,
        "promises": {"min_p_ok": 0, "max_usd_per_day": 1000},
    }
    fakes = {"cheap": cheap, "other": other or FakeTier("other"), "dear": dear or FakeTier("dear")}
    return Stepwell(backends=fakes, **{**plain, **sections})


def cascading(*fakes: FakeTier, plan: CascadePlan = PLAN, **sections: Any) -> Stepwell:
    """A well whose router plans `plan` for every request."""
    well = well_of(*fakes, routing={"cascade": "on"}, **sections)
    decide = well.pipeline.router.decide

    async def decide_so(request: ChatRequest, **asks: Any) -> Decision:
        return msgspec.structs.replace(await decide(request, **asks), cascade=plan)

    well.pipeline.router.decide = decide_so  # type: ignore[method-assign]
    return well


def confident(well: Stepwell, known: Mapping[str, Calibration], labels: list[Any] | None = None) -> Stepwell:
    """The well with these calibrations; what checks find goes to `labels`."""
    pipeline, found = well.pipeline, [] if labels is None else labels
    ladder = make_ladder(
        well.config.routing,
        pipeline.dispatcher,
        pipeline.router.tiers,
        confidence=known,
        on_label=lambda request, label: found.append((label.tier, label.score, label.source, label.why)),
    )
    well.pipeline = replace(pipeline, ladder=ladder)
    return well


def cost_of(fake: FakeTier, price: Mapping[str, Any], n_out: int = 1) -> float:
    n_in = sum(sum(len(m.text) for m in r.messages) // 4 + 1 for r in fake.requests)
    n_asked = len(fake.requests)
    return float(n_in * price["usd_per_1m_input"] + n_asked * n_out * price["usd_per_1m_output"]) * 1e-6


async def test_nothing_looks_at_answers_unless_it_is_asked_to() -> None:
    async with well_of(FakeTier()) as well:
        assert well.pipeline.ladder is None
    async with well_of(FakeTier(), routing={"confidence": "on"}) as well:
        assert well.pipeline.ladder is None  # nothing is calibrated


# ---- opinions


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


# ---- checks


async def test_an_answer_that_fails_its_check_goes_one_tier_up() -> None:
    labels: list[Any] = []
    cheap, other, dear = FakeTier("no json"), FakeTier('{"a": 1}'), FakeTier()
    async with confident(well_of(cheap, other, dear, routing={"validators": ["json"]}), {}, labels) as well:
        reply = await well.achat(ASK, **JSON)
        spent = well.pipeline.ledger.spent_usd()
    assert (reply.text, reply.tier, len(dear.requests)) == ('{"a": 1}', "other", 0)
    (step,) = reply.trace.escalations
    assert (step.from_tier, step.to_tier, step.why) == ("cheap", "other", "json: not JSON")
    assert labels == [
        ("cheap", 0.0, "validate", "json: not JSON"),
        ("other", 1.0, "validate", "json: not JSON"),
    ]
    assert reply.cost_usd == pytest.approx(cost_of(cheap, CHEAP, 2) + cost_of(other, OTHER, 2))
    assert spent == pytest.approx(reply.cost_usd, abs=1e-8)
    assert not reply.is_degraded


async def test_where_no_answer_passes_the_last_one_comes_flagged_and_is_not_cached() -> None:
    cheap, other, dear = FakeTier("no"), FakeTier("neither"), FakeTier("{}")
    cache = {"exact": True, "semantic": "off"}
    async with well_of(cheap, other, dear, routing={"validators": ["json"]}, cache=cache) as well:
        for n in (1, 2):
            reply = await well.achat(ASK, **JSON)
            assert (reply.text, reply.tier, reply.is_degraded) == ("neither", "other", True)
            assert "in spite of json: not JSON" in reply.why
            assert len(cheap.requests) == n
    assert not dear.requests  # routing.max_escalations is 1


@pytest.mark.parametrize(("most", "tier"), [(0, "cheap"), (1, "other"), (2, "dear")])
async def test_steps_are_bounded(most: int, tier: str) -> None:
    routing = {"validators": ["json"], "max_escalations": most}
    async with well_of(FakeTier("no"), FakeTier("no"), FakeTier("{}"), routing=routing) as well:
        reply = await well.achat(ASK, **JSON)
    assert (reply.tier, len(reply.trace.escalations)) == (tier, most)
    assert reply.is_degraded == (tier != "dear")


async def test_a_pinned_tier_is_not_left() -> None:
    other = FakeTier("{}")
    async with well_of(FakeTier("no"), other, routing={"validators": ["json"]}) as well:
        reply = await well.achat(ASK, tier="cheap", **JSON)
    assert (reply.text, reply.is_degraded, other.requests) == ("no", True, [])


async def test_a_check_of_ones_own_decides_too() -> None:
    routing = {"validators": [f"{__name__}:is_long"]}
    async with well_of(FakeTier("short"), FakeTier("a longer answer"), routing=routing) as well:
        reply = await well.achat(ASK)
    assert reply.text == "a longer answer"


def is_long(request: ChatRequest, answer: Any) -> bool:
    return len(answer.text) > 8


async def test_a_guards_block_is_a_failed_check_where_that_is_wanted() -> None:
    guards = {"input": [], "output": [{"check": "email", "action": "block"}]}
    leaks, clean = FakeTier("write to a@b.example"), FakeTier("write to them")
    async with well_of(leaks, clean, guards=guards, routing={"validators": ["guard"]}) as well:
        reply = await well.achat(ASK)
        assert [e.why for e in reply.trace.escalations] == ["guard: blocked"]
    async with well_of(leaks, leaks, guards=guards, routing={"validators": ["guard"]}) as well:
        with pytest.raises(GuardBlocked):
            await well.achat(ASK)
        assert well.pipeline.ledger.spent_usd() > 0
    assert reply.text == "write to them"


async def test_a_dearer_tier_that_fails_leaves_the_answer_that_is_there() -> None:
    gone = FakeTier(TierUnavailable("gone", tier="x"))
    async with well_of(FakeTier("no"), gone, gone, routing={"validators": ["json"]}) as well:
        reply = await well.achat(ASK, **JSON)
    assert (reply.text, reply.is_degraded, reply.trace.escalations) == ("no", True, [])


async def test_an_agreed_answer_is_checked_like_any_other() -> None:
    plan = msgspec.structs.replace(PLAN, kind="short")
    async with cascading(FakeTier("no"), FakeTier("no"), FakeTier("{}"), plan=plan) as well:
        routing = well.config.routing.model_copy(update={"validators": ["json"]})
        ladder = make_ladder(routing, well.pipeline.dispatcher, well.pipeline.router.tiers)
        well.pipeline = replace(well.pipeline, ladder=ladder)
        reply = await well.achat(ASK, **JSON)
    assert (reply.text, reply.tier) == ("{}", "dear")


# ---- confidence


class Sure(FakeTier):
    """Says how sure it is of each word, where it is asked to."""

    def __init__(self, words: str, logprobs: list[float], **more: Any) -> None:
        super().__init__(words, **more)
        self._logprobs = logprobs

    async def complete(self, request: ChatRequest) -> Completed:
        done = await super().complete(request)
        if bytes(request.fields.get("logprobs", b"")) != b"true":
            return done
        body = msgspec.json.decode(done.body)
        body["choices"][0]["logprobs"] = {"content": [{"token": "x", "logprob": p} for p in self._logprobs]}
        whole = msgspec.json.encode(body)
        return Completed(whole, decode_answer(whole))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        is_asked = bytes(request.fields.get("logprobs", b"")) == b"true"
        left = list(self._logprobs)
        source = super().stream(request)
        try:
            async for events in source:
                yield [self._with(e, left) if is_asked else e for e in events]
        finally:
            await source.aclose()

    def _with(self, event: Event, left: list[float]) -> Event:
        fields = msgspec.json.decode(event.payload)
        if fields["choices"] and fields["choices"][0]["delta"].get("content") and left:
            fields["choices"][0]["logprobs"] = {"content": [{"token": "x", "logprob": left.pop(0)}]}
        payload = msgspec.json.encode(fields)
        return Event(payload, decode_chunk(payload))


# p_ok is 1/2 at a smallest log-probability of -1, and falls with it
KNOWN = {"cheap": Calibration(4.0, 4.0, accept_above=0.5)}
ON = {"confidence": "on"}


def asks(fake: FakeTier) -> list[bool]:
    return [bytes(r.fields.get("logprobs", b"")) == b"true" for r in fake.requests]


@pytest.mark.parametrize(("smallest", "tier"), [(-0.2, "cheap"), (-3.0, "other")])
async def test_a_doubtful_answer_goes_up(smallest: float, tier: str) -> None:
    labels: list[Any] = []
    cheap, other = Sure("one two", [-0.1, smallest]), Sure("three", [-9.0])
    async with confident(well_of(cheap, other, routing=ON), KNOWN, labels) as well:
        reply = await well.achat(ASK)
    assert reply.tier == tier
    assert [e.why for e in reply.trace.escalations] == ["low_confidence"] * (tier == "other")
    assert (asks(cheap), asks(other)) == ([True], [False] * (tier == "other"))
    assert msgspec.json.decode(reply.body)["choices"][0]["logprobs"] is None
    assert not labels
    assert not reply.is_degraded


async def test_a_caller_who_asks_for_log_probabilities_gets_them() -> None:
    async with confident(well_of(Sure("one two", [-0.1, -0.2]), routing=ON), KNOWN) as well:
        reply = await well.achat(ASK, logprobs=True)
    content = msgspec.json.decode(reply.body)["choices"][0]["logprobs"]["content"]
    assert [c["logprob"] for c in content] == [-0.1, -0.2]


async def test_a_tier_that_gives_none_is_not_asked_for_them() -> None:
    cheap = FakeTier("one")
    tiers = {"cheap": CHEAP | {"capabilities": []}, "other": OTHER, "dear": DEAR}
    async with confident(well_of(cheap, routing=ON, tiers=tiers), KNOWN) as well:
        assert (await well.achat(ASK)).tier == "cheap"
    assert asks(cheap) == [False]


async def test_an_answer_without_them_is_not_doubted() -> None:
    async with confident(well_of(FakeTier("one"), routing=ON), KNOWN) as well:
        assert (await well.achat(ASK)).tier == "cheap"


LONG = " ".join(f"w{i}" for i in range(4 * N_FIRST_TOKENS))


async def test_of_a_doubtful_stream_nothing_is_released() -> None:
    cheap, other = Sure(LONG, [-0.1, -3.0] + [-0.1] * 99), Sure("from the other tier", [-9.0])
    async with confident(well_of(cheap, other, routing=ON), KNOWN) as well:
        records = records_of(well)
        stream = await well.astream(ASK)
        assert await read(stream) == "from the other tier"
        spent = well.pipeline.ledger.spent_usd()
        assert n_in_flight(well) == 0
    assert (stream.tier, cheap.n_cancelled) == ("other", 1)
    (step,) = stream.trace.escalations
    assert (step.why, step.cost_usd > 0) == ("low_confidence", True)
    assert stream.reply is not None
    assert stream.reply.cost_usd == pytest.approx(step.cost_usd + cost_of(other, OTHER, 4))
    assert spent == pytest.approx(stream.reply.cost_usd, abs=1e-8)
    assert records[0].cost_usd == stream.reply.cost_usd
    assert stream.reply.usage.completion_tokens > 4
    assert step.cost_usd < cost_of(cheap, CHEAP, N_FIRST_TOKENS)  # given up at its second token


@pytest.mark.parametrize("is_asked", [False, True])
async def test_a_sure_stream_comes_whole_with_what_was_asked_for(is_asked: bool) -> None:
    n = 4 * N_FIRST_TOKENS
    cheap = Sure(LONG, [-0.1] * N_FIRST_TOKENS + [-9.0] * (n - N_FIRST_TOKENS))
    async with confident(well_of(cheap, routing=ON), KNOWN) as well:
        events = [e async for e in await well.astream(ASK, **({"logprobs": True} if is_asked else {}))]
    text = "".join(c.delta.content or "" for e in events for c in e.chunk.choices)
    choices = [c for e in events for c in msgspec.json.decode(e.payload)["choices"]]
    assert text == LONG
    assert sum(c["logprobs"] is not None for c in choices) == is_asked * n


@settings(max_examples=25, deadline=None)
@given(more=st.integers(-10, 60), is_stream=st.booleans(), n=st.integers(1, 3 * N_FIRST_TOKENS))
async def test_no_doubt_costs_more_than_the_limit(more: int, is_stream: bool, n: int) -> None:
    words = " ".join(["w"] * n)
    cheap = Sure(words, [-3.0] * n)
    # as dear as the router lets it be: the prompt as it counts it, and a hundred tokens
    dear = FakeTier(Answer([Choice(Message("assistant", "d"), 0, "stop")], usage=Usage(21, 100, 121)))
    limit = (21 * 10 + 100 * 20 + more) * 1e-6
    tiers = {"cheap": CHEAP | CAN, "dear": DEAR}
    plain: dict[str, Any] = {"cache": NO_CACHE, "guards": {"input": [], "output": []}, "dispatch": QUICK}
    promises = {"min_p_ok": 0, "max_usd_per_day": 1000}
    well = Stepwell(
        tiers=tiers, backends={"cheap": cheap, "dear": dear}, promises=promises, routing=ON, **plain
    )
    async with confident(well, KNOWN):
        if is_stream:
            stream = await well.astream(ASK, max_usd=limit)
            await read(stream)
            reply = stream.reply
        else:
            reply = await well.achat(ASK, max_usd=limit)
        spent = well.pipeline.ledger.spent_usd()
    assert reply is not None
    assert reply.cost_usd <= limit + 1e-12
    assert spent == pytest.approx(reply.cost_usd, abs=1e-8)
    assert reply.tier == ("dear" if dear.requests else "cheap")


async def test_a_doubtful_stream_is_served_where_no_other_can_be_had() -> None:
    gone = FakeTier(TierUnavailable("gone", tier="x"))
    async with confident(well_of(Sure(LONG, [-3.0]), gone, gone, routing=ON), KNOWN) as well:
        stream = await well.astream(ASK)
        assert await read(stream) == LONG
    assert stream.tier == "cheap"
    assert not stream.trace.escalations


async def test_leaving_a_held_stream_stops_the_upstream() -> None:
    cheap = Sure(LONG, [-0.1] * 99)
    async with confident(well_of(cheap, routing=ON), KNOWN) as well:
        stream = await well.astream(ASK)
        await stream.aclose()  # before the first piece is read
        other = await well.astream(ASK)
        await read(other, 2)
        await other.aclose()
        assert n_in_flight(well) == 0
    assert cheap.n_cancelled == 2
    assert len(heard) == 2


async def test_a_caller_who_leaves_between_two_streams_pays_for_the_first() -> None:
    cheap, other = Sure(LONG, [-3.0]), FakeTier("late", delay_s=60)
    async with confident(well_of(cheap, other, routing=ON), KNOWN) as well:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await well.astream(ASK)
        assert well.pipeline.ledger.spent_usd() > 0
        assert n_in_flight(well) == 0
    assert (cheap.n_cancelled, other.n_cancelled) == (1, 1)


@pytest.mark.skipif(weights.find(LOCAL) is None, reason=f"the weights of {LOCAL} are not here")
async def test_the_real_local_tier_says_how_sure_it_is() -> None:
    opposite = 'What is the opposite of "hot"? Answer with one word.'
    local = {"local": {"model": f"local/{LOCAL}", "quality": 0.1}, "dear": DEAR}
    sections: dict[str, Any] = {"cache": NO_CACHE, "guards": {"input": [], "output": []}, "routing": ON}
    promises = {"min_p_ok": 0}
    ask = {"temperature": 0, "max_tokens": 8, "timeout_s": 60}
    well = Stepwell(tiers=local, backends={"dear": FakeTier("dear")}, promises=promises, **sections)
    known = {"local": Calibration(1.0, 30.0, accept_above=0.5)}
    async with confident(well, known):
        sure = await read(await well.astream(opposite, **ask))
        told = await well.achat(opposite, tier="local", logprobs=True, **ask)
        confident(well, {"local": Calibration(1.0, -30.0, accept_above=0.5)})
        unsure = await read(await well.astream(opposite, **ask))
    assert sure == told.text
    signal = read_signal(told.body)
    assert signal is not None
    assert signal.smallest <= signal.first <= 0
    assert unsure == "dear"
