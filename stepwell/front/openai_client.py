"""The openai package's client, wired to a well in this process: no socket, no second server.

httpx's own ASGITransport hands over a body only once it is complete; this one streams.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from stepwell.well import Stepwell

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], _Receive, _Send], Awaitable[None]]

_N_QUEUED = 16  # messages that the app may be ahead of its reader
_GRACE_S = 5.0  # an app that was told of a disconnect may tidy up this long


def openai_client(well: Stepwell, *, api_key: str | None = None) -> AsyncOpenAI:
    """An ordinary `openai.AsyncOpenAI` that the well answers.

    Args:
        well: Stays the caller's to close.
        api_key: One of the server's keys, where the configuration has any; default: the first of them.

    Retries are off: the well has its own.
    """
    from openai import AsyncOpenAI

    from stepwell.front.server.app import create_app

    keys = well.config.server.keys
    key = api_key or (os.environ.get(keys[0].env) if keys else None) or "in-process"
    http = httpx.AsyncClient(transport=AsgiTransport(create_app(well)))
    return AsyncOpenAI(api_key=key, base_url="http://in-process/v1", http_client=http, max_retries=0)


class AsgiTransport(httpx.AsyncBaseTransport):
    """Carries requests to an ASGI app; a reader that stops early reaches it as `http.disconnect`."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._open: set[_Exchange] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = _Exchange(request, await request.aread())
        self._open.add(exchange)
        exchange.start(self._app, self._open.discard)
        try:
            start = await exchange.next()
        except BaseException:  # a cancelled caller, too
            exchange.disconnect()
            raise
        return httpx.Response(start["status"], headers=start.get("headers", []), stream=exchange)

    async def aclose(self) -> None:
        """Disconnect what is still open and wait for it."""
        for exchange in list(self._open):
            await exchange.aclose()


class _Exchange(httpx.AsyncByteStream):
    """One request and the body of its answer."""

    def __init__(self, request: httpx.Request, body: bytes) -> None:
        self._scope = _scope(request)
        self._body: bytes | None = body
        self._read_timeout_s: float | None = request.extensions.get("timeout", {}).get("read")
        self._sent: asyncio.Queue[_Message | None] = asyncio.Queue(_N_QUEUED)
        self._gone = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, app: App, on_done: Callable[[_Exchange], None]) -> None:
        def done(task: asyncio.Task[None]) -> None:
            on_done(self)
            if not task.cancelled():
                task.exception()  # told to the reader by `next`; here it counts as seen

        self._task = asyncio.create_task(self._run(app))
        self._task.add_done_callback(done)

    async def _run(self, app: App) -> None:
        try:
            await app(self._scope, self._receive, self._send)
        finally:
            if not self._gone.is_set():
                await self._sent.put(None)

    async def _receive(self) -> _Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: _Message) -> None:
        if not self._gone.is_set():
            await self._sent.put(message)

    async def next(self) -> _Message:
        """The app's next message.

        Raises:
            httpx.ReadTimeout: None came within the client's read timeout.
            httpx.RemoteProtocolError: The app ended before its answer did.
        """
        try:
            async with asyncio.timeout(self._read_timeout_s):
                message = await self._sent.get()
        except TimeoutError as e:
            raise httpx.ReadTimeout(f"no answer within {self._read_timeout_s} s") from e
        if message is None:
            raise httpx.RemoteProtocolError("the app ended in mid-answer") from self._failure()
        return message

    def _failure(self) -> BaseException | None:
        task = self._task
        return task.exception() if task is not None and task.done() and not task.cancelled() else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        has_more = True
        while has_more:
            message = await self.next()
            has_more = message.get("more_body", False)
            if message.get("body"):
                yield message["body"]

    def disconnect(self) -> None:
        """Tell the app that its reader is gone, and let a send that waits for room end."""
        self._gone.set()
        while not self._sent.empty():
            self._sent.get_nowait()

    async def aclose(self) -> None:
        self.disconnect()
        if self._task is None:
            return
        _, late = await asyncio.wait({self._task}, timeout=_GRACE_S)
        if late:
            self._task.cancel()
            await asyncio.wait(late)


def _scope(request: httpx.Request) -> MutableMapping[str, Any]:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 0),
        "server": (url.host, url.port or 80),
    }
