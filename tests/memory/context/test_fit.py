from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stepwell.base.decisions import FitDecision
from stepwell.base.errors import ContextTooLong
from stepwell.base.messages import FunctionCall, Message, Part, ToolCall
from stepwell.base.tokens import count_message, count_messages, upper_bound
from stepwell.memory.context.fit import fit

MODEL = "openai/gpt-4.1"
FIXED = ("system", "developer")

words = st.lists(st.sampled_from(["well", "Wasser", "вода", "水", "💧", "step\n"]), max_size=40).map(" ".join)
ids = st.sampled_from(["a", "b", "c", ""])
calls = st.lists(st.builds(ToolCall, id=ids, function=st.builds(FunctionCall, words, words)), max_size=3)
contents = st.none() | words | st.lists(st.builds(Part, st.just("text"), words), max_size=2)
images = st.just([Part("text", "look"), Part("image_url")])
messages = st.one_of(
    st.builds(Message, role=st.sampled_from(FIXED), content=words),
    st.builds(Message, role=st.just("user"), content=contents | images),
    st.builds(Message, role=st.just("assistant"), content=contents, tool_calls=st.none() | calls),
    st.builds(Message, role=st.just("tool"), content=words, tool_call_id=ids | st.none()),
)
histories = st.lists(messages, min_size=1, max_size=24)


def fitted(history: list[Message], window: int, reserve: int = 10, tools: bytes | None = None) -> FitDecision:
    return fit(history, window_tokens=window, reserve_tokens=reserve, model=MODEL, tools_json=tools)


def callers(history: list[Message], indices: tuple[int, ...]) -> dict[int, int | None]:
    """For each tool message among `indices` the one among them that called it last before, or None."""
    asked: dict[str, int] = {}
    found: dict[int, int | None] = {}
    for i in indices:
        message = history[i]
        if message.role == "tool":
            found[i] = asked.get(message.tool_call_id or "") if message.tool_call_id is not None else None
        asked |= dict.fromkeys((c.id for c in message.tool_calls or ()), i)
    return found


def fixed_part(history: list[Message]) -> set[int]:
    """What must stay: system messages, and from the last user's message on, calls of its results included."""
    users = [i for i, m in enumerate(history) if m.role == "user"] or [0]
    whole = callers(history, tuple(range(len(history))))
    parted = [u for u in users if any(c is not None and c < u <= i for i, c in whole.items())]
    start = max([u for u in users if u not in parted], default=0)
    return {i for i, m in enumerate(history) if m.role in FIXED or i >= start}


@settings(deadline=None, max_examples=300)
@given(histories, st.integers(20, 900), st.integers(1, 60), st.none() | st.just(b'[{"type":"function"}]'))
def test_what_fit_promises(history: list[Message], window: int, reserve: int, tools: bytes | None) -> None:
    try:
        made = fitted(history, window, reserve, tools)
    except ContextTooLong:
        fixed = [m for i, m in enumerate(history) if i in fixed_part(history)]
        assert count_messages(fixed, model=MODEL, tools_json=tools) + reserve > window
        return
    kept = made.kept
    assert list(kept) == sorted(set(kept))
    assert made.n_dropped == len(history) - len(kept)
    sent = [history[i] for i in kept]
    n_sent = count_messages(sent, model=MODEL, tools_json=tools)
    assert n_sent + reserve <= window
    assert made.n_tokens == n_sent if made.is_exact else made.n_tokens >= n_sent
    users = [i for i, m in enumerate(history) if m.role == "user"]
    must = {i for i, m in enumerate(history) if m.role in FIXED or (users and i >= users[-1])}
    assert must <= set(kept)
    whole = callers(history, tuple(range(len(history))))
    left = callers(history, kept)
    assert all(left[i] == whole[i] for i in left), "a result lost its call"
    assert all(i in left for i, caller in whole.items() if caller in kept), "a call lost a result"


@settings(deadline=None, max_examples=200)
@given(histories, st.integers(20, 900))
def test_only_the_oldest_go_and_no_more_than_needed(history: list[Message], window: int) -> None:
    try:
        made = fitted(history, window)
    except ContextTooLong:
        assume(False)
    spoken = [i for i, m in enumerate(history) if m.role not in FIXED]
    kept = [i for i in made.kept if i in spoken]
    assert kept == spoken[len(spoken) - len(kept) :]
    if kept != spoken and kept:
        earlier = [i for i in spoken if i < kept[0] and history[i].role == "user"]
        whole = callers(history, tuple(range(len(history))))
        for place in earlier or [spoken[0]]:
            split = any(c is not None and c < place <= i for i, c in whole.items())
            more = sum(count_message(history[i], MODEL) for i in spoken if place <= i < kept[0])
            assert split or made.n_tokens + more + 10 > window


def test_a_short_conversation_stays_whole_and_uncounted() -> None:
    history = [Message("system", "Be kind."), Message("user", "Hello")]
    made = fitted(history, 8192)
    assert made == FitDecision((0, 1), upper_bound(history), 8192)


def test_no_vocabulary_is_loaded_where_the_bound_fits() -> None:
    code = """
import sys
from stepwell.base.messages import Message
from stepwell.memory.context.fit import fit
fit([Message("user", "word " * 120)], window_tokens=2048, reserve_tokens=256, model="openai/gpt-4.1")
assert not {"tiktoken", "litellm", "numpy"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_oldest_exchange_goes_first() -> None:
    history = [
        Message("system", "Be kind."),
        Message("user", "first " * 50),
        Message("assistant", "one " * 50),
        Message("developer", "Be brief."),
        Message("user", "second " * 50),
        Message("assistant", "two " * 50),
        Message("user", "third"),
    ]
    made = fitted(history, 160)
    assert made.kept == (0, 3, 4, 5, 6)
    assert made.is_exact
    assert made.n_dropped == 2


def test_a_call_and_its_results_go_together() -> None:
    call = [
        ToolCall("c1", "function", FunctionCall("f", "{}")),
        ToolCall("c2", "function", FunctionCall("g", "{}")),
    ]
    history = [
        Message("user", "look it up " * 20),
        Message("assistant", None, tool_calls=call),
        Message("user", "are you done?"),
        Message("tool", "result " * 10, tool_call_id="c1"),
        Message("tool", "result " * 10, tool_call_id="c2"),
        Message("user", "thanks"),
    ]
    n_all = count_messages(history, model=MODEL)
    assert fitted(history, n_all + 10).kept == (0, 1, 2, 3, 4, 5)
    assert fitted(history, n_all + 9).kept == (5,)


def test_a_running_tool_loop_stays_whole() -> None:
    call = [ToolCall("c1", "function", FunctionCall("f", "{}"))]
    history = [
        Message("user", "old " * 100),
        Message("assistant", "old " * 100),
        Message("user", "look it up"),
        Message("assistant", None, tool_calls=call),
        Message("tool", "result " * 30, tool_call_id="c1"),
    ]
    assert fitted(history, 150).kept == (2, 3, 4)


@pytest.mark.parametrize(
    ("history", "reserve", "tools", "part"),
    [
        ([Message("system", "rule " * 500), Message("user", "hi")], 10, None, "the system prompt"),
        ([Message("system", "rule"), Message("user", "word " * 500)], 10, None, "the last turn"),
        ([Message("user", "hi")], 10, b'[{"type":"function"}]' * 100, "the tools"),
        ([Message("user", "hi")], 400, None, "the room reserved for the reply"),
    ],
)
def test_says_what_is_too_large(history: list[Message], reserve: int, tools: bytes | None, part: str) -> None:
    with pytest.raises(ContextTooLong, match=f"The largest part is {part}") as e:
        fitted(history, 300, reserve, tools)
    over = count_messages(history, model=MODEL, tools_json=tools) + reserve - 300
    assert f"{over} more than the window of 300" in str(e.value)
    assert (e.value.n_tokens, e.value.window_tokens) == (300 + over, 300)
    assert "word" not in str(e.value)
    assert "rule" not in str(e.value)
