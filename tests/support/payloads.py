"""The bytes of the mock's answers. Every token is the text ` tk`, so that counting it counts tokens."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import msgspec

TOKEN = " tk"
N_PROMPT_TOKENS = 11
N_HUGE_BYTES = 100 * 2**20
DONE = b"data: [DONE]\n\n"
HTML = b"<!doctype html><title>Bad gateway</title><p>Try again later."

_encode = msgspec.json.encode


def usage(n_tokens: int) -> dict[str, int]:
    n = N_PROMPT_TOKENS
    return {"prompt_tokens": n, "completion_tokens": n_tokens, "total_tokens": n + n_tokens}


@lru_cache(maxsize=256)
def answer(model: str, n_tokens: int) -> bytes:
    """A `chat.completion`."""
    message = {"role": "assistant", "content": TOKEN * n_tokens}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return _encode(
        {
            "id": "mock-1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [choice],
            "usage": usage(n_tokens),
        }
    )


@lru_cache(maxsize=256)
def events(model: str, n_tokens: int, has_usage: bool) -> tuple[bytes, ...]:
    """The events of a stream: role, one a token, finish, usage where asked for. Without [DONE]."""
    deltas: list[dict[str, str]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": TOKEN}] * n_tokens
    out = [_event(model, [{"index": 0, "delta": d, "finish_reason": None}]) for d in deltas]
    out.append(_event(model, [{"index": 0, "delta": {}, "finish_reason": "stop"}]))
    if has_usage:
        out.append(_event(model, [], usage(n_tokens)))
    return tuple(out)


def _event(model: str, choices: list[dict[str, object]], used: dict[str, int] | None = None) -> bytes:
    fields: dict[str, object] = {
        "id": "mock-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": choices,
    }
    if used is not None:
        fields["usage"] = used
    return b"data: " + _encode(fields) + b"\n\n"


def error(status: int) -> bytes:
    """An error in OpenAI's shape; its message plays the prompt that some upstreams echo."""
    return _encode(
        {"error": {"message": "you said: SECRET PROMPT", "type": "mock", "code": f"mock_{status}"}}
    )


ERROR_EVENT = b"data: " + error(500) + b"\n\n"


def head(status: int, *, kind: bytes = b"application/json", extra: bytes = b"") -> bytes:
    """A status line with headers, up to the empty line."""
    return b"HTTP/1.1 %d X\r\ncontent-type: %s\r\n%s\r\n" % (status, kind, extra)


def sized(status: int, body: bytes, extra: bytes = b"") -> bytes:
    return head(status, extra=b"content-length: %d\r\n%s" % (len(body), extra)) + body


SSE_HEAD = head(200, kind=b"text/event-stream", extra=b"transfer-encoding: chunked\r\n")
LAST_CHUNK = b"0\r\n\r\n"


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def huge(piece_bytes: int = 64 * 1024) -> Iterator[bytes]:
    """A syntactically fine answer of N_HUGE_BYTES, piece by piece."""
    yield b'{"id":"mock-1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"'
    piece = b"x" * piece_bytes
    for _ in range(N_HUGE_BYTES // piece_bytes):
        yield piece
    yield b'"},"finish_reason":"stop"}]}'
