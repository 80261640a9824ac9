"""ASGI in and out: read a body, write JSON, turn an error into OpenAI's shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from stepwell.base.errors import (
    AllTiersFailed,
    BadRequest,
    HeldForReview,
    QualityFloorUnmet,
    RateLimited,
    StepwellError,
)
from stepwell.base.messages import encode_json

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")


class TooLarge(BadRequest):
    status_code = 413
    code = "request_too_large"


class NotFound(BadRequest):
    status_code = 404
    code = "not_found"


class WrongMethod(BadRequest):
    status_code = 405
    code = "method_not_allowed"


class WrongType(BadRequest):
    status_code = 415
    code = "unsupported_media_type"


class Disconnected(Exception):
    """The client left before its body was here."""


async def read_body(receive: Receive, max_bytes: int) -> bytes:
    """The whole body.

    Raises:
        TooLarge: Over `max_bytes`.
        Disconnected: The client left.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    parts = [body]
    n = len(body)
    while message.get("more_body", False):
        if n > max_bytes:
            break
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        parts.append(message.get("body", b""))
        n += len(parts[-1])
    if n > max_bytes:
        raise TooLarge(f"The body is over max_body_bytes ({max_bytes}).")
    return body if len(parts) == 1 else b"".join(parts)


def require_json(content_type: bytes, headers: Headers) -> None:
    """Refuse a body that a web page could send here without asking first: one not called JSON.

    A program may leave the type out. A page can too (a Blob without a type), but then names its origin.

    Raises:
        WrongType
    """
    kind = content_type.partition(b";")[0].strip().lower()
    is_page = any(name == b"origin" for name, _ in headers)
    if kind != JSON[1] and (kind or is_page):
        raise WrongType("content-type must be application/json")


async def send_body(send: Send, status: int, body: bytes, headers: Headers) -> None:
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_json(send: Send, value: object, status: int = 200, headers: Headers | None = None) -> None:
    await send_body(send, status, encode_json(value), [JSON, *(headers or [])])


async def send_error(send: Send, error: StepwellError, headers: Headers | None = None) -> None:
    """The error in OpenAI's shape, with Retry-After where an upstream gave one."""
    out = [JSON, *(headers or [])]
    if isinstance(error, AllTiersFailed | RateLimited) and error.retry_after_s:
        out.append((b"retry-after", b"%d" % max(1, round(error.retry_after_s))))
    if isinstance(error, QualityFloorUnmet):  # read by OpenAI's clients: the same try can't help
        out.append((b"x-should-retry", b"false"))
    if isinstance(error, HeldForReview):
        out.append((b"x-stepwell-review-id", error.review_id.encode()))
    await send_body(send, error.status_code, error_body(error), out)


def error_body(error: StepwellError) -> bytes:
    """OpenAI's shape; what waits for a person is named by `review_id` too."""
    message = error.message if isinstance(error, AllTiersFailed) else str(error)
    fields = {"message": message, "type": error.type, "param": error.param, "code": error.code}
    if isinstance(error, HeldForReview):
        fields["review_id"] = error.review_id
    return encode_json({"error": fields})
