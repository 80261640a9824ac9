from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.messages import FunctionCall, Message, Part, ToolCall
from stepwell.base.tokens import count_messages, count_text, estimate_text, upper_bound

MODELS = ["openai/gpt-4.1", "openai/gpt-3.5-turbo", "local/smollm2-135m-instruct"]

texts = st.one_of(st.text(st.characters(), max_size=200), st.text("ab \n^中🙂\u0300\ud800", max_size=400))
calls = st.builds(ToolCall, id=texts, function=st.builds(FunctionCall, name=texts, arguments=texts))
parts = st.one_of(st.builds(Part, st.just("text"), texts), st.just(Part("image_url")))
messages = st.builds(
    Message,
    role=st.one_of(st.sampled_from(["system", "user", "assistant", "tool"]), texts),
    content=st.one_of(st.none(), texts, st.lists(parts, max_size=4)),
    tool_calls=st.none() | st.lists(calls, max_size=3),
    tool_call_id=st.none() | texts,
    name=st.none() | texts,
)


@settings(deadline=None)  # the first call loads the vocabulary
@given(st.lists(messages, max_size=5), st.sampled_from(MODELS), st.none() | st.binary(max_size=200))
def test_the_bound_is_never_under_the_count(history: list[Message], model: str, tools: bytes | None) -> None:
    assert upper_bound(history, tools) >= count_messages(history, model=model, tools_json=tools)


def test_everything_that_is_sent_counts() -> None:
    bare = Message("user", "hello")
    one = count_messages([bare], model=MODELS[0])
    call = ToolCall("call_1", "function", FunctionCall("get_weather", '{"city": "Oslo"}'))
    richer = [
        ([Message("user", "hello", name="ann")], 1),
        ([Message("user", "hello", tool_call_id="call_1")], 1),
        ([Message("user", "hello", tool_calls=[call])], 8),
        ([Message("user", [Part("text", "hello"), Part("image_url")])], 5000),
        ([bare, bare], 5),
    ]
    for history, at_least in richer:
        assert count_messages(history, model=MODELS[0]) >= one + at_least
        assert upper_bound(history) >= upper_bound([bare]) + at_least
    assert count_messages([bare], model=MODELS[0], tools_json=b'[{"type":"function"}]') > one
    assert upper_bound([bare], b"[{}]") == upper_bound([bare]) + 4


def test_a_long_unbroken_run_is_counted_in_pieces() -> None:
    run = "^" * 1_000_000
    n = count_text(run, MODELS[0])
    assert 0 < n <= len(run)


@given(texts)
def test_the_estimate_is_a_quarter_of_the_length(text: str) -> None:
    assert 4 * (estimate_text(text) - 1) < len(text) <= 4 * estimate_text(text) or text == ""
