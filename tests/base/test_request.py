"""One request: verbatim fields beside a typed view."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell import BadRequest
from stepwell.base.request import ChatRequest, Cut, Wire

TURNS: list[dict[str, Any]] = [
    {"role": "system", "content": "be kind", "cache_control": {"type": "ephemeral"}},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "one", "x": 1},
            {"type": "image_url", "image_url": {"url": "u"}},
        ],
    },
    {"role": "user", "content": "two", "name": "ada"},
]


def fields_of(request: ChatRequest) -> dict[str, Any]:
    return {k: msgspec.json.decode(v) for k, v in request.fields.items()}


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8"), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
)


names = st.text(st.characters(codec="utf-8"), min_size=15, max_size=20).filter(
    lambda name: name not in Wire.__struct_fields__
)


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(names, plain, max_size=4))
def test_fields_that_we_never_heard_of_stay_as_they_were(more: dict[str, Any]) -> None:
    body = {"messages": TURNS, **more}
    request = ChatRequest.build(body)
    assert fields_of(request) == body
    assert fields_of(request.with_kept([0, 2])) == {**body, "messages": [TURNS[0], TURNS[2]]}


def test_a_replaced_field_leaves_the_others_as_they_were() -> None:
    request = ChatRequest.build({"messages": TURNS, "seed": 1})
    edited = request.with_fields({"messages": msgspec.Raw(msgspec.json.encode(TURNS[:1]))})
    assert fields_of(edited) == {"messages": TURNS[:1], "seed": 1}
    assert [m.text for m in edited.messages] == ["be kind"]
    assert [m.text for m in request.messages] == ["be kind", "one", "two"]


def test_no_edit_is_the_same_request() -> None:
    request = ChatRequest.build({"messages": TURNS})
    assert request.with_kept([0, 1, 2]) is request


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"temperature": 2.5}, "temperature"),
        ({"n": 0}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"response_format": {"type": "secret-value"}}, "response_format.type"),
        ({"response_format": {"type": "x' - at `$.temperature"}}, "response_format.type"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": []}, "messages"),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not_shown(more: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        ChatRequest.build({"messages": TURNS, **more})
    assert caught.value.param == param
    assert "secret-value" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[1]", b'"x"', b"{}", b"nul", b"[" * 100_000])
def test_what_is_no_request_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        ChatRequest.parse(body)


def test_null_is_as_good_as_absent() -> None:
    nulls = dict.fromkeys(
        ("stream", "stream_options", "max_tokens", "temperature", "n", "seed", "stop", "tools", "user")
    )
    wire = ChatRequest.build({"messages": TURNS, **nulls}).wire
    assert (wire.max_output_tokens, wire.n, wire.tools, wire.user) == (None, None, None, None)
    assert not wire.stream


def long_request() -> ChatRequest:
    said: list[dict[str, Any]] = [{"role": "system", "content": "s"}]
    said += [{"role": "user", "content": f"u{n}", "extra": n} for n in range(5)]
    return ChatRequest.build({"messages": said, "temperature": 0})


def test_a_tier_gets_what_its_window_holds_and_others_all() -> None:
    request = msgspec.structs.replace(long_request(), cuts={"small": Cut((0, 3, 5))})
    assert request.for_tier("wide") is request
    small = request.for_tier("small")
    assert msgspec.json.decode(small.fields["messages"]) == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u2", "extra": 2},
        {"role": "user", "content": "u4", "extra": 4},
    ]
    assert [m.text for m in small.messages] == ["s", "u2", "u4"]
    assert bytes(small.fields["temperature"]) == b"0"
    assert small.for_tier("small") is small


def test_a_note_stands_behind_the_leading_system_messages_in_the_next_users_words() -> None:
    cuts = {"small": Cut((0, 3, 5), "gist"), "bare": Cut((5,), "gist"), "system": Cut((0,), "gist")}
    request = msgspec.structs.replace(long_request(), cuts=cuts)
    small = request.for_tier("small")
    assert msgspec.json.decode(small.fields["messages"]) == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "gist\n\nu2", "extra": 2},
        {"role": "user", "content": "u4", "extra": 4},
    ]
    assert [m.text for m in small.messages] == ["s", "gist\n\nu2", "u4"]
    # the last user's words stay as they are
    assert [m.text for m in request.for_tier("bare").messages] == ["gist", "u4"]
    assert [(m.role, m.text) for m in request.for_tier("system").messages] == [
        ("system", "s"),
        ("user", "gist"),
    ]
    assert [m.text for m in request.messages] == ["s", "u0", "u1", "u2", "u3", "u4"]


def test_a_note_is_a_message_of_its_own_where_another_than_a_user_speaks_next() -> None:
    said = [{"role": role, "content": role} for role in ("user", "assistant", "user")]
    request = ChatRequest.build({"messages": said})
    request = msgspec.structs.replace(request, cuts={"small": Cut((1, 2), "gist")})
    assert [(m.role, m.text) for m in request.for_tier("small").messages] == [
        ("user", "gist"),
        ("assistant", "assistant"),
        ("user", "user"),
    ]


def test_a_message_that_cannot_be_written_anew_keeps_its_words() -> None:
    raw = b'{"role":"user","content":"u","\xff":1}'
    request = ChatRequest.parse(b'{"messages":[%s,%s,%s]}' % (raw, raw, raw))
    small = msgspec.structs.replace(request, cuts={"small": Cut((1, 2), "gist")}).for_tier("small")
    assert [m.text for m in small.messages] == ["gist", "u", "u"]
    assert bytes(small.raw_messages()[1]) == raw
