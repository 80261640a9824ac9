"""Where a conversation stands, read off the request alone."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.base.request import Caller, ChatRequest
from stepwell.router.turns import Turn, is_going_on, read_turn


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def says(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def calls(n: int, name: str = "run", arguments: str = "{}") -> dict[str, Any]:
    call = {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def result(n: int, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"c{n}", "content": text}


def turn(*messages: dict[str, Any], tenant: str | None = None, session: str | None = None) -> Turn:
    return read_turn(ChatRequest.build({"messages": list(messages)}, Caller(tenant)), session=session)


ASK = user("Rename the class Foo in all files.")


def test_a_first_question_is_new_and_no_loop() -> None:
    found = turn(ASK)
    assert (found.is_new, found.is_tool_loop, found.ask) == (True, False, ASK["content"])
    assert found.key == found.opener


def test_tool_results_are_a_loop_in_the_same_task() -> None:
    first, later = turn(ASK), turn(ASK, calls(1), result(1, "ok"))
    assert later.is_tool_loop
    assert later.task == first.task
    assert later.opener == first.opener
    assert [r.is_failure for r in later.results] == [False]


def test_harness_text_is_no_ask_and_no_new_task() -> None:
    reminder = user("<system-reminder>\nProve every lemma.\n</system-reminder>")
    found = turn(ASK, calls(1), result(1, "ok"), reminder)
    assert found.is_tool_loop
    assert found.ask == ASK["content"]


def test_tool_results_in_the_users_role_count_as_results() -> None:
    found = turn(
        ASK, says("<read_file>a.py</read_file>"), user("[read_file for 'a.py'] Result:\nError: no such file")
    )
    assert found.is_tool_loop
    assert [r.is_failure for r in found.results] == [True]


def test_a_flag_on_a_part_is_read_from_the_wire() -> None:
    part = {"type": "tool_result", "is_error": True, "text": "went wrong"}
    bad = {"role": "tool", "tool_call_id": "c1", "content": [part]}
    assert turn(ASK, calls(1), bad).results[0].is_failure
    quoted = result(1, '"is_error": true')
    assert not turn(ASK, calls(1), quoted).results[0].is_failure


@pytest.mark.parametrize(
    "text", ["yes", "Go on.", "ok, continue please", "still doesn't work", "2", "はい", "👍", "B"]
)
def test_to_go_on_sets_no_task(text: str) -> None:
    assert is_going_on(text)
    found = turn(ASK, says("Shall I?"), user(text))
    assert (found.ask, found.last) == (ASK["content"], text)
    assert not found.is_tool_loop
    assert found.task == turn(ASK).task


@pytest.mark.parametrize(
    "text",
    ["hi", "Explain monads", "Prove it for all n", "Riemann hypothesis", "Fix the parser", "证明黎曼猜想"],
)
def test_a_short_ask_may_set_a_task(text: str) -> None:
    assert turn(ASK, says("Done."), user(text)).ask == text


def test_an_opener_that_only_says_yes_is_still_the_ask() -> None:
    assert turn(user("yes")).ask == "yes"


def test_only_results_since_the_ask_count() -> None:
    old = [ASK, calls(1), result(1, "Error: no"), says("Failed.")]
    found = turn(*old, user("List the files in src."), calls(2), result(2, "a.py"))
    assert [(r.place, r.is_failure) for r in found.results] == [(6, False)]


def test_equal_calls_and_results_are_known_as_equal() -> None:
    found = turn(
        ASK, calls(1), result(1, "x"), calls(2), result(2, "x"), calls(3, arguments='{"a":1}'), result(3, "y")
    )
    one, two, three = found.results
    assert (one.call, one.content) == (two.call, two.content)
    assert three.call != one.call
    assert three.content != one.content


def test_at_most_forty_results_are_read() -> None:
    steps = [m for i in range(60) for m in (calls(i), result(i, "ok"))]
    assert [r.place for r in turn(ASK, *steps).results][-1] == 120
    assert len(turn(ASK, *steps).results) == 40


def test_conversations_are_told_apart_by_caller_opener_and_first_answer() -> None:
    keys = {
        turn(ASK, says("A"), user("More on it")).key,
        turn(ASK, says("B"), user("More on it")).key,
        turn(ASK, says("A"), user("More on it"), tenant="acme").key,
        turn({"role": "system", "content": "Be brief."}, ASK, says("A"), user("More on it")).key,
    }
    assert len(keys) == 4
    assert turn(ASK, says("A"), user("x")).key == turn(ASK, says("A"), user("x"), says("B"), user("y")).key


def test_a_named_session_needs_no_opener() -> None:
    named = turn(ASK, session="s1")
    assert named.key == turn(user("Something else"), says("A"), user("b"), session="s1").key
    assert named.key != turn(ASK, session="s2").key
    assert named.key != turn(ASK, session="s1", tenant="acme").key
    assert not named.is_new


def test_a_conversation_without_a_user_still_has_a_key() -> None:
    found = turn({"role": "system", "content": "Begin."})
    assert (found.ask, found.is_tool_loop) == ("", False)
    assert len(found.key) == 16
