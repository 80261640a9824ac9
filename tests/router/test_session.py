"""The tier of a conversation: rises within a task, falls with a new one where that pays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.request import ChatRequest
from stepwell.router.session import Advice, SessionState, Trouble
from stepwell.router.switch import expected_usd, pays_to_fall, switch_cost_usd
from stepwell.router.tierinfo import TierInfo
from stepwell.router.turns import Turn, read_turn


def tier(name: str, usd: float, cached_usd: float | None = None) -> TierInfo:
    return TierInfo(name, (f"p/{name}",), 0.5, None, None, frozenset(), usd, cached_usd, 4 * usd, None, False)


LOCAL, STANDARD, PREMIUM = tier("local", 0.0), tier("standard", 0.4, 0.1), tier("premium", 2.0, 0.2)
TIERS = (LOCAL, STANDARD, PREMIUM)
ASK = {"role": "user", "content": "Rename the class Foo in all files."}
Messages = list[dict[str, Any]]


def step(n: int, text: str = "ok", arguments: str | None = None) -> Messages:
    """One tool call and its result."""
    function = {"name": "run", "arguments": f'{{"n": {n}}}' if arguments is None else arguments}
    call = {"id": f"c{n}", "type": "function", "function": function}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"c{n}", "content": text},
    ]


def asks(text: str, answer: str = "Done.") -> Messages:
    return [{"role": "assistant", "content": answer}, {"role": "user", "content": text}]


def turn(messages: Messages, session: str | None = None) -> Turn:
    return read_turn(ChatRequest.build({"messages": messages}), session=session)


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def state(clock: Clock | None = None, **more: Any) -> SessionState:
    return SessionState(TIERS, clock=clock or Clock(), **more)


def used(sessions: SessionState, messages: Messages, tier: str, n_input_tokens: int = 3000) -> None:
    sessions.settle(turn(messages), tier, n_input_tokens=n_input_tokens)


# ---- within a task


def test_within_a_task_it_does_not_fall() -> None:
    sessions = state()
    used(sessions, [ASK], "standard")
    advice = sessions.advise(turn([ASK, *step(1)]))
    assert advice.min_tier == "standard"
    assert advice.is_tool_loop
    assert advice.reasons == ("session: not below standard within a task",)


def test_to_go_on_stays_in_the_task() -> None:
    sessions = state()
    used(sessions, [ASK], "premium")
    assert sessions.advise(turn([ASK, *asks("yes, go on")])).min_tier == "premium"


def test_a_new_conversation_gets_no_advice() -> None:
    sessions = state()
    used(sessions, [ASK], "premium")
    assert sessions.advise(turn([ASK])) == Advice()


def test_a_cheap_opener_locks_nothing() -> None:
    sessions, opener = state(), {"role": "user", "content": "Hello there"}
    used(sessions, [opener], "local")
    hard = [opener, *asks("Prove that there are infinitely many primes.", "Hi!")]
    advice = sessions.advise(turn(hard))
    assert (advice.min_tier, advice.keeps) == (None, "local")
    used(sessions, hard, "premium")
    assert sessions.advise(turn([*hard, *step(1)])).min_tier == "premium"


def test_a_fallback_below_does_not_lower_the_task() -> None:
    sessions = state()
    used(sessions, [ASK], "premium")
    used(sessions, [ASK, *step(1)], "standard")
    assert sessions.advise(turn([ASK, *step(1), *step(2)])).min_tier == "premium"


# ---- tools in trouble


def test_two_failed_results_raise_by_one() -> None:
    sessions = state()
    used(sessions, [ASK], "local")
    troubled = [ASK, *step(1, "Error: a"), *step(2), *step(3, "Error: b")]
    assert sessions.advise(turn(troubled[:5])).min_tier == "local"
    advice = sessions.advise(turn(troubled))
    assert advice.min_tier == "standard"
    assert advice.reasons[0] == "2 tool failures in this task"


def test_a_retry_of_the_same_request_does_not_climb_on() -> None:
    sessions = state()
    used(sessions, [ASK], "local")
    troubled = [ASK, *step(1, "Error: a"), *step(2, "Error: b")]
    for _ in range(5):
        assert sessions.advise(turn(troubled)).min_tier == "standard"
        used(sessions, troubled, "standard")
    more = [*troubled, *step(3, "Error: c"), *step(4, "Error: d")]
    assert sessions.advise(turn(more)).min_tier == "premium"
    used(sessions, more, "premium")
    most = [*more, *step(5, "Error: e"), *step(6, "Error: f")]
    assert sessions.advise(turn(most)).min_tier == "premium"


def test_a_raise_that_could_not_be_had_is_asked_for_again() -> None:
    sessions = state()
    used(sessions, [ASK], "local")
    troubled = [ASK, *step(1, "Error: a"), *step(2, "Error: b")]
    used(sessions, troubled, "local")
    assert sessions.advise(turn([*troubled, *step(3)])).min_tier == "standard"


def test_far_apart_failures_raise_nothing() -> None:
    sessions = state()
    used(sessions, [ASK], "local")
    calm = [m for i in range(2, 12) for m in step(i)]
    assert (
        sessions.advise(turn([ASK, *step(1, "Error: a"), *calm, *step(12, "Error: b")])).min_tier == "local"
    )


def test_the_same_call_failing_again_raises() -> None:
    sessions = SessionState(TIERS, trouble=Trouble(n_failures=9), clock=Clock())
    used(sessions, [ASK], "local")
    failing = [ASK, *step(1, "Error: a", "{}"), *step(2, "ok"), *step(3, "Error: other words", "{}")]
    advice = sessions.advise(turn(failing))
    assert advice.min_tier == "standard"
    assert advice.reasons[0] == "the same tool call failed again in this task"


@pytest.mark.parametrize(("n", "least"), [(2, "local"), (3, "standard")])
def test_identical_calls_raise(n: int, least: str) -> None:
    sessions = state()
    used(sessions, [ASK], "local")
    same = [m for i in range(n) for m in step(i, f"still {i}", "{}")]
    assert sessions.advise(turn([ASK, *same])).min_tier == least


def test_the_same_call_with_work_between_is_no_trouble() -> None:
    sessions = state()
    used(sessions, [ASK], "local")
    work = [m for i in range(0, 8, 2) for m in (*step(i, f"{i} passed", "{}"), *step(i + 1))]
    assert sessions.advise(turn([ASK, *work])).min_tier == "local"


def test_a_process_that_knows_no_session_still_sees_the_trouble() -> None:
    advice = state().advise(turn([ASK, *step(1, "Error: a"), *step(2, "Error: b")]))
    assert (advice.n_up, advice.min_tier, advice.is_tool_loop) == (1, None, True)
    assert advice.reasons == ("2 tool failures in this task",)


def test_trouble_can_be_turned_off() -> None:
    off = Trouble(n_failures=0, n_same_failures=0, n_repeats=0)
    troubled = [ASK, *step(1, "Error: a", "{}"), *step(2, "Error: a", "{}"), *step(3, "Error: a", "{}")]
    assert SessionState(TIERS, trouble=off).advise(turn(troubled)).n_up == 0


# ---- a new task, and what it costs to leave


def test_a_new_task_may_fall_and_names_what_is_warm() -> None:
    clock = Clock()
    sessions = state(clock)
    used(sessions, [ASK], "premium")
    new = turn([ASK, *asks("What is the capital of France?")])
    advice = sessions.advise(new)
    assert (advice.min_tier, advice.keeps) == (None, "premium")
    assert advice.n_cached_tokens == {"premium": 3000}
    clock.now_s += 301
    assert sessions.advise(new).n_cached_tokens == {}
    sessions.settle(new, "local", n_input_tokens=3100)
    assert sessions.n_switches(new) == 1
    later = [ASK, *asks("What is the capital of France?"), *step(1)]
    assert sessions.advise(turn(later)).min_tier is not None
    assert sessions.advise(turn(later)).min_tier == "local"


def test_a_short_prompt_leaves_no_cache() -> None:
    sessions = state()
    used(sessions, [ASK], "premium", n_input_tokens=900)
    assert sessions.advise(turn([ASK, *asks("Now list all files there.")])).n_cached_tokens == {}


def test_switch_cost_is_the_discount_that_is_lost() -> None:
    assert switch_cost_usd(PREMIUM, STANDARD, n_prefix_tokens=1_000_000) == pytest.approx(0.3)
    assert switch_cost_usd(PREMIUM, LOCAL, n_prefix_tokens=1_000_000) == 0
    warm = {"premium": 1_000_000, "standard": 1_000_000}
    assert switch_cost_usd(PREMIUM, STANDARD, n_prefix_tokens=1_000_000, n_cached_tokens=warm) == 0
    cold = dict[str, int]()
    back = switch_cost_usd(STANDARD, PREMIUM, n_prefix_tokens=1_000_000, n_cached_tokens=cold)
    assert back == pytest.approx(1.8 - 0.3)


def test_a_lost_cache_may_cost_more_than_the_cheaper_tier_saves() -> None:
    dear = tier("dear", 0.5, 0.05)
    cheap = tier("cheap", 0.4, 0.04)
    more: dict[str, Any] = {"n_output_tokens": 100, "n_cached_tokens": {"dear": 50_000}}
    assert not pays_to_fall(dear, cheap, n_input_tokens=50_500, n_calls=1, **more)
    assert pays_to_fall(dear, cheap, n_input_tokens=50_500, n_calls=100, **more)
    assert pays_to_fall(
        dear, cheap, n_input_tokens=50_500, n_calls=1, n_output_tokens=100, n_cached_tokens={}
    )


def test_an_unknown_price_never_pays() -> None:
    unknown = replace(STANDARD, usd_per_1m_input=None)
    assert expected_usd(unknown, 10, 10, 0) is None
    assert not pays_to_fall(
        PREMIUM, unknown, n_input_tokens=9, n_output_tokens=9, n_calls=1, n_cached_tokens={}
    )


tokens = st.integers(0, 200_000)


@given(n_prefix=tokens, n_new=tokens, n_output=st.integers(0, 5000), n_calls=st.integers(1, 60))
def test_pays_is_the_sum_over_all_calls(n_prefix: int, n_new: int, n_output: int, n_calls: int) -> None:
    n_input = n_prefix + n_new
    stays = n_calls * (expected_usd(PREMIUM, n_input, n_output, n_prefix) or 0.0)
    first = expected_usd(STANDARD, n_input, n_output, 0) or 0.0
    moves = first + (n_calls - 1) * (expected_usd(STANDARD, n_input, n_output, n_prefix) or 0.0)
    pays = pays_to_fall(
        PREMIUM,
        STANDARD,
        n_input_tokens=n_input,
        n_output_tokens=n_output,
        n_calls=n_calls,
        n_cached_tokens={"premium": n_prefix},
    )
    assert pays == (moves < stays) or moves == pytest.approx(stays)


# ---- what always holds

results = st.sampled_from(["ok", "Error: a", '{"exit_code": 1}', "12 passed"])


@given(noise=st.lists(st.tuples(st.integers(0, 2), results, st.booleans()), min_size=1, max_size=25))
def test_within_a_task_tiers_never_fall_whatever_the_policy_says(noise: list[tuple[int, str, bool]]) -> None:
    sessions, messages, ranks = state(), [ASK], list[int]()
    for n, (wanted, text, is_asked_twice) in enumerate(noise):
        for _ in range(1 + is_asked_twice):
            now = turn(messages)
            advice = sessions.advise(now)
            assert sessions.advise(now) == advice
            least = 0 if advice.min_tier is None else [t.name for t in TIERS].index(advice.min_tier)
            ranks.append(max(wanted, least))
            sessions.settle(now, TIERS[ranks[-1]].name, n_input_tokens=2000)
        messages = [*messages, *step(n, text)]
    assert ranks[1 + noise[0][2] :] == sorted(ranks[1 + noise[0][2] :])
    assert all(b >= ranks[0] for b in ranks)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2)), max_size=80), st.integers(0, 8))
def test_memory_is_bounded(seen: list[tuple[int, int]], most: int) -> None:
    sessions = state(max_sessions=most)
    for n, rank in seen:
        sessions.settle(turn([ASK], session=f"s{n}"), TIERS[rank].name, n_input_tokens=2000)
        assert len(sessions) <= most


def test_the_longest_unused_is_forgotten_first_and_all_after_their_time() -> None:
    clock = Clock()
    sessions = state(clock, max_sessions=2, ttl_s=60)
    later = [ASK, *step(1)]
    for name in ("a", "b", "a", "c"):
        sessions.settle(turn([ASK], session=name), "premium", n_input_tokens=2000)
    held = [sessions.advise(turn(later, session=name)).min_tier for name in ("a", "b", "c")]
    assert held == ["premium", None, "premium"]
    clock.now_s += 61
    assert sessions.advise(turn(later, session="a")).min_tier is None


def test_one_conversation_keeps_one_place() -> None:
    sessions, messages = state(), [ASK]
    for n in range(5):
        used(sessions, messages, "local")
        messages = [*messages, *step(n)]
    assert len(sessions) == 1


def test_an_unknown_tier_is_not_remembered() -> None:
    sessions = state()
    used(sessions, [ASK], "gone")
    assert len(sessions) == 0
