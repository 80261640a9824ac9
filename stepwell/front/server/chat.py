"""POST /v1/chat/completions."""

from __future__ import annotations

import asyncio

from stepwell.base.errors import StepwellError
from stepwell.base.messages import Event
from stepwell.base.reply import Reply
from stepwell.base.request import Caller, ChatRequest, Wishes
from stepwell.front.server.http import JSON, Disconnected, Headers, Receive, Send, error_body, send_body
from stepwell.front.server.wishes import reply_headers
from stepwell.pipeline import Pipeline
from stepwell.stream import ReplyStream

SSE: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
DONE = b"data: [DONE]\n\n"
# after stream_timeout_s the last event has this long to leave; a client that doesn't read is then cut off
WRITE_GRACE_S = 1.0
WATCH_AFTER_S = 0.02


async def chat(
    pipeline: Pipeline, body: bytes, tenant: str, wishes: Wishes, receive: Receive, send: Send
) -> None:
    """Answer one request; a client that goes away cancels it.

    Raises:
        StepwellError: Before the answer's first byte; after it, an error event is sent.
        asyncio.CancelledError: The client left.
    """
    request = ChatRequest.parse(body, Caller(tenant), wishes)
    wire = request.wire
    if wire.user is not None:
        request = ChatRequest(wire, request.fields, Caller(tenant, wire.user), wishes)
    watch = _Watch(receive)
    try:
        if wire.stream:
            limit_s = pipeline.config.dispatch.stream_timeout_s + WRITE_GRACE_S
            await _stream(await pipeline.stream(request), send, limit_s)
        else:
            await _whole(await pipeline.complete(request), send)
    finally:
        watch.stop()


class _Watch:
    """Cancels the current task when its client leaves.

    Begins after WATCH_AFTER_S: a task for each request would cost those that end sooner about 8 us.
    """

    __slots__ = ("_asked", "_receive", "_timer", "_watch")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._asked = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._begin)

    def _begin(self) -> None:
        self._watch = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._asked is not None:
            self._asked.cancel()

    def stop(self) -> None:
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()


async def _whole(reply: Reply, send: Send) -> None:
    headers = reply_headers(
        reply.trace, tier=reply.tier, model=reply.model, cost_usd=reply.cost_usd, why=reply.why
    )
    headers.append(JSON)
    await send_body(send, 200, reply.body, headers)


async def _stream(stream: ReplyStream, send: Send, limit_s: float) -> None:
    is_hit = stream.trace.cache is not None and stream.trace.cache.is_hit
    headers = reply_headers(
        stream.trace,
        tier=stream.tier,
        model=stream.model,
        cost_usd=0.0 if is_hit else None,
        why=stream.why,
    )
    try:
        async with asyncio.timeout(limit_s):
            await send({"type": "http.response.start", "status": 200, "headers": headers + SSE})
            await send({"type": "http.response.body", "body": await _body(stream, send)})
    except TimeoutError:
        raise Disconnected from None
    finally:
        await stream.aclose()


async def _body(stream: ReplyStream, send: Send) -> bytes:
    """Send all batches; the last bytes are [DONE], or the error where the answer broke off."""
    try:
        async for batch in stream.batches(in_one_task=True):
            await send({"type": "http.response.body", "body": _frame(batch), "more_body": True})
    except StepwellError as e:  # the status is out: say it in the stream, and don't end it as if all was well
        return b"data: " + error_body(e) + b"\n\n"
    return DONE


def _frame(batch: list[Event]) -> bytes:
    if len(batch) == 1:
        return b"data: " + batch[0].payload + b"\n\n"
    return b"data: " + b"\n\ndata: ".join([e.payload for e in batch]) + b"\n\n"
