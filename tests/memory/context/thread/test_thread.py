from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import RLock

import numpy as np
import pytest

from stepwell.base.messages import FunctionCall, Message, Part, ToolCall
from stepwell.base.tokens import count_message, upper_bound
from stepwell.memory.context.recall.marks import mark_of_query
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread import thread as thread_module
from stepwell.memory.context.thread.thread import Thread

CALL = ToolCall("c1", "function", FunctionCall("weather", '{"city": "Ahmedabad"}'))
HISTORY = [
    Message("system", "Be kind."),
    Message("user", "How warm is it?"),
    Message("assistant", None, tool_calls=[CALL]),
    Message("tool", "31 degrees", tool_call_id="c1"),
    Message("user", [Part("text", "And here?"), Part("image_url")]),
]


def thread_of(messages: list[Message]) -> Thread:
    thread = Thread()
    for message in messages:
        thread.add(message)
    return thread


def test_it_gives_back_what_it_got() -> None:
    thread = Thread()
    assert [thread.add(m, at_s=float(i)) for i, m in enumerate(HISTORY)] == [0, 1, 2, 3, 4]
    assert thread.messages([4, 1]) == [HISTORY[4], HISTORY[1]]
    assert thread.at_s(3) == 3.0
    assert len(thread) == 5


def test_what_is_searched_is_what_was_said_and_called() -> None:
    thread = thread_of(HISTORY)
    assert [thread.text_of(i) for i in range(5)] == [
        "",
        "How warm is it?",
        'weather {"city": "Ahmedabad"}',
        "31 degrees",
        "And here?",
    ]
    long = Message("assistant", "x" * 50_000, tool_calls=[ToolCall("", "", FunctionCall("f", "y" * 50_000))])
    assert len(thread_of([long]).text_of(0)) < 22_000


def test_only_texts_without_a_mark_are_asked_for() -> None:
    thread = thread_of(HISTORY)
    assert thread.unmarked(10) == [1, 2, 3, 4]
    assert thread.unmarked(2) == [1, 2]
    mark = mark_of_query(np.full(384, 384**-0.5, dtype=np.float32), None)
    thread.set_mark(1, mark)
    thread.set_mark(3, mark)
    assert thread.unmarked(10) == [2, 4]
    thread.add(Message("assistant", ""))
    thread.add(Message("user", "Thanks"), mark=mark)
    thread.add(Message("user", "Bye"))
    assert thread.unmarked(10) == [2, 4, 7]


def test_others_hear_of_marks() -> None:
    heard: list[tuple[str, bytes]] = []
    thread = Thread(on_mark=lambda text, mark: heard.append((text, mark)))
    thread.add(Message("user", "Where is the well?"))
    thread.set_mark(0, b"mark")
    assert heard == [("Where is the well?", b"mark")]


@pytest.mark.parametrize("model", ["openai/gpt-4.1", "gpt-4", "local/tiny", "vendor/unknown"])
def test_messages_are_counted_as_they_are_sent(model: str) -> None:
    view = thread_of(HISTORY[:3]).view(HISTORY[3:])
    places = np.array([0, 2, 3, 4])
    assert view.counts(places, model).tolist() == [count_message(HISTORY[i], model) for i in (0, 2, 3, 4)]
    assert view.counts(places[:0], model).tolist() == []
    assert view.count(np.arange(5), model) == sum(count_message(m, model) for m in HISTORY)
    assert view.bound.tolist() == [upper_bound([m]) - 3 for m in HISTORY]


def test_each_message_is_counted_once_for_a_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Message, str]] = []

    def counted(message: Message, model: str) -> int:
        asked.append((message, model))
        return count_message(message, model)

    monkeypatch.setattr("stepwell.memory.context.thread.counts.count_message", counted)
    view = thread_of(HISTORY).view()
    for model in ("gpt-4o", "openai/gpt-4.1", "gpt-4o-mini"):  # all of o200k_base
        view.count(np.arange(5), model)
    assert len(asked) == 5
    view.count(np.arange(5), "gpt-4")
    view.count(np.arange(5), "vendor/unknown")  # o200k_base with a margin
    assert len(asked) == 15


def test_what_goes_along_each_time_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    n_asked = 0

    def counted(message: Message, model: str) -> int:
        nonlocal n_asked
        n_asked += 1
        return count_message(message, model)

    monkeypatch.setattr("stepwell.memory.context.thread.counts.count_message", counted)
    thread, prompt = thread_of(HISTORY), Message("system", "Be brief.")
    for _ in range(3):
        assert thread.view().count_beside([prompt], "gpt-4o") == count_message(prompt, "gpt-4o")
    view = thread.view(sent=[prompt])
    assert view.count(np.array([5]), "gpt-4o") == view.count(np.array([5]), "gpt-4o")
    assert n_asked == 2
    for i in range(40):
        thread.view().count_beside([Message("system", f"Rule {i}")], "gpt-4o")
    assert n_asked == 42


def test_what_was_sent_now_is_no_part_of_the_thread() -> None:
    thread = thread_of(HISTORY[:2])
    view = thread.view(HISTORY[2:], sent_at_s=7.0)
    assert (len(view), len(thread)) == (5, 2)
    assert view.shape.group.tolist() == [0, 1, 2, 2, 4]
    assert view.at_s.tolist() == [0, 0, 7, 7, 7]
    relevance = view.relevance(Query("warm"))
    assert relevance.shape == (5,)
    assert relevance[4] == 0, "the last turn is not searched"
    assert (len(thread), len(thread.index)) == (2, 2)


def test_a_history_sent_whole_is_searched() -> None:
    said = ["The boat is green.", "Nice!", "My dentist is Dr. Osei.", "Good to know.", "It rains."]
    history = [Message("user" if i % 2 == 0 else "assistant", text) for i, text in enumerate(said)]
    found = Thread().view(history).relevance(Query("Who is my dentist?"))
    assert found.argmax() == 2


def test_only_what_is_searched_is_read() -> None:
    thread = thread_of(HISTORY)
    mark = mark_of_query(np.full(384, 384**-0.5, dtype=np.float32), None)
    thread.set_mark(1, mark)
    assert len(thread.index) == 0
    found = thread.view().relevance(Query("How warm was it?"))
    assert len(thread.index) == 4
    assert found[4] == 0
    assert found[1] > 0
    thread.set_mark(3, mark)
    assert thread.unmarked(10) == [2, 4]


def test_who_embeds_never_waits_for_a_search() -> None:
    thread = thread_of(HISTORY)
    with ThreadPoolExecutor(1) as pool, thread.lock:  # as a search holds it
        pool.submit(thread.set_mark, 1, b"mark").result(timeout=10)
        assert pool.submit(thread.unmarked, 9).result(timeout=10) == [2, 3, 4]


def test_a_mark_is_found_by_the_next_search() -> None:
    near, far = np.zeros(384, dtype=np.float32), np.zeros(384, dtype=np.float32)
    near[0] = far[1] = 1
    thread = thread_of([Message("user", "One thing."), Message("user", "Another."), Message("user", "And?")])
    query = Query("And?", vector=near)
    before = thread.view().relevance(query)
    thread.set_mark(1, mark_of_query(near, None))
    thread.set_mark(0, mark_of_query(far, None))
    after = thread.view().relevance(query)
    assert after[1] - after[0] > before[1] - before[0]


def test_memory_is_told() -> None:
    small, large = thread_of(HISTORY), thread_of(HISTORY * 20)
    assert 0 < small.n_bytes < large.n_bytes


def test_a_conversation_just_loaded_is_read_in_part_and_the_rest_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thread_module, "MOST_READ", 10)
    thread = Thread()
    for n in range(30):
        thread.add(Message("user", f"the ferns of row {n} grew"))
    assert thread.read(5) is False  # nobody searched yet
    found = thread.relevance(Query("ferns of row 3"), 30)
    assert len(thread.index) == 10
    assert found[10:] == pytest.approx(found[:10].mean())
    while thread.read(7):
        pass
    assert len(thread.index) == thread.shape.tail == 29
    assert thread.relevance(Query("ferns of row 25"), 30).argmax() == 25


def test_who_adds_can_tell_that_it_would_wait() -> None:
    thread = thread_of(HISTORY)
    assert not thread.is_busy
    with ThreadPoolExecutor(1) as pool, thread.lock:  # as packing holds it
        assert pool.submit(lambda: thread.is_busy).result(timeout=10)
    assert not thread.is_busy


def test_reading_behind_lets_others_in(monkeypatch: pytest.MonkeyPatch) -> None:
    thread, longest, held = thread_of([Message("user", f"row {i}") for i in range(200)]), 0, 0
    thread.relevance(Query("row"), 1)
    read = Thread._read

    class Noting:
        """A lock that counts what is read while it is held."""

        def __init__(self) -> None:
            self._lock = RLock()

        def __enter__(self) -> None:
            nonlocal held
            self._lock.acquire()
            held = 0

        def __exit__(self, *error: object) -> None:
            nonlocal longest
            longest = max(longest, held)
            self._lock.release()

    def counted(self: Thread, place: int) -> None:
        nonlocal held
        held += 1
        read(self, place)

    monkeypatch.setattr(thread, "lock", Noting())
    monkeypatch.setattr(Thread, "_read", counted)
    assert thread.read(150)
    assert len(thread.index) == 151
    assert 0 < longest <= 25


def test_marks_that_came_with_messages_are_read_with_them() -> None:
    mark = mark_of_query(np.full(384, 384**-0.5, dtype=np.float32), None)
    thread, asked = Thread(), Query("row", vector=np.full(384, 384**-0.5, dtype=np.float32))
    for i in range(60):
        thread.add(Message("user", f"row {i}"), mark=mark)
    thread.relevance(asked, 10)
    while thread.read(20):
        pass
    taken: list[int] = []
    thread.index.set_mark = lambda place, mark: taken.append(place)  # type: ignore[method-assign]
    thread.relevance(asked, 59)
    assert taken == [], "a request must not wait for all of them"
    thread.set_mark(3, mark)
    thread.set_mark(59, mark)
    thread.relevance(asked, 59)
    assert taken == [3]
