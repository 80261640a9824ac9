"""The one place that opens sockets to upstreams: a small interface, and aiohttp behind it.

aiohttp, by measurement. pyreqwest 0.15 costs half of it a whole answer (25 against 50 us), but 1.4 times as much a
streamed token, and it keeps the connection open when a call is cancelled: the upstream would go on and bill.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Protocol
from urllib.request import getproxies

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL


class TransportError(Exception):
    """The connection failed; `was_sent` tells whether the upstream may have begun to work."""

    def __init__(self, reason: str, *, was_sent: bool) -> None:
        super().__init__(reason)
        self.was_sent = was_sent


class TooLarge(TransportError):
    """The answer is over the size limit."""


class Response(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What `next` raises where the connection breaks."""
        ...

    @property
    def next(self) -> Callable[[], Awaitable[bytes]]:
        """Call it for what has arrived by then; b"" is the end. No layer between: it runs once a streamed token."""
        ...

    async def read(self, max_bytes: int) -> bytes:
        """The whole body.

        Raises:
            TooLarge, TransportError
        """
        ...

    async def drain(self, timeout_s: float) -> None:
        """Wait for the body's end, so that the connection can be used again; in vain is fine."""
        ...

    async def close(self) -> None:
        """Let go; an answer not read to its end closes the connection, which tells the upstream to stop."""
        ...


class Transport(Protocol):
    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Send and wait for the answer's headers. Follows no redirect.

        Raises:
            TransportError: Refused, reset, DNS, TLS.
        """
        ...

    async def close(self) -> None: ...


class AiohttpTransport:
    """Keep-alive connections through aiohttp, TCP_NODELAY on (its default), no cookies, no redirects."""

    def __init__(self, connect_timeout_s: float) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[str, URL] = {}  # parsing one costs more than a look-up

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30, ttl_dns_cache=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout_s),
            trust_env=bool(getproxies()),  # looked up once: doing it per request costs more than the request
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            auto_decompress=False,
        )
        return self._session

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        import aiohttp

        session = self._session or self._open()
        try:
            answer = await session.post(self._url(url), data=body, headers=headers, allow_redirects=False)
        except aiohttp.ClientConnectorError as e:
            raise TransportError(type(e).__name__, was_sent=False) from e
        except (aiohttp.ClientError, OSError, ValueError) as e:
            raise TransportError(type(e).__name__, was_sent=True) from e
        return _AiohttpResponse(answer)

    def _url(self, url: str) -> URL:
        from yarl import URL

        found = self._urls.get(url)
        if found is None:
            found = self._urls[url] = URL(url)
        return found

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


class _AiohttpResponse:
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        import aiohttp

        self._answer = answer
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self.errors: tuple[type[Exception], ...] = (aiohttp.ClientError, OSError)
        self.next: Callable[[], Awaitable[bytes]] = answer.content.readany

    async def read(self, max_bytes: int) -> bytes:
        content, parts, n = self._answer.content, list[bytes](), 0
        if (self._answer.content_length or 0) > max_bytes:
            raise TooLarge("TooLarge", was_sent=True)
        try:
            while data := await content.readany():
                n += len(data)
                if n > max_bytes:
                    raise TooLarge("TooLarge", was_sent=True)
                parts.append(data)
                if content.at_eof():
                    break
        except self.errors as e:
            raise TransportError(type(e).__name__, was_sent=True) from e
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def drain(self, timeout_s: float) -> None:
        content = self._answer.content
        with contextlib.suppress(TimeoutError, *self.errors):
            async with asyncio.timeout(timeout_s):
                while not content.at_eof():
                    await content.readany()

    async def close(self) -> None:
        self._answer.close() if not self._answer.content.at_eof() else self._answer.release()
