"""Any provider that litellm speaks to. Dearer in CPU than http: for what http can't reach."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from stepwell.base.errors import (
    RateLimited,
    StreamBroken,
    TierError,
    TierRefused,
    TierTimeout,
    TierUnavailable,
)
from stepwell.base.messages import Event, decode_answer, decode_chunk
from stepwell.base.request import ChatRequest
from stepwell.router.tiers.base import Completed, Outgoing
from stepwell.router.tiers.finishes import Finishes
from stepwell.router.tiers.retry_after import retry_after_s

# litellm takes its own settings as arguments of the same call: api_base, api_key, fallbacks, mock_response, ...
# fmt: off
CALLER_FIELDS = frozenset([
    "messages", "model", "temperature", "top_p", "n",
    "stream", "stream_options", "stop", "max_tokens", "max_completion_tokens",
    "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs",
    "user", "seed", "tools", "tool_choice", "parallel_tool_calls",
    "response_format", "reasoning_effort", "modalities", "prediction", "verbosity",
])
# fmt: on


def load() -> Any:
    """Import litellm with its price map local and its telemetry off; costs about a second, once."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # read at import: it would fetch the map
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = False
    return litellm


class LitellmBackend:
    """Calls `litellm.acompletion`; its own retries are off, so tries don't multiply."""

    def __init__(
        self,
        *,
        tier: str,
        outgoing: Outgoing,
        max_answer_bytes: int,
        api_key: str | None = None,
        base_url: str | None = None,
    ) -> None:
        self._tier = tier
        self._outgoing = outgoing
        self._max_bytes = max_answer_bytes
        self._fixed: dict[str, Any] = {"num_retries": 0, "max_retries": 0}
        if api_key is not None:
            self._fixed["api_key"] = api_key
        if base_url is not None:
            self._fixed["api_base"] = base_url
            self._fixed.setdefault(
                "api_key", "none"
            )  # or litellm sends the provider's key from the environment

    async def complete(self, request: ChatRequest) -> Completed:
        answer = await self._call(request, is_stream=False)
        try:
            body = answer.model_dump_json().encode()
        except ValueError:  # Python reads halves of characters, which no UTF-8 can say
            raise TierUnavailable(
                f"tier {self._tier}: the answer is no JSON", tier=self._tier, was_billed=True
            ) from None
        if len(body) > self._max_bytes:
            raise TierUnavailable(
                f"tier {self._tier}: the answer is over max_answer_bytes",
                tier=self._tier,
                was_billed=True,
            )
        return Completed(body, decode_answer(body))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        source = await self._call(request, is_stream=True)
        finishes = Finishes()
        try:
            async for piece in source:
                payload = piece.model_dump_json(exclude_none=True).encode()
                chunk = decode_chunk(payload)
                finishes.add(chunk)
                yield [Event(payload, chunk)]
        except Exception as e:
            raise self._mapped(e, is_answering=True) from e
        finally:
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()
        if not finishes.has_all:
            raise StreamBroken(
                f"tier {self._tier}: the stream ended before the answer did", tier=self._tier, was_billed=True
            )

    async def close(self) -> None:
        """litellm keeps its clients to itself."""

    async def _call(self, request: ChatRequest, *, is_stream: bool) -> Any:
        if not CALLER_FIELDS.issuperset(request.fields):
            raise TierRefused(
                f"tier {self._tier}: it goes through litellm, which is given only these fields of a request: "
                f"{', '.join(sorted(CALLER_FIELDS))}",
                tier=self._tier,
            )
        litellm = load()
        fields = msgspec.json.decode(self._outgoing.body(request, is_stream=is_stream))
        try:
            return await litellm.acompletion(**{**fields, **self._fixed})
        except Exception as e:
            raise self._mapped(e) from e

    def _mapped(self, e: Exception, *, is_answering: bool = False) -> TierError:
        """litellm's exceptions carry OpenAI's names and a status; their texts may hold the prompt."""
        if isinstance(e, TierError):
            return e
        status = getattr(e, "status_code", None)
        status = status if isinstance(status, int) else None
        what = f"tier {self._tier}: litellm raised {type(e).__name__}"
        headers = getattr(getattr(e, "response", None), "headers", None) or {}
        kind: type[TierError] = TierUnavailable
        if status == 429:
            kind = RateLimited
        elif status in (400, 413, 422):
            kind = TierRefused
        elif status in (408, 504):
            kind = TierTimeout
        error = kind(
            what,
            tier=self._tier,
            upstream_status=status,
            retry_after_s=retry_after_s(headers),
            was_billed=is_answering or kind is TierTimeout,
        )
        if status in (401, 403, 404):
            error.is_retryable = False
        return error
