"""What a message carries beside its typed view takes tokens, too."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.laden import N_IMAGE_TOKENS, Laden, decode_message
from stepwell.base.messages import Message, Part, encode_json
from stepwell.base.request import ChatRequest
from stepwell.base.tokens import count_message, count_text, upper_bound

MODEL = "openai/gpt-4.1"
WORDS = "Because the gardener said so. " * 200
N_WORDS = 1000  # tokens, at least


def message_of(**fields: Any) -> Message:
    """By both ways in, which must agree."""
    given = {"role": "assistant", **fields}
    one = decode_message(encode_json(given))
    (other,) = ChatRequest.build({"messages": [given]}).messages
    assert one == other
    return one


def function(**more: Any) -> dict[str, Any]:
    return {"name": "find", "arguments": "{}", **more}


@pytest.mark.parametrize(
    "fields",
    [
        {"content": "so", "reasoning_content": WORDS},
        {"content": "so", "reasoning": WORDS},
        {"content": None, "refusal": WORDS},
        {"content": "so", "reasoning_details": [{"type": "reasoning.text", "text": WORDS}]},
        {"content": "so", "something_new": {"deep": [WORDS]}},
        {"content": None, "function_call": {"name": "find", "arguments": WORDS}},
        {
            "content": None,
            "tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "f", "input": WORDS}}],
        },
        {
            "content": None,
            "tool_calls": [{"id": "a", "type": "function", "function": function(thought=WORDS)}],
        },
        {"content": None, "tool_calls": [{"id": "a", "function": function(), "extra": WORDS}]},
        {"content": [{"type": "refusal", "refusal": WORDS}]},
        {"content": [{"type": "thinking", "thinking": WORDS}]},
        {"content": [{"type": "text", "text": "so", "more": WORDS}]},
        {"content": [{"type": "unheard_of", "words": WORDS}]},
        {"content": [{"type": "image_url", "image_url": {"url": "u"}, "caption": WORDS}]},
        {"content": [{"type": "document", "source": {"type": "text", "data": WORDS}}]},
    ],
)
def test_text_in_any_field_counts(fields: dict[str, Any]) -> None:
    message = message_of(**fields)
    assert count_message(message, MODEL) >= N_WORDS
    assert count_message(message, MODEL) < 3 * N_WORDS + 2 * N_IMAGE_TOKENS
    assert upper_bound([message]) >= len(WORDS)


def media(kind: str, n_bytes: int, begins: bytes = b"", before: str = "") -> dict[str, Any]:
    return {"type": kind, kind: {"data": before + base64.b64encode(begins + bytes(n_bytes)).decode()}}


@pytest.mark.parametrize(
    ("part", "at_least", "at_most"),
    [
        # ten minutes of sound at 24 kbit/s, at Gemini's 32 tokens a second
        (media("input_audio", 600 * 3000), 600 * 32, 600 * 64),
        (media("input_audio", 600 * 16_000, b"RIFF"), 600 * 32, 600 * 64),
        (media("input_audio", 100), N_IMAGE_TOKENS, N_IMAGE_TOKENS),
        ({"type": "input_audio", "input_audio": {}}, N_IMAGE_TOKENS, N_IMAGE_TOKENS),
        (media("video_url", 60 * 25_000, before="data:video/mp4;base64,"), 60 * 300, 60 * 600),
        # forty pages
        (media("file", 40 * 20_000, before="data:application/pdf;base64,"), 40 * 2500, 40 * 2600),
        (media("file", 30_000, before="data:text/csv;base64,"), 30_000, 30_100),
        ({"type": "file", "file": {"file_id": "f1"}}, N_IMAGE_TOKENS, N_IMAGE_TOKENS + 30),
        (media("image_url", 1_000_000, before="data:image/png;base64,"), N_IMAGE_TOKENS, N_IMAGE_TOKENS),
        (
            {"type": "image", "source": {"type": "base64", "data": "A" * 99_999}},
            N_IMAGE_TOKENS,
            N_IMAGE_TOKENS,
        ),
        ({"type": "text", "text": "", "cache_control": {"type": "ephemeral"}}, 1, 1),
    ],
)
def test_media_count_by_their_size(part: dict[str, Any], at_least: int, at_most: int) -> None:
    bare = upper_bound([Message("user", [])])
    message = message_of(role="user", content=[part])
    assert at_least <= upper_bound([message]) - bare <= at_most + 30
    assert at_least <= count_message(message, MODEL) <= at_most + 40


def test_an_answer_in_sound_that_is_only_named_counts() -> None:
    named = message_of(content=None, audio={"id": "audio_1"})
    assert count_message(named, MODEL) >= N_IMAGE_TOKENS
    drawn = message_of(
        content="so", images=[{"type": "image_url", "image_url": {"url": "data:x;base64,AAAA"}}] * 2
    )
    assert count_message(drawn, MODEL) >= 2 * N_IMAGE_TOKENS


def test_the_usual_stays_as_it_is() -> None:
    nothing: dict[str, Any] = {
        "refusal": None,
        "audio": None,
        "annotations": [],
        "function_call": None,
        "reasoning_content": None,
    }
    assert message_of(content="so", **nothing) == Message("assistant", "so")
    given = [{"type": "text", "text": "so", "cache_control": {"type": "ephemeral"}}]
    assert message_of(content=given) == Message("assistant", [Part("text", "so")])
    assert message_of(content="so", unknown={}, other="") == Message("assistant", "so")


def test_letters_count_as_themselves_however_they_are_written() -> None:
    said = "台阶通向水边。" * 50
    raw = b'{"role":"assistant","content":null,"reasoning":"%s"}'
    escaped = decode_message(raw % said.encode("ascii", "backslashreplace"))
    plain = decode_message(raw % said.encode())
    assert count_message(escaped, MODEL) == count_message(plain, MODEL) < count_text(said, MODEL) + 30


@pytest.mark.parametrize("broken", [b'"\xff"', b'{"\xff":1}', b"1e999", b"[" * 900 + b"]" * 900])
def test_what_nobody_can_read_counts_as_it_was_written(broken: bytes) -> None:
    raw = b'{"role":"user","content":[{"type":"text","text":"a","x":%s}],"more":%s}' % (broken, broken)
    message = decode_message(raw)
    assert isinstance(message, Laden)
    assert upper_bound([message]) >= 2 * len(broken)
    (same,) = ChatRequest.parse(b'{"messages":[%s]}' % raw).messages
    assert same == message


def test_only_the_reader_says_what_a_message_carries() -> None:
    message = message_of(content="so", more="", n_more_tokens=-100_000)
    assert upper_bound([message]) > upper_bound([Message("assistant", "so")])


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(st.characters(codec="utf-8"), max_size=60),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
    ),
)


def leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in leaves(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in leaves(inner)]
    return [value] if isinstance(value, str) else []


@given(st.dictionaries(st.text("xyz", min_size=3, max_size=5), plain, max_size=4), st.booleans())
def test_the_bound_covers_every_text(more: dict[str, Any], is_part: bool) -> None:
    content: Any = [{"type": "text", "text": "so", **more}] if is_part else "so"
    message = message_of(content=content, **({} if is_part else more))
    n_bytes = sum(len(text.encode()) for text in leaves(more))
    assert upper_bound([message]) - upper_bound([Message("assistant", "so")]) >= n_bytes
    assert count_message(message, MODEL) <= upper_bound([message])
    assert msgspec.structs.replace(message, role="user").role == "user"
