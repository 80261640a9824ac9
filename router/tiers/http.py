"""OpenAI-compatible HTTP: one endpoint, over the shared transport."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

import msgspec

from stepwell.base.errors import RateLimited, StreamBroken, TierError, TierRefused, TierUnavailable
from stepwell.base.messages import Event, decode_answer
from stepwell.base.request import ChatRequest
from stepwell.router.tiers.base import Completed, Outgoing
from stepwell.router.tiers.retry_after import retry_after_s
from stepwell.router.tiers.sse import SseReader
from stepwell.router.tiers.transport import Response, TooLarge, Transport, TransportError

# how long the end of a body may lag behind [DONE]: a connection closed before it can't be used again
DRAIN_S = 0.25


class HttpBackend:
    """Speaks POST {base_url}/chat/completions.

    Args:
        tier: For error messages.
        api_key: Sent as a bearer token; None sends none. Never logged.
    """

    def __init__(
        self,
        *,
        tier: str,
        base_url: str,
        outgoing: Outgoing,
        transport: Transport,
        max_answer_bytes: int,
        api_key: str | None = None,
    ) -> None:
        self._tier = tier
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._outgoing = outgoing
        self._transport = transport
        self._max_bytes = max_answer_bytes
        self._headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if api_key is not None:
            self._headers["authorization"] = f"Bearer {api_key}"

    async def complete(self, request: ChatRequest) -> Completed:
        response = await self._post(request, is_stream=False)
        try:
            body = await response.read(self._max_bytes)
            answer = decode_answer(body)
        except TooLarge:
            raise TierUnavailable(
                f"tier {self._tier}: the answer is over max_answer_bytes ({self._max_bytes})",
                tier=self._tier,
                was_billed=True,
            ) from None
        except TransportError as e:
            raise self._broken(e) from e
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._garbage() from None
        finally:
            await response.close()
        if not answer.choices:
            raise self._garbage()
        return Completed(body, answer)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        response = await self._post(request, is_stream=True)
        reader = SseReader(self._max_bytes)
        feed = reader.feed
        try:
            while data := await response.next():
                events = feed(data)
                if events:
                    yield events
                if reader.is_done:
                    await response.drain(DRAIN_S)
                    break
                if reader.broken is not None:
                    raise StreamBroken(
                        f"tier {self._tier}: {reader.broken}", tier=self._tier, was_billed=True
                    )
        except response.errors as e:
            raise self._cut() from e
        finally:
            await response.close()
        if not reader.is_finished:
            raise self._cut()

    async def close(self) -> None:
        """Nothing of its own: the transport is shared."""

    async def _post(self, request: ChatRequest, *, is_stream: bool) -> Response:
        body = self._outgoing.body(request, is_stream=is_stream)
        try:
            response = await self._transport.post(self._url, self._headers, body)
        except TransportError as e:
            raise self._broken(e) from e
        if response.status != 200:
            raise await self._refused(response)
        return response

    async def _refused(self, response: Response) -> TierError:
        status, wait = response.status, retry_after_s(response.headers)
        try:
            code = _error_code(await response.read(64 * 1024))
        except TransportError:
            code = ""
        finally:
            await response.close()
        kind: type[TierError] = TierUnavailable
        if status == 429:
            kind = RateLimited
        elif status in (400, 413, 422):
            kind = TierRefused
        what = f"tier {self._tier}: the upstream answered {status}{code}"
        error = kind(what, tier=self._tier, upstream_status=status, retry_after_s=wait)
        if status in (401, 403, 404):  # our key or our model name: the same try again can't help
            error.is_retryable = False
        return error

    def _broken(self, e: TransportError) -> TierError:
        return TierUnavailable(
            f"tier {self._tier}: the connection failed ({e})", tier=self._tier, was_billed=e.was_sent
        )

    def _cut(self) -> TierError:
        return StreamBroken(
            f"tier {self._tier}: the stream ended before the answer did", tier=self._tier, was_billed=True
        )

    def _garbage(self) -> TierError:
        return TierUnavailable(
            f"tier {self._tier}: the upstream answered 200 with something else than a chat completion",
            tier=self._tier,
            upstream_status=200,
            was_billed=True,
        )


class _ErrorBody(msgspec.Struct):
    error: Mapping[str, object] | None = None


def _error_code(body: bytes) -> str:
    """` (code)` of an OpenAI-shaped error where it looks like an identifier; its message may hold prompt text."""
    try:
        error = msgspec.json.decode(body, type=_ErrorBody).error or {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    named = error.get("code") or error.get("type")
    if isinstance(named, str) and len(named) <= 64 and named.replace("_", "").replace("-", "").isalnum():
        return f" ({named})"
    return ""
