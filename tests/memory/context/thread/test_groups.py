from __future__ import annotations

import pytest

from stepwell.base.messages import FunctionCall, Message, ToolCall
from stepwell.memory.context.thread.groups import Shape
from stepwell.memory.context.thread.said import said


def call(*ids: str) -> Message:
    return Message("assistant", tool_calls=[ToolCall(i, "function", FunctionCall("find", "{}")) for i in ids])


def result(call_id: str | None) -> Message:
    return Message("tool", "found", tool_call_id=call_id)


def wish(name: str) -> Message:
    """A call as it was made before there were tools."""
    return Message("assistant", function_call=FunctionCall(name, "{}"))


def done(name: str | None) -> Message:
    return Message("function", "found", name=name)


USER, ANSWER, SYSTEM = Message("user", "hi"), Message("assistant", "hello"), Message("system", "Be kind.")


def shaped(*messages: Message) -> Shape:
    shape = Shape()
    for message in messages:
        shape.add(message)
    return shape


def test_an_exchange_begins_with_the_users_message() -> None:
    shape = shaped(ANSWER, USER, ANSWER, ANSWER, SYSTEM, USER, ANSWER)
    assert shape.exchange.tolist() == [0, 1, 1, 1, 1, 5, 5]
    assert shape.opener.tolist() == [-1, 1, 1, 1, 1, 5, 5]
    assert shape.is_system.tolist() == [False] * 4 + [True] + [False] * 2


def test_a_call_and_all_its_results_are_one_group() -> None:
    shape = shaped(USER, call("a", "b"), result("b"), result("a"), ANSWER)
    assert shape.group.tolist() == [0, 1, 1, 1, 4]
    assert shape.members(1) == (1, 2, 3)
    assert shape.members(4) == (4,)
    assert not shape.is_broken.any()


def test_a_function_call_and_its_result_are_one_group() -> None:
    shape = shaped(USER, wish("f"), done("f"), ANSWER, USER, wish("f"), done("f"), ANSWER)
    assert shape.group.tolist() == [0, 1, 1, 3, 4, 5, 5, 7]
    assert shape.members(5) == (5, 6)
    assert not shape.is_broken.any()
    assert shaped(wish("f"), done("f")).tail == 0


@pytest.mark.parametrize(
    ("messages", "broken"),
    [
        ([result("a"), call("a"), USER], [True, True, False]),  # before its call
        ([USER, result("b")], [False, True]),
        ([USER, result(None)], [False, True]),
        ([USER, call("a", "b"), result("a")], [False, True, True]),  # one call has no result
        ([USER, call("a", "a"), result("a")], [False, False, False]),
        ([call("a"), result("a"), result("a")], [False, False, False]),
        ([call("a"), call("a"), result("a")], [True, False, False]),  # the later call is meant
        ([Message("user", "x", tool_calls=call("a").tool_calls), result("a")], [False, True]),
        ([USER, done("f")], [False, True]),
        ([USER, wish("f"), ANSWER], [False, True, False]),
        ([wish("f"), done("g")], [True, True]),
        ([wish("f"), result("f")], [True, True]),
        ([call("f"), done("f")], [True, True]),
        (
            [
                Message("assistant", tool_calls=call("a").tool_calls, function_call=FunctionCall("f")),
                done("f"),
            ],
            [True] * 2,
        ),
        ([Message("system", "x", tool_calls=call("a").tool_calls), result("a")], [False, True]),
    ],
)
def test_what_no_provider_takes_is_known(messages: list[Message], broken: list[bool]) -> None:
    assert shaped(*messages).is_broken.tolist() == broken


def test_a_late_result_joins_exchanges() -> None:
    shape = shaped(USER, call("a"), USER, ANSWER, result("a"), ANSWER, USER, ANSWER)
    assert shape.exchange.tolist() == [0, 0, 0, 0, 0, 0, 6, 6]
    assert shape.group.tolist() == [0, 1, 2, 3, 1, 5, 6, 7]


@pytest.mark.parametrize(
    ("messages", "tail"),
    [
        ([SYSTEM, USER, ANSWER, USER, ANSWER, SYSTEM], 3),
        ([SYSTEM, ANSWER, ANSWER, result("a")], 2),
        ([SYSTEM, result("a"), result("b")], 0),
        ([SYSTEM, ANSWER, wish("f"), done("f")], 2),
        ([SYSTEM, SYSTEM], 2),
    ],
)
def test_what_must_stay_begins_with_the_last_user_message(messages: list[Message], tail: int) -> None:
    assert shaped(*messages).tail == tail


def test_a_fork_goes_its_own_way() -> None:
    begun = shaped(USER, call("a"), USER)
    other = begun.fork()
    other.add(result("a"))
    other.add(USER)
    assert (other.exchange.tolist(), other.is_broken.tolist()) == ([0, 0, 0, 0, 4], [False] * 5)
    assert (begun.exchange.tolist(), begun.is_broken.tolist()) == ([0, 0, 2], [False, True, False])
    assert begun.members(1) == (1,)
    begun.add(ANSWER)
    begun.add(result("a"))
    assert begun.members(1) == (1, 4)
    assert other.members(1) == (1, 3)
    assert (len(begun), begun.tail, len(other), other.tail) == (5, 2, 5, 4)


def test_what_a_function_is_asked_is_searched() -> None:
    assert (
        said(Message("assistant", function_call=FunctionCall("find", '{"of": "steps"}')))
        == 'find {"of": "steps"}'
    )
