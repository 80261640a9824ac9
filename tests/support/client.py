"""A small HTTP client for tests, that tells a clean end from a broken one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

from tests.support.payloads import TOKEN


@dataclass(frozen=True, slots=True)
class Got:
    """What came back. `is_whole`: the body ended as HTTP says it should."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    is_whole: bool

    @property
    def error(self) -> dict[str, Any]:
        """The error in OpenAI's shape: exactly its four fields."""
        found: dict[str, Any] = msgspec.json.decode(self.body)["error"]
        assert set(found) == {"message", "type", "param", "code"}
        return found

    @property
    def text(self) -> str:
        content: str = msgspec.json.decode(self.body)["choices"][0]["message"]["content"]
        return content

    @property
    def events(self) -> list[Any]:
        """Payloads of a stream, [DONE] left out."""
        found = [b[6:] for b in self.body.split(b"\n\n") if b.startswith(b"data: ")]
        return [msgspec.json.decode(p) for p in found if p != b"[DONE]"]

    @property
    def is_done(self) -> bool:
        return b"data: [DONE]\n\n" in self.body

    @property
    def n_tokens(self) -> int:
        return self.body.count(TOKEN.encode())


def ask(*, stream: bool = False, model: str = "auto", **more: Any) -> dict[str, Any]:
    """A request body."""
    turn = {"role": "user", "content": "Say tk until you are done."}
    return {"model": model, "messages": [turn], "stream": stream, **more}


async def post(url: str, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Got:
    """Send, and read to the end, clean or broken."""
    began = time.monotonic()
    parts: list[bytes] = []
    is_whole = True
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as answer:
        try:
            async for part in answer.content.iter_any():
                parts.append(part)
        except aiohttp.ClientPayloadError:
            is_whole = False
        return Got(answer.status, answer.headers, b"".join(parts), time.monotonic() - began, is_whole)
