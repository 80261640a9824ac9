"""The parts of a cascade that runs: another asking, confidence, doubt, and what a share of a purse allows."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.assemble import answer_body, event
from stepwell.base.config.promises import PromisesConfig
from stepwell.base.decisions import Decision, TierEstimate, Trace
from stepwell.base.messages import (
    Answer,
    Choice,
    Chunk,
    ChunkChoice,
    Delta,
    Event,
    Message,
    PromptDetails,
    Usage,
)
from stepwell.base.request import NOBODY, ChatRequest
from stepwell.router.budget import Ledger
from stepwell.router.cascade.again import HINTS, N_MORE_TOKENS, asked_again
from stepwell.router.cascade.climb import Climb, added
from stepwell.router.cascade.confidence import (
    N_FIRST_TOKENS,
    Calibration,
    Signal,
    asks_logprobs,
    event_without_logprobs,
    is_doubted,
    read_events,
    read_signal,
    without_logprobs,
)
from stepwell.router.cascade.doubt import Doubt
from stepwell.router.purse import Purse

LOGPROBS = st.lists(st.floats(-30, 0), min_size=1, max_size=40)


def body_of(logprobs: list[float]) -> bytes:
    fields = msgspec.json.decode(answer_body(Answer([Choice(Message("assistant", "some words"), 0, "stop")])))
    fields["choices"][0]["logprobs"] = {"content": [{"token": "x", "logprob": p} for p in logprobs]}
    fields["choices"][0]["own_field"] = [1, None]
    return msgspec.json.encode(fields)


def chunk(part: list[float]) -> Event:
    made = event(Chunk([ChunkChoice(Delta("x" * len(part)))]))
    fields = msgspec.json.decode(made.payload)
    fields["choices"][0]["logprobs"] = {"content": [{"logprob": p} for p in part]}
    return Event(msgspec.json.encode(fields), made.chunk)


def ask(**fields: object) -> ChatRequest:
    return ChatRequest.build({"messages": [{"role": "user", "content": "hi", "own_field": 1}], **fields})


# ---- asked again


@given(st.integers(1, 5), st.none() | st.integers(0, 10**6))
def test_another_asking_keeps_all_that_was_asked(nth: int, seed: int | None) -> None:
    asked = ask(own="x", **({} if seed is None else {"seed": seed}))
    again = asked_again(asked, nth)
    assert again.messages[1:] == asked.messages
    assert again.messages[0].role == "system"
    assert msgspec.json.decode(again.fields["messages"])[1]["own_field"] == 1
    assert again.fields["own"] == asked.fields["own"]
    assert again.wire.seed == (None if seed is None else seed + nth)


def test_the_first_asking_changes_nothing() -> None:
    asked = ask()
    assert asked_again(asked, 0) is asked


def test_the_words_of_another_asking_are_paid() -> None:
    from stepwell.base.tokens import upper_bound

    for hint in HINTS:
        assert upper_bound([Message("system", hint)], None) <= N_MORE_TOKENS


# ---- confidence


@given(LOGPROBS)
def test_a_signal_reads_the_first_tokens(logprobs: list[float]) -> None:
    head = logprobs[:N_FIRST_TOKENS]
    signal = read_signal(body_of(logprobs))
    assert signal is not None
    assert (signal.first, signal.smallest, signal.n_tokens) == (head[0], min(head), len(head))
    assert min(head) - 1e-9 <= signal.mean <= max(head) + 1e-9


@given(LOGPROBS, st.integers(1, 4))
def test_a_stream_and_a_whole_answer_signal_the_same(logprobs: list[float], per_chunk: int) -> None:
    events = [chunk(logprobs[i : i + per_chunk]) for i in range(0, len(logprobs), per_chunk)]
    assert read_events(events) == read_signal(body_of(logprobs))


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"logprobs": null}]}',
        b'{"choices": [{"logprobs": {"content": null}}]}',
        b'{"choices": [{"logprobs": {"content": [{"logprob": null}]}}]}',
        b'{"choices": [{"logprobs": {"tokens": ["x"], "token_logprobs": [-1]}}]}',
        b'{"choices": [{"logprobs": [1, 2]}]}',
        b'{"choices": [{"index": 1, "logprobs": {"content": [{"logprob": -1}]}}]}',
    ],
)
def test_where_there_are_none_there_is_no_signal(body: bytes) -> None:
    assert read_signal(body) is None


@given(LOGPROBS)
def test_taking_them_out_leaves_all_else(logprobs: list[float]) -> None:
    body = body_of(logprobs)
    bare = msgspec.json.decode(without_logprobs(body))
    fields = msgspec.json.decode(body)
    assert bare["choices"][0].pop("logprobs") is None
    fields["choices"][0].pop("logprobs")
    assert bare == fields


def test_an_event_without_any_stays_as_it_is() -> None:
    made = event(Chunk([ChunkChoice(Delta("x"))]))
    assert event_without_logprobs(made) is made


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e4, 0))
def test_p_ok_is_a_probability(a: float, b: float, smallest: float) -> None:
    assert 0 <= Calibration(a, b).p_ok(Signal(smallest, smallest, smallest, 1)) <= 1


def test_p_ok_is_platts() -> None:
    assert Calibration(2.0, 1.0).p_ok(Signal(-1, -1, -1, 1)) == pytest.approx(1 / (1 + math.e))


# ---- doubt


def climb_of(request: ChatRequest, n_steps: int = 0) -> Climb:
    """A climb that is asked nothing but where it may go."""
    nothing: Any = None
    return Climb(request, decision(None), Trace("t"), 0.0, nothing, nothing, nothing, n_steps=n_steps)


def test_only_where_it_can_change_something_is_a_tier_probed() -> None:
    known = dict.fromkeys("ac", Calibration(1, 1))
    doubt = Doubt(known, 1)
    assert doubt.probe(climb_of(ask()), ("b",)) is None
    assert doubt.probe(climb_of(ask()), ("c",)) is None  # nothing is above it
    assert doubt.probe(climb_of(ask(n=2)), ("a", "b")) is None
    assert doubt.probe(climb_of(ask(), n_steps=1), ("a", "b")) is None
    probe = doubt.probe(climb_of(ask()), ("a", "b", "c"))
    assert probe is not None
    assert set(probe.requests) == {"a"}
    assert asks_logprobs(probe.requests["a"])
    assert not asks_logprobs(ask(logprobs=False))


@given(LOGPROBS, st.integers(1, 10), st.floats(0.1, 5), st.floats(-5, 5))
def test_what_is_lost_early_would_have_been_doubted_late(
    logprobs: list[float], n: int, a: float, b: float
) -> None:
    doubt, climb = Doubt({"a": Calibration(a, b)}, 1), climb_of(ask())
    probe = doubt.probe(climb, ("a",))
    assert probe is not None
    if probe.is_lost("a", [chunk(logprobs[:N_FIRST_TOKENS][:n])]):
        assert doubt.of(climb, "a", read_signal(body_of(logprobs)))


def decision(price: float | None) -> Decision:
    estimates = (
        TierEstimate("a", 0.5, 1.0, 2.0, "chosen"),
        TierEstimate("b", 0.8, 5.0, 9.0, "fallback"),
        TierEstimate("c", 0.9, 10.0, 20.0, "fallback"),
    )
    return Decision("a", ("a", "b", "c"), "test", estimates, threshold=0.6, price=price)


@pytest.mark.parametrize(("p_ok", "is_poor"), [(0.59, True), (0.61, False)])
def test_without_a_price_the_threshold_decides(p_ok: float, is_poor: bool) -> None:
    assert is_doubted(decision(None), ("b", "c"), p_ok, Calibration(1, 1)) is is_poor
    assert is_doubted(decision(None), (), p_ok, Calibration(1, 1)) is False
    assert is_doubted(decision(None), ("b",), p_ok, Calibration(1, 1, accept_above=0.9)) is True


@given(st.floats(0, 2), st.floats(0, 1))
def test_with_a_price_the_step_must_be_worth_it(price: float, p_ok: float) -> None:
    is_worth = 0.8 - price * 5 / 10 > p_ok
    if abs(0.8 - price / 2 - p_ok) > 1e-9:
        assert is_doubted(decision(price), ("b", "c"), p_ok, Calibration(1, 1)) is is_worth


# ---- money


def test_usage_adds_up() -> None:
    a, b = Usage(1, 2, 3, PromptDetails(1)), Usage(10, 20, 30)
    assert added(a, b) == Usage(11, 22, 33, PromptDetails(1))
    assert added(b, b) == Usage(20, 40, 60)


@given(
    limit=st.floats(1, 60),
    calls=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["pay", "lose", "leave", "stay"])), max_size=8
    ),
)
async def test_calls_side_by_side_never_pass_the_limit(limit: float, calls: list[tuple[str, str]]) -> None:
    plan = msgspec.structs.replace(decision(None), chain=("a",))
    bounds = {"a": 2.0, "b": 9.0, "c": 20.0}
    purse = Purse(Ledger(PromisesConfig(max_usd_per_day=50)), NOBODY, plan, limit)
    await purse.open()
    may_be_due = 0.0
    for tier, how in calls:
        share = purse.share(0.5)
        if not await share.allows(tier):
            continue
        may_be_due += bounds[tier] + 0.5
        if how == "pay":
            purse.pay(1.0)
            may_be_due -= bounds[tier] + 0.5 - 1.0
        elif how == "lose":
            share.lose(tier)
        elif how == "leave":
            may_be_due -= bounds[tier] + 0.5
        if how != "stay":
            share.close()
        assert may_be_due <= min(limit, 50) + 1e-6
