"""Hostile bodies and headers: an answer or a clear 4xx, never a 5xx, a traceback or an echo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Ask = Callable[..., Awaitable[httpx.Response]]
FUZZ = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
FIELDS = [
    "seed",
    "temperature",
    "n",
    "max_tokens",
    "stop",
    "stream",
    "stream_options",
    "user",
    "model",
    "tools",
]
FIELDS += ["response_format", "messages", "logit_bias", "metadata", "never_heard_of"]
NUMBERS = [
    "9" * 400,
    "1" * 5000,
    "-9223372036854775809",
    "18446744073709551616",
    "1e999",
    "-0",
    "1E+2",
    "1.5",
]
NUMBERS += ["NaN", "Infinity", "null", "true", "-1", "0", "1." + "9" * 1000]
TEXTS = {
    "not utf-8": b'"\xff\xfe"',
    "cut utf-8": b'"\xe2\x82"',
    "overlong": b'"\xc0\x80"',
    "surrogate in utf-8": b'"\xed\xa0\x80"',
    "lone surrogate": b'"\\ud800"',
    "two high surrogates": b'"\\ud800\\ud800"',
    "nul": b'"\\u0000"',
    "control": b'"\x01"',
}


def chat(more: bytes = b"", content: bytes = b'"mail a@b.example"') -> bytes:
    return b'{"messages":[{"role":"user","content":' + content + b"}]" + more + b"}"


def check(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text
    if answer.status_code != 200:
        error = msgspec.json.decode(answer.content)["error"]
        assert isinstance(error["message"], str)
        assert error["message"]


@FUZZ
@given(st.binary(max_size=300))
async def test_random_bytes(ask: Ask, body: bytes) -> None:
    for path in ("/v1/chat/completions", "/v1/embeddings"):
        answer = await ask(body, path)
        check(answer)
        assert answer.status_code == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@FUZZ
@given(st.sampled_from(FIELDS), JSON)
async def test_any_json_in_any_field(ask: Ask, field: str, value: Any) -> None:
    try:
        raw = msgspec.json.encode(value)
    except UnicodeEncodeError:  # a lone surrogate: TEXTS has it
        return
    check(await ask(chat(b',"' + field.encode() + b'":' + raw)))


@FUZZ
@given(
    st.lists(
        st.fixed_dictionaries({}, optional=dict.fromkeys(("role", "content", "tool_calls", "name"), JSON))
    )
)
async def test_any_messages(ask: Ask, messages: list[Any]) -> None:
    try:
        raw = msgspec.json.encode({"messages": messages})
    except UnicodeEncodeError:
        return
    check(await ask(raw))


@pytest.mark.parametrize("field", FIELDS)
async def test_numbers_out_of_range(ask: Ask, field: str) -> None:
    for number in NUMBERS:
        for more in ("", ',"stream":true'):
            check(await ask(chat(f',"{field}":{number}{more}'.encode())))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_broken_text_anywhere(ask: Ask, text: bytes) -> None:
    bodies = [
        chat(content=text),
        chat(content=b'[{"type":"text","text":' + text + b"}]"),
        chat(b"," + text + b":1"),
        b'{"messages":[{"role":' + text + b',"content":"x"}]}',
        b'{"messages":[{"role":"user","content":"mail a@b.example","more":' + text + b"}]}",
        *(chat(b',"' + f.encode() + b'":' + text) for f in FIELDS),
    ]
    for body in bodies:
        check(await ask(body))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
async def test_any_depth_of_nesting(ask: Ask, opening: bytes) -> None:
    """Within a few levels of what the parser takes, a later stage's stack is the first to end."""
    close = b"]" if opening == b"[" else b"}"

    def bodies(depth: int) -> list[bytes]:
        deep = opening * depth + b"1" + close * depth
        schema = b',"response_format":{"type":"json_schema","json_schema":'
        return [
            chat(b',"more":' + deep),
            chat(b',"tools":[{"a":' + deep + b"}]"),
            chat(schema + deep + b"}"),
            b'{"messages":[{"role":"user","content":"a@b.example","more":' + deep + b"}]}",
            chat(content=deep),
        ]

    most, too_deep = 10, 20_000
    while too_deep - most > 1:
        middle = (most + too_deep) // 2
        is_read = (await ask(bodies(middle)[3])).status_code == 200
        most, too_deep = (middle, too_deep) if is_read else (most, middle)
    assert most > 100
    for depth in [10, *range(most - 15, most + 15), 20_000]:
        for body in bodies(depth):
            check(await ask(body))


WISHES = [
    "tier",
    "min-tier",
    "max-usd",
    "tags",
    "below-floor",
    "cache",
    "timeout-s",
    "session",
    "conversation",
]
WISHES += ["unknown", ""]
RUBBISH = [
    b"",
    b"\xff\xfe",
    b"nan",
    b"inf",
    b"-1",
    b"1e-300",
    b"1e308",
    b"0",
    b"1_0",
    b"a" * 9000,
    b",,,",
    b"\x00",
]


@pytest.mark.parametrize("name", WISHES)
async def test_rubbish_in_headers(http: httpx.AsyncClient, name: str) -> None:
    for value in RUBBISH:
        headers = {b"content-type": b"application/json", b"x-stepwell-" + name.encode(): value}
        answer = await http.post("/v1/chat/completions", content=chat(), headers=headers)
        if not (name == "timeout-s" and answer.status_code == 504):  # that short a time it asked for
            check(answer)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"])
async def test_any_method_on_any_path(http: httpx.AsyncClient, method: str) -> None:
    paths = [
        "/",
        "//",
        "/v1",
        "/v1/models/",
        "/v1/models/%ff%00",
        "/v1/models/" + "a" * 5000,
        "/metrics/..",
        "/%2e",
    ]
    for path in [*paths, "/v1/chat/completions", "/v1/embeddings", "/v1/models", "/metrics", "/openapi.json"]:
        answer = await http.request(method, path)
        assert answer.status_code < 500, (method, path)


async def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    from stepwell import Stepwell
    from stepwell.front.server.app import create_app
    from stepwell.testing import FakeTier

    n_read = 0

    async def receive() -> dict[str, Any]:
        nonlocal n_read
        n_read += 1
        return {"type": "http.request", "body": b" " * 1024, "more_body": True}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    tier = {"model": "fake/x", "usd_per_1m_input": 1, "usd_per_1m_output": 1}
    values: dict[str, Any] = {"tiers": {"a": tier}, "server": {"max_body_bytes": 4096}}
    async with Stepwell(backends={"a": FakeTier()}, **values) as well:
        scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": []}
        await create_app(well)(scope, receive, send)
    assert sent[0]["status"] == 413
    assert n_read <= 6
