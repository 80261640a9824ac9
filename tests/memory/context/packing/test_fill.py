from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.messages import FunctionCall, Message, ToolCall
from stepwell.memory.context.packing.fill import fill, units
from stepwell.memory.context.thread.thread import Thread
from stepwell.memory.context.thread.view import View

MODEL = "openai/gpt-4.1"


def view_of(*messages: Message) -> View:
    thread = Thread()
    for message in messages:
        thread.add(message)
    return thread.view()


def chosen(view: View, relevance: list[float], n_tokens: int, may: list[bool] | None = None) -> list[int]:
    mask = np.array(may if may is not None else [True] * len(view))
    found = units(view, mask, np.array(relevance, dtype=np.float32), n_tokens)
    places = found.places(fill(found, n_tokens, MODEL))
    assert len(set(places.tolist())) == len(places), "taken twice"
    assert view.count(np.sort(places), MODEL) <= max(n_tokens, 0)
    return sorted(places.tolist())


def said(n_words: int, role: str = "assistant") -> Message:
    return Message(role, " ".join(["well"] * n_words))


def test_the_most_relevant_goes_first() -> None:
    view = view_of(said(20), said(20), said(20), said(20))
    assert chosen(view, [0.1, 0.9, 0.2, 0.3], 60) == [1, 3]
    assert chosen(view, [0.1, 0.9, 0.2, 0.3], 60, [True, False, True, True]) == [2, 3]


def test_a_short_one_goes_before_a_long_one_that_matters_as_much() -> None:
    assert chosen(view_of(said(60), said(20)), [0.5, 0.5], 70) == [1]


def test_of_equals_the_later_go_first() -> None:
    assert chosen(view_of(*[said(20)] * 6), [0.0] * 6, 60) == [4, 5]


def test_what_does_not_fit_is_skipped() -> None:
    assert chosen(view_of(said(20), said(100), said(20)), [0.3, 0.9, 0.2], 60) == [0, 2]


def test_a_group_is_taken_whole_or_not_at_all() -> None:
    call = ToolCall("a", "function", FunctionCall("find", "{}"))
    view = view_of(
        Message("assistant", None, tool_calls=[call]),
        said(20),
        Message("tool", "well " * 20, tool_call_id="a"),
    )
    assert chosen(view, [0.1, 0.1, 0.9], 60) == [0, 2]
    assert chosen(view, [0.1, 0.1, 0.9], 35) == [1]


def test_question_and_answer_go_together() -> None:
    view = view_of(said(20, "user"), said(20), said(20, "user"), said(20))
    assert chosen(view, [0.0, 0.9, 0.1, 0.1], 60) == [0, 1]
    assert chosen(view, [0.1, 0.1, 0.9, 0.0], 60) == [2, 3]
    assert chosen(view, [0.1, 0.1, 0.9, 0.0], 40) == [], "half of it is of no use"
    assert chosen(view, [0.1, 0.1, 0.9, 0.0], 40, [True, True, False, True]) == [3], "it is kept already"


def test_a_question_without_an_answer_goes_alone() -> None:
    assert chosen(view_of(said(20, "user"), said(20, "user"), said(20)), [0.9, 0.1, 0.1], 35) == [0]


def test_the_best_answer_is_taken_and_the_question_charged_once() -> None:
    view = view_of(said(20, "user"), said(20), said(20), said(20))
    assert chosen(view, [0.1, 0.1, 0.9, 0.2], 60) == [0, 2]
    n_all = view.count(np.arange(4), MODEL)
    assert chosen(view, [0.1, 0.1, 0.9, 0.2], n_all - 10) == [0, 2, 3]


@pytest.mark.parametrize("n_tokens", [-10, 0, 11])
def test_nothing_fits_where_there_is_no_room(n_tokens: int) -> None:
    assert chosen(view_of(said(1), said(1)), [0.5, 0.5], n_tokens) == []


def test_nothing_to_choose_from() -> None:
    assert chosen(view_of(said(1)), [0.5], 100, [False]) == []


@given(st.lists(st.tuples(st.integers(0, 60), st.floats(0, 1, width=32)), min_size=1, max_size=60), st.data())
def test_no_room_is_left_where_something_short_would_fit(
    turns: list[tuple[int, float]], data: st.DataObject
) -> None:
    view = view_of(*[said(n) for n, _ in turns])
    n_tokens = data.draw(st.integers(0, 1000))
    places = np.array(chosen(view, [p for _, p in turns], n_tokens), dtype=np.int64)
    rest = np.setdiff1d(np.arange(len(view)), places)
    left = n_tokens - view.count(places, MODEL)
    if len(rest) and left >= 12:
        assert view.counts(rest, MODEL).min() > left
