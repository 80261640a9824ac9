"""A history that is sent again is not kept twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.messages import FunctionCall, Message, ToolCall
from stepwell.memory.context.reconcile import n_known, print_of


def prints(*words: str) -> list[bytes]:
    return [word.encode() for word in words]


def test_all_of_it_a_part_of_it_and_none_of_it() -> None:
    held = prints("hi", "hello", "tea?", "yes")
    assert n_known(held, prints("hi", "hello", "tea?", "yes", "sugar?")) == 4
    assert n_known(held, prints("tea?", "yes", "sugar?")) == 2
    assert n_known(held, prints("sugar?")) == 0
    assert n_known([], prints("hi")) == 0


def test_the_same_words_said_again_are_new() -> None:
    assert n_known(prints("more", "a", "more", "b"), prints("more")) == 0


def test_a_request_that_is_tried_again_is_known() -> None:
    assert n_known(prints("hi", "hello", "tea?"), prints("tea?")) == 1


def test_who_goes_back_shares_the_beginning() -> None:
    held = prints("hi", "hello", "tea?", "no")
    assert n_known(held, prints("hi", "hello", "tea?")) == 3
    assert n_known(held, prints("hi", "hello", "coffee?")) == 2
    assert n_known(held, prints("hi", "other")) == 0


@given(
    st.lists(st.sampled_from("abcd"), max_size=8), st.lists(st.sampled_from("abcd"), min_size=1, max_size=4)
)
def test_what_is_appended_is_found_again(held: list[str], new: list[str]) -> None:
    sent = prints(*held, *new)
    n = n_known(prints(*held), sent)
    assert n >= len(held)
    assert n <= len(sent)


def test_what_a_message_carries_beside_its_words_does_not_count_but_calls_do() -> None:
    def call(arguments: str) -> Message:
        return Message("assistant", tool_calls=[ToolCall("c1", "function", FunctionCall("f", arguments))])

    assert print_of(Message("user", "a")) == print_of(Message("user", "a", name="ada"))
    assert print_of(Message("user", "a")) != print_of(Message("assistant", "a"))
    assert print_of(call("{}")) != print_of(call('{"x":1}'))
    assert print_of(call('{"x": 1, "y": 2}')) == print_of(call('{"y":2,"x":1}'))
    assert print_of(call("{broken")) != print_of(call("{broken "))
    assert len(print_of(Message("user", "\ud800"))) == 8
