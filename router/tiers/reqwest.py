"""Whole answers through pyreqwest (Rust's reqwest): about half of aiohttp's CPU a call, by `make bench`.

Streams stay with aiohttp, which is the cheaper of the two there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from stepwell.router.tiers.transport import Response, TooLarge, TransportError, read_up_to

if TYPE_CHECKING:
    from pyreqwest.client import Client
    from pyreqwest.request import StreamRequest
    from pyreqwest.response import Response as PyreqwestResponse


class ReqwestTransport:
    """Keep-alive connections, TCP_NODELAY, no redirects, no cookies; proxies as the environment says."""

    def __init__(self, connect_timeout_s: float) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._client: Client | None = None

    def _open(self) -> Client:
        from pyreqwest.client import ClientBuilder

        self._client = (
            ClientBuilder()
            .http1_only()
            .follow_redirects(False)
            .tcp_nodelay(True)
            .gzip(False)
            .max_connections(None)
            .pool_idle_timeout(timedelta(seconds=30))
            .connect_timeout(timedelta(seconds=self._connect_timeout_s))
            .build()
        )
        return self._client

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """As `Transport.post`."""
        from pyreqwest.exceptions import ConnectError, ConnectTimeoutError, PyreqwestError

        client = self._client or self._open()
        request = client.post(url).headers(headers).body_bytes(body).build_streamed()
        try:
            answer = await request.__aenter__()
        except (ConnectError, ConnectTimeoutError) as e:
            raise TransportError(type(e).__name__, was_sent=False) from e
        except (PyreqwestError, OSError, ValueError) as e:
            raise TransportError(type(e).__name__, was_sent=True) from e
        return _ReqwestResponse(request, answer)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()


class _ReqwestResponse:
    def __init__(self, request: StreamRequest, answer: PyreqwestResponse) -> None:
        self._request = request
        self._answer = answer
        self.status = answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._answer.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        from pyreqwest.exceptions import PyreqwestError

        reader = self._answer.body_reader
        try:
            while (data := await reader.read_chunk()) is not None:
                yield bytes(data)
        except (PyreqwestError, OSError) as e:
            raise TransportError(type(e).__name__, was_sent=True) from e

    async def read(self, max_bytes: int) -> bytes:
        from pyreqwest.exceptions import PyreqwestError

        length = self._answer.get_header("content-length")
        if length is not None and length.isdecimal():
            if int(length) > max_bytes:
                raise TooLarge("TooLarge", was_sent=True)
            try:
                return bytes(await self._answer.body_reader.bytes())
            except (PyreqwestError, OSError) as e:
                raise TransportError(type(e).__name__, was_sent=True) from e
        return await read_up_to(self.chunks(), max_bytes)

    async def drain(self, timeout_s: float) -> None:
        """Nothing to do: whole answers are read to their end."""

    async def close(self) -> None:
        await self._request.__aexit__(None, None, None)
