"""Streams and whole answers, one from the other."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.assemble import Assembler, answer_body, as_events, without_usage
from stepwell.base.messages import (
    Answer,
    Choice,
    CustomCall,
    Event,
    FunctionCall,
    Message,
    ToolCall,
    Usage,
    decode_answer,
    decode_chunk,
)

names = st.text(min_size=1, max_size=8)
functions = st.builds(FunctionCall, name=names, arguments=names)
calls = st.builds(ToolCall, id=names, type=st.just("function"), function=functions) | st.builds(
    ToolCall, id=names, type=st.just("custom"), custom=st.builds(CustomCall, name=names, input=names)
)
messages = st.builds(
    Message,
    role=st.just("assistant"),
    content=st.none() | st.text(min_size=1, max_size=20),
    tool_calls=st.none() | st.lists(calls, min_size=1, max_size=3),
    refusal=st.none() | names,
    function_call=st.none() | functions,
)


def answers(message: list[Message]) -> Answer:
    choices = [Choice(m, i, "tool_calls" if m.tool_calls else "stop") for i, m in enumerate(message)]
    return Answer(choices, "id-1", "m", 1, Usage(3, 4, 7))


def calls_of(message: Message) -> list[tuple[object, ...]]:
    return [(c.id, c.type, c.function, c.custom) for c in message.tool_calls or []]


@settings(deadline=None, derandomize=True)
@given(st.lists(messages, min_size=1, max_size=3))
def test_an_answer_survives_being_streamed(parts: list[Message]) -> None:
    answer = answers(parts)
    assembler = Assembler()
    for event in as_events(answer):
        assembler.add([Event(event.payload, decode_chunk(event.payload))])  # by way of its bytes
    made = assembler.answer()
    for got, want in zip(made.choices, answer.choices, strict=True):
        assert (got.index, got.finish_reason) == (want.index, want.finish_reason)
        assert got.message.content == want.message.content
        assert got.message.refusal == want.message.refusal
        assert got.message.function_call == want.message.function_call
        assert calls_of(got.message) == calls_of(want.message)
    assert made.usage == answer.usage


@settings(deadline=None, derandomize=True)
@given(st.lists(messages, min_size=1, max_size=3))
def test_an_answer_survives_its_json(parts: list[Message]) -> None:
    answer = answers(parts)
    assert decode_answer(answer_body(answer)).text == answer.text
    assert decode_answer(answer_body(answer)).usage == answer.usage


def feed(*payloads: bytes) -> Assembler:
    assembler = Assembler()
    assembler.add([Event(p, decode_chunk(p)) for p in payloads])
    return assembler


def test_a_last_piece_may_carry_the_finish_too() -> None:
    made = feed(b'{"choices":[{"index":0,"delta":{"content":"all of it"},"finish_reason":"stop"}]}').answer()
    assert (made.text, made.choices[0].finish_reason) == ("all of it", "stop")


def test_text_and_a_call_may_come_in_one_piece() -> None:
    call = b'{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}'
    made = feed(b'{"choices":[{"index":0,"delta":{"content":"so","tool_calls":[' + call + b"]}}]}").answer()
    assert made.text == "so"
    assert [c.id for c in made.choices[0].message.tool_calls or []] == ["c1"]


def test_calls_without_an_index_are_told_apart_by_their_ids() -> None:
    def piece(call: bytes) -> bytes:
        return b'{"choices":[{"index":0,"delta":{"tool_calls":[' + call + b"]}}]}"

    made = feed(
        piece(b'{"id":"c1","function":{"name":"f","arguments":"{\\"a\\""}}'),
        piece(b'{"function":{"arguments":":1}"}}'),
        piece(b'{"id":"c2","function":{"name":"g","arguments":"{}"}}'),
    ).answer()
    found = [(c.id, c.function.name, c.function.arguments) for c in made.choices[0].message.tool_calls or []]
    assert found == [("c1", "f", '{"a":1}'), ("c2", "g", "{}")]


def test_usage_can_be_taken_out_and_nothing_else() -> None:
    choices = b'[{"index":0,"delta":{"content":"y"}}]'
    payload = b'{"id":"x","vendor":{"a":[1]},"choices":' + choices + b',"usage":{"prompt_tokens":1}}'
    bare = without_usage(Event(payload, decode_chunk(payload)))
    fields = msgspec.json.decode(payload)
    del fields["usage"]
    assert msgspec.json.decode(bare.payload) == fields
    assert bare.chunk.usage is None
    assert bare.chunk.choices[0].delta.content == "y"


def test_halves_of_characters_become_replacement_characters() -> None:
    """Tiers in Python may hand them over; no UTF-8 can say them."""
    said = Answer([Choice(Message("assistant", "a \ud800 \U0001f600"), finish_reason="stop")], "x", "m")
    assert decode_answer(answer_body(said)).text == "a \ufffd \U0001f600"
    events = as_events(said)
    assert [e.chunk.choices[0].delta.content for e in events] == ["a \ufffd \U0001f600", None]
    assert all(decode_chunk(e.payload) == e.chunk for e in events[:1])
