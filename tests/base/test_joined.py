from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from stepwell.base.joined import joined
from stepwell.base.laden import decode_message
from stepwell.base.messages import Message, encode_json
from stepwell.base.tokens import count_message, upper_bound

PICTURE = {"type": "image_url", "image_url": {"url": "u"}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("words", "gist\n\nwords\n\nfacts"),
        (None, "gist\n\nfacts"),
        ("", "gist\n\nfacts"),
        (
            [PICTURE],
            [{"type": "text", "text": "gist\n\n"}, PICTURE, {"type": "text", "text": "\n\nfacts"}],
        ),
    ],
)
def test_words_stand_around_those_of_the_message(content: Any, expected: Any) -> None:
    given = {"role": "user", "content": content, "name": "ann", "reasoning": "unknown"}
    raw = encode_json(given)
    message, written = joined(decode_message(raw), Raw(raw), before="gist", after="facts")
    assert msgspec.json.decode(written) == {**given, "content": expected}
    assert message == decode_message(written)


texts = st.text(st.characters(codec="utf-8"), max_size=80)


@given(texts.filter(bool), texts | st.none(), st.sampled_from(["openai/gpt-4.1", "local/tiny", "vendor/x"]))
def test_it_takes_no_more_tokens_than_two_messages(note: str, content: str | None, model: str) -> None:
    message, apart = Message("user", content), Message("user", note)
    made, _ = joined(message, Raw(encode_json(message)), before=note)
    assert count_message(made, model) <= count_message(message, model) + count_message(apart, model)
    assert upper_bound([made]) <= upper_bound([message, apart])
